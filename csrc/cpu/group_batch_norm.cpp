#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "../types.h"
#include "batch_norm_statistics.h"

namespace infogan_fast {
namespace {

constexpr const char* kOp = "infogan_fast::group_batch_norm";

// at::parallel_for as an object.
constexpr auto kParallelFor = [](int64_t begin, int64_t end, int64_t grain, const auto& body) {
  at::parallel_for(begin, end, grain, body);
};

// [B, C] or [B, C, H, W] as rows in channels-last order.
at::Tensor in_order(const at::Tensor& input) {
  return input.dim() == 4 ? input.contiguous(at::MemoryFormat::ChannelsLast) : input.contiguous();
}

NormalisedRows check(const at::Tensor& input, int64_t groups) {
  TORCH_CHECK_TYPE(
      is_layer_type(input.scalar_type()),
      kOp,
      ": input must be float32, float64 or bfloat16, got ",
      dtype_name(input.scalar_type()));
  TORCH_CHECK_VALUE(
      input.dim() == 2 || input.dim() == 4, kOp, ": input must be [B, C] or [B, C, H, W], got shape ", input.sizes());
  TORCH_CHECK_VALUE(
      groups > 0 && input.size(0) % groups == 0,
      kOp,
      ": the batch of ",
      input.size(0),
      " must consist of groups of equal size, got ",
      groups,
      " groups");
  const int64_t channels = input.size(1);
  const int64_t per_group = channels > 0 ? input.numel() / channels / groups : 0;
  TORCH_CHECK_VALUE(per_group > 1, kOp, ": a group must have more than one value per channel, got ", per_group);
  return {groups, per_group, channels};
}

// What there is per channel, or per group and channel.
void check_statistic(const char* name, const at::Tensor& tensor, const at::Tensor& input, at::IntArrayRef sizes) {
  TORCH_CHECK_VALUE(
      tensor.sizes() == sizes && tensor.is_contiguous() && tensor.scalar_type() == accumulate_type(input.scalar_type()),
      kOp,
      ": ",
      name,
      " must be contiguous, of shape ",
      sizes,
      " and ",
      dtype_name(accumulate_type(input.scalar_type())),
      " where input is ",
      dtype_name(input.scalar_type()),
      ", got shape ",
      tensor.sizes(),
      ", strides ",
      tensor.strides(),
      " and ",
      dtype_name(tensor.scalar_type()));
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> group_batch_norm(
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& bias,
    at::Tensor& running_mean,
    at::Tensor& running_var,
    int64_t groups,
    double momentum,
    double eps,
    double negative_slope) {
  const NormalisedRows rows = check(input, groups);
  check_statistic("weight", weight, input, {rows.channels});
  check_statistic("bias", bias, input, {rows.channels});
  check_statistic("running_mean", running_mean, input, {rows.channels});
  check_statistic("running_var", running_var, input, {rows.channels});
  const at::Tensor values = in_order(input);
  at::Tensor output = at::empty_like(values);
  at::Tensor mean = at::empty({groups, rows.channels}, weight.options());
  at::Tensor rstd = at::empty({groups, rows.channels}, weight.options());
  dispatch_layer(input.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Value = accumulate_t<T>;
    const T* source = values.const_data_ptr<T>();
    const int64_t statistics = groups * rows.channels;
    std::vector<Value> means(rows.row_blocks() * statistics), squares(rows.row_blocks() * statistics);
    rows.for_each_block(kParallelFor, [&](int64_t group, int64_t row_block, const Block& block) INFOGAN_SIMD {
      const int64_t at = (group * rows.row_blocks() + row_block) * rows.channels;
      column_moments(block, rows.origin(source, group), source, means.data() + at, squares.data() + at);
    });
    std::vector<Value> scale(statistics);
    std::vector<double> group_mean(rows.channels), group_square(rows.channels);
    with_simd([&]() INFOGAN_SIMD {
      for (int64_t group = 0; group < groups; ++group) {
        const int64_t at = group * rows.channels;
        const double count = static_cast<double>(rows.per_group);
        double *means_of_group = group_mean.data(), *squares_of_group = group_square.data();
        merge_moments(
            rows, group, rows.origin(source, group), means.data(), squares.data(), means_of_group, squares_of_group);
        finish_statistics(
            rows,
            means_of_group,
            squares_of_group,
            weight.const_data_ptr<Value>(),
            eps,
            GroupStatistics<Value>{
                mean.mutable_data_ptr<Value>() + at, rstd.mutable_data_ptr<Value>() + at, scale.data() + at});
        follow_statistic(rows.channels, means_of_group, 1.0, momentum, running_mean.mutable_data_ptr<Value>());
        follow_statistic(rows.channels, squares_of_group, count - 1.0, momentum, running_var.mutable_data_ptr<Value>());
      }
    });
    rows.for_each_block(kParallelFor, [&](int64_t group, int64_t, const Block& block) INFOGAN_SIMD {
      const int64_t at = group * rows.channels;
      const Normalisation<Value> by{
          mean.const_data_ptr<Value>() + at,
          scale.data() + at,
          bias.const_data_ptr<Value>(),
          static_cast<Value>(negative_slope)};
      normalise(block, by, source, output.mutable_data_ptr<T>());
    });
  });
  return {output, mean, rstd};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> group_batch_norm_backward(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& bias,
    const at::Tensor& mean,
    const at::Tensor& rstd,
    double negative_slope) {
  const NormalisedRows rows = check(input, mean.dim() > 0 ? mean.size(0) : 0);
  check_statistic("weight", weight, input, {rows.channels});
  check_statistic("bias", bias, input, {rows.channels});
  check_statistic("mean", mean, input, {rows.groups, rows.channels});
  check_statistic("rstd", rstd, input, {rows.groups, rows.channels});
  TORCH_CHECK_VALUE(
      grad.sizes() == input.sizes() && grad.scalar_type() == input.scalar_type(),
      kOp,
      "_backward: grad must have the shape and dtype of input, ",
      input.sizes(),
      " and ",
      dtype_name(input.scalar_type()),
      ", got ",
      grad.sizes(),
      " and ",
      dtype_name(grad.scalar_type()));
  const at::Tensor values = in_order(input);
  const at::Tensor upstream = in_order(grad);
  at::Tensor grad_input = at::empty_like(values);
  at::Tensor grad_weight = at::empty_like(weight);
  at::Tensor grad_bias = at::empty_like(bias);
  dispatch_layer(input.scalar_type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Value = accumulate_t<T>;
    const T* source = values.const_data_ptr<T>();
    const T* after = upstream.const_data_ptr<T>();
    const Value* rstd_data = rstd.const_data_ptr<Value>();
    const Value* weight_data = weight.const_data_ptr<Value>();
    std::vector<Value> scale(rows.groups * rows.channels);
    for (int64_t group = 0; group < rows.groups; ++group) {
      for (int64_t c = 0; c < rows.channels; ++c) {
        scale[group * rows.channels + c] = weight_data[c] * rstd_data[group * rows.channels + c];
      }
    }
    const auto normalisation = [&](int64_t group) {
      const int64_t at = group * rows.channels;
      return Normalisation<Value>{
          mean.const_data_ptr<Value>() + at,
          scale.data() + at,
          bias.const_data_ptr<Value>(),
          static_cast<Value>(negative_slope)};
    };
    const int64_t statistics = rows.groups * rows.channels;
    std::vector<Value> sums(rows.row_blocks() * statistics), products(rows.row_blocks() * statistics);
    rows.for_each_block(kParallelFor, [&](int64_t group, int64_t row_block, const Block& block) INFOGAN_SIMD {
      const int64_t at = (group * rows.row_blocks() + row_block) * rows.channels;
      gradient_sums(block, normalisation(group), after, source, sums.data() + at, products.data() + at);
    });

    std::vector<double> weight_sum(rows.channels), bias_sum(rows.channels);
    std::vector<Value> offset(statistics), slant(statistics);
    with_simd([&]() INFOGAN_SIMD {
      for (int64_t group = 0; group < rows.groups; ++group) {
        const int64_t at = group * rows.channels;
        merge_gradient_sums(
            rows,
            group,
            sums.data(),
            products.data(),
            rstd_data + at,
            offset.data() + at,
            slant.data() + at,
            weight_sum.data(),
            bias_sum.data());
      }
    });
    std::copy(weight_sum.begin(), weight_sum.end(), grad_weight.mutable_data_ptr<Value>());
    std::copy(bias_sum.begin(), bias_sum.end(), grad_bias.mutable_data_ptr<Value>());
    rows.for_each_block(kParallelFor, [&](int64_t group, int64_t, const Block& block) INFOGAN_SIMD {
      const int64_t at = group * rows.channels;
      gradient_of_input(
          block,
          normalisation(group),
          offset.data() + at,
          slant.data() + at,
          after,
          source,
          grad_input.mutable_data_ptr<T>());
    });
  });
  return {grad_input, grad_weight, grad_bias};
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, CPU, m) {
  m.impl("group_batch_norm", &group_batch_norm);
  m.impl("group_batch_norm_backward", &group_batch_norm_backward);
}

}  // namespace infogan_fast
