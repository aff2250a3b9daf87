// downsample_conv2d and upsample_conv2d: the convolution with a 4x4 kernel, stride 2 and padding 1, and its transpose.

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <array>
#include <optional>
#include <tuple>

#include "../types.h"
#include "patch_ranges.h"

namespace infogan_fast {
namespace {

constexpr const char* kDownsample = "infogan_fast::downsample_conv2d";
constexpr const char* kUpsample = "infogan_fast::upsample_conv2d";

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

at::Tensor empty_images(const at::Tensor& like, int64_t channels, int64_t height, int64_t width) {
  return at::empty(
      {like.size(0), channels, height, width}, like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

// The pixels of channels-last images as rows, [B * H * W, C].
at::Tensor pixel_rows(const at::Tensor& images) {
  return images.permute({0, 2, 3, 1}).reshape({-1, images.size(1)});
}

// Weights [first, second, 4, 4] as [first, 16 * second], in the order of the elements of a patch and the dtype of the
// images; transposed; and back.
at::Tensor as_matrix(const at::Tensor& weight, at::ScalarType dtype) {
  return in_dtype(weight, dtype).permute({0, 2, 3, 1}).reshape({weight.size(0), 16 * weight.size(1)});
}
at::Tensor as_transposed_matrix(const at::Tensor& weight, at::ScalarType dtype) {
  return in_dtype(weight, dtype).permute({2, 3, 1, 0}).reshape({16 * weight.size(1), weight.size(0)});
}
at::Tensor as_weight(const at::Tensor& matrix) {
  return matrix.view({matrix.size(0), 4, 4, -1}).permute({0, 3, 1, 2}).contiguous();
}

void check_images(const char* op, const char* name, const at::Tensor& images) {
  TORCH_CHECK_TYPE(
      is_layer_type(images.scalar_type()),
      op,
      ": ",
      name,
      " must be float32, float64 or bfloat16, got ",
      dtype_name(images.scalar_type()));
  TORCH_CHECK_VALUE(images.dim() == 4, op, ": ", name, " must be [B, C, H, W], got shape ", images.sizes());
}

// The weights are [out, in, 4, 4], or [in, out, 4, 4] where input_dim is 0.
void check_weight(
    const char* op,
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    int64_t input_dim) {
  check_images(op, "input", input);
  TORCH_CHECK_VALUE(
      weight.dim() == 4 && weight.size(2) == 4 && weight.size(3) == 4 && weight.size(input_dim) == input.size(1),
      op,
      ": weight must be ",
      input_dim == 1 ? "[out, in, 4, 4]" : "[in, out, 4, 4]",
      " with in = ",
      input.size(1),
      ", the channels of input, got shape ",
      weight.sizes());
  const int64_t out = weight.size(1 - input_dim);
  TORCH_CHECK_VALUE(
      !bias.has_value() || (bias->dim() == 1 && bias->size(0) == out),
      op,
      ": bias must have shape [",
      out,
      "], got ",
      bias.has_value() ? bias->sizes() : at::IntArrayRef());
  for (const at::Tensor* tensor : {&weight, bias.has_value() ? &*bias : &weight}) {
    TORCH_CHECK_TYPE(
        tensor->scalar_type() == accumulate_type(input.scalar_type()),
        op,
        ": weight and bias must be ",
        dtype_name(accumulate_type(input.scalar_type())),
        " where input is ",
        dtype_name(input.scalar_type()),
        ", got ",
        dtype_name(tensor->scalar_type()));
  }
}

void check_downsample(
    const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, double negative_slope) {
  check_weight(kDownsample, input, weight, bias, /*input_dim=*/1);
  const int64_t height = input.size(2), width = input.size(3);
  TORCH_CHECK_VALUE(
      height > 0 && width > 0 && height % 2 == 0 && width % 2 == 0,
      kDownsample,
      ": input must have even sides, got ",
      height,
      "x",
      width);
  // The backward pass takes the sign of the input of the leaky ReLU from its output.
  TORCH_CHECK_VALUE(negative_slope >= 0.0, kDownsample, ": negative_slope must be >= 0, got ", negative_slope);
}

at::Tensor downsample_conv2d(
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    double negative_slope,
    bool onednn) {
  check_downsample(input, weight, bias, negative_slope);
  const int64_t height = input.size(2), width = input.size(3);
  const at::Tensor images = input.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor matrix = as_transposed_matrix(weight, input.scalar_type());
  const at::Tensor output = empty_images(input, weight.size(0), height / 2, width / 2);
  const at::Tensor output_rows = pixel_rows(output);
  const at::Tensor biases = bias.has_value() ? bias->contiguous() : at::Tensor();
  const PatchBatch batch{input.size(0), {height, width, input.size(1)}, input.scalar_type()};
  const MatrixProduct product{onednn};
  dispatch_layer(batch.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Value = accumulate_t<T>;
    const Value* bias_data = bias.has_value() ? biases.const_data_ptr<Value>() : nullptr;
    batch.for_each_range([&](const ImageRange& range, const at::Tensor& patches) {
      const at::Tensor rows = range.rows(output_rows);
      range.gather<T>(images, patches);
      product(patches, matrix, rows);
      T* data = rows.mutable_data_ptr<T>();
      with_simd([&]() INFOGAN_SIMD {
        add_bias(data, bias_data, rows.size(0), rows.size(1), static_cast<Value>(negative_slope));
      });
    });
  });
  return output;
}

// Of the output, or its gradient.
void check_output(
    const char* op, const char* name, const at::Tensor& tensor, const at::Tensor& input, at::IntArrayRef sizes) {
  TORCH_CHECK_VALUE(
      tensor.sizes() == sizes && tensor.scalar_type() == input.scalar_type(),
      op,
      "_backward: ",
      name,
      " must have shape ",
      sizes,
      " and the dtype of input, ",
      dtype_name(input.scalar_type()),
      ", got ",
      tensor.sizes(),
      " and ",
      dtype_name(tensor.scalar_type()));
}

Gradients downsample_conv2d_backward(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& output,
    double negative_slope,
    std::array<bool, 3> wanted,
    bool onednn) {
  check_downsample(input, weight, std::nullopt, negative_slope);
  const bool activated = negative_slope != 1.0;
  const std::array<int64_t, 4> sizes{input.size(0), weight.size(0), input.size(2) / 2, input.size(3) / 2};
  check_output(kDownsample, "grad", grad, input, sizes);
  TORCH_CHECK_VALUE(
      output.has_value() || !activated,
      kDownsample,
      "_backward: output must be given for a negative_slope other than 1");
  const at::Tensor images = input.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor matrix = as_matrix(weight, input.scalar_type());
  const at::Tensor grad_rows = pixel_rows(grad.contiguous(at::MemoryFormat::ChannelsLast));
  at::Tensor output_rows;
  if (activated) {
    check_output(kDownsample, "output", *output, input, sizes);
    output_rows = pixel_rows(output->contiguous(at::MemoryFormat::ChannelsLast));
  }
  const at::Tensor grad_input =
      wanted[0] ? empty_images(input, input.size(1), input.size(2), input.size(3)) : at::Tensor();
  const int64_t channels = weight.size(0);
  const PatchBatch batch{input.size(0), {input.size(2), input.size(3), input.size(1)}, input.scalar_type()};
  const MatrixProduct product{onednn};
  const WeightSum weight_sum(batch, wanted[1] ? channels : 0, product);
  const RangeBuffers before_buffers(batch, activated ? channels : 0);
  const at::Tensor bias_sums = at::zeros({batch.parts(), channels}, at::kDouble);
  dispatch_layer(batch.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    batch.for_each_range([&](const ImageRange& range, const at::Tensor& patches) {
      at::Tensor rows = range.rows(grad_rows);
      if (activated) {
        const at::Tensor before = before_buffers.of_range(range);
        const T* after = rows.const_data_ptr<T>();
        const T* activation = range.rows(output_rows).const_data_ptr<T>();
        T* data = before.mutable_data_ptr<T>();
        const auto slope = static_cast<accumulate_t<T>>(negative_slope);
        with_simd([&]() INFOGAN_SIMD { leaky_relu_backward(after, activation, rows.numel(), slope, data); });
        rows = before;
      }
      if (wanted[2]) {
        const T* data = rows.const_data_ptr<T>();
        double* sum = bias_sums.mutable_data_ptr<double>() + range.part * channels;
        with_simd([&]() INFOGAN_SIMD { add_rows(data, rows.size(0), channels, sum); });
      }
      if (wanted[1]) {
        range.gather<T>(images, patches);
        weight_sum.add(range, rows, patches);
      }
      if (wanted[0]) {
        product(rows, matrix, patches);
        range.scatter<T>(patches, nullptr, grad_input);
      }
    });
  });
  return {
      grad_input,
      wanted[1] ? as_weight(weight_sum.total()) : at::Tensor(),
      wanted[2] ? bias_sums.sum(0).to(accumulate_type(batch.dtype)) : at::Tensor()};
}

at::Tensor upsample_conv2d(
    const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, bool onednn) {
  check_weight(kUpsample, input, weight, bias, /*input_dim=*/0);
  const at::Tensor input_rows = pixel_rows(input.contiguous(at::MemoryFormat::ChannelsLast));
  const at::Tensor matrix = as_matrix(weight, input.scalar_type());
  const at::Tensor output = empty_images(input, weight.size(1), 2 * input.size(2), 2 * input.size(3));
  const at::Tensor biases = bias.has_value() ? bias->contiguous() : at::Tensor();
  const PatchBatch batch{output.size(0), {output.size(2), output.size(3), output.size(1)}, input.scalar_type()};
  const MatrixProduct product{onednn};
  dispatch_layer(batch.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Value = accumulate_t<T>;
    const Value* bias_data = bias.has_value() ? biases.const_data_ptr<Value>() : nullptr;
    batch.for_each_range([&](const ImageRange& range, const at::Tensor& patches) {
      product(range.rows(input_rows), matrix, patches);
      range.scatter<T>(patches, bias_data, output);
    });
  });
  return output;
}

Gradients upsample_conv2d_backward(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    std::array<bool, 3> wanted,
    bool onednn) {
  check_weight(kUpsample, input, weight, std::nullopt, /*input_dim=*/0);
  const int64_t height = 2 * input.size(2), width = 2 * input.size(3);
  check_output(kUpsample, "grad", grad, input, {input.size(0), weight.size(1), height, width});
  const at::Tensor images = grad.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor input_rows = pixel_rows(input.contiguous(at::MemoryFormat::ChannelsLast));
  const at::Tensor matrix = as_transposed_matrix(weight, input.scalar_type());
  const at::Tensor grad_input = empty_images(input, input.size(1), input.size(2), input.size(3));
  const at::Tensor grad_input_rows = pixel_rows(grad_input);
  const PatchBatch batch{input.size(0), {height, width, weight.size(1)}, input.scalar_type()};
  const MatrixProduct product{onednn};
  const WeightSum weight_sum(batch, wanted[1] ? input.size(1) : 0, product);
  if (wanted[0] || wanted[1]) {
    dispatch_layer(batch.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      batch.for_each_range([&](const ImageRange& range, const at::Tensor& patches) {
        range.gather<T>(images, patches);
        if (wanted[0]) {
          product(patches, matrix, range.rows(grad_input_rows));
        }
        if (wanted[1]) {
          weight_sum.add(range, range.rows(input_rows), patches);
        }
      });
    });
  }
  return {
      wanted[0] ? grad_input : at::Tensor(),
      wanted[1] ? as_weight(weight_sum.total()) : at::Tensor(),
      wanted[2] ? images.sum({0, 2, 3}, /*keepdim=*/false, accumulate_type(batch.dtype)) : at::Tensor()};
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, CPU, m) {
  m.impl("downsample_conv2d", &downsample_conv2d);
  m.impl("downsample_conv2d_backward", &downsample_conv2d_backward);
  m.impl("upsample_conv2d", &upsample_conv2d);
  m.impl("upsample_conv2d_backward", &upsample_conv2d_backward);
}

}  // namespace infogan_fast
