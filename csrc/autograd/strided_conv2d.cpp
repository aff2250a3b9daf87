// Differentiation of downsample_conv2d and upsample_conv2d. The first derivative is that of the backward ops; where it
// is to be differentiated itself, it is computed by ATen's convolution_backward, which can be.

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/leaky_relu_backward.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <array>
#include <optional>
#include <tuple>

#include "../types.h"
#include "transforms.h"

namespace infogan_fast {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

at::Tensor call_downsample(
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    double negative_slope,
    bool onednn) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("infogan_fast::downsample_conv2d", "")
                             .typed<decltype(call_downsample)>();
  return op.call(input, weight, bias, negative_slope, onednn);
}

Gradients call_downsample_backward(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& output,
    double negative_slope,
    std::array<bool, 3> wanted,
    bool onednn) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("infogan_fast::downsample_conv2d_backward", "")
                             .typed<decltype(call_downsample_backward)>();
  return op.call(grad, input, weight, output, negative_slope, wanted, onednn);
}

at::Tensor call_upsample(
    const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, bool onednn) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("infogan_fast::upsample_conv2d", "")
                             .typed<decltype(call_upsample)>();
  return op.call(input, weight, bias, onednn);
}

Gradients call_upsample_backward(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    std::array<bool, 3> wanted,
    bool onednn) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("infogan_fast::upsample_conv2d_backward", "")
                             .typed<decltype(call_upsample_backward)>();
  return op.call(grad, input, weight, wanted, onednn);
}

// Which of input, weight and bias are to get a gradient; a bias that is not there has no edge in the graph either.
std::array<bool, 3> wanted_gradients(const AutogradContext* context) {
  const bool has_bias = context->saved_data.at("has_bias").toBool();
  return {context->needs_input_grad(0), context->needs_input_grad(1), has_bias && context->needs_input_grad(2)};
}

// Gradients of input, weight and bias that can be differentiated.
variable_list differentiable_gradients(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    bool transposed,
    std::array<bool, 3> wanted) {
  const int64_t channels = weight.size(transposed ? 1 : 0);
  auto [grad_input, grad_weight, grad_bias] = at::convolution_backward(
      grad,
      input,
      in_dtype(weight, input.scalar_type()),
      /*bias_sizes=*/at::IntArrayRef{channels},
      /*stride=*/{2, 2},
      /*padding=*/{1, 1},
      /*dilation=*/{1, 1},
      transposed,
      /*output_padding=*/{0, 0},
      /*groups=*/1,
      wanted);
  const auto as_parameter = [&](const at::Tensor& gradient) {
    return gradient.defined() ? in_dtype(gradient, weight.scalar_type()) : gradient;
  };
  return {grad_input, as_parameter(grad_weight), as_parameter(grad_bias)};
}

struct DownsampleConv2d : public torch::autograd::Function<DownsampleConv2d> {
  static at::Tensor forward(
      AutogradContext* context,
      const at::Tensor& input,
      const at::Tensor& weight,
      const std::optional<at::Tensor>& bias,
      double negative_slope,
      bool onednn) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    const at::Tensor output = call_downsample(input, weight, bias, negative_slope, onednn);
    // Without an activation the output is not kept, so that what follows may overwrite it.
    context->save_for_backward({input, weight, negative_slope == 1.0 ? at::Tensor() : output});
    context->saved_data["negative_slope"] = negative_slope;
    context->saved_data["has_bias"] = bias.has_value();
    context->saved_data["onednn"] = onednn;
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const double negative_slope = context->saved_data["negative_slope"].toDouble();
    const std::array<bool, 3> wanted = wanted_gradients(context);
    if (at::GradMode::is_enabled()) {  // create_graph=True
      const at::Tensor grad =
          saved[2].defined()
              ? at::leaky_relu_backward(grads[0], saved[2].detach(), negative_slope, /*self_is_result=*/false)
              : grads[0];
      variable_list gradients = differentiable_gradients(grad, saved[0], saved[1], /*transposed=*/false, wanted);
      gradients.resize(5);
      return gradients;
    }
    auto [input, weight, bias] = call_downsample_backward(
        grads[0],
        saved[0],
        saved[1],
        saved[2].defined() ? std::optional(saved[2]) : std::nullopt,
        negative_slope,
        wanted,
        context->saved_data["onednn"].toBool());
    return {input, weight, bias, at::Tensor(), at::Tensor()};
  }
};

struct UpsampleConv2d : public torch::autograd::Function<UpsampleConv2d> {
  static at::Tensor forward(
      AutogradContext* context,
      const at::Tensor& input,
      const at::Tensor& weight,
      const std::optional<at::Tensor>& bias,
      bool onednn) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    context->save_for_backward({input, weight});
    context->saved_data["has_bias"] = bias.has_value();
    context->saved_data["onednn"] = onednn;
    return call_upsample(input, weight, bias, onednn);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const std::array<bool, 3> wanted = wanted_gradients(context);
    if (at::GradMode::is_enabled()) {  // create_graph=True
      variable_list gradients = differentiable_gradients(grads[0], saved[0], saved[1], /*transposed=*/true, wanted);
      gradients.emplace_back();
      return gradients;
    }
    auto [input, weight, bias] =
        call_upsample_backward(grads[0], saved[0], saved[1], wanted, context->saved_data["onednn"].toBool());
    return {input, weight, bias, at::Tensor()};
  }
};

at::Tensor downsample_conv2d(
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    double negative_slope,
    bool onednn) {
  refuse_transforms(
      "infogan_fast::downsample_conv2d", "torch.nn.functional.conv2d", {input, weight, bias.value_or(at::Tensor())});
  return DownsampleConv2d::apply(input, weight, bias, negative_slope, onednn);
}

at::Tensor upsample_conv2d(
    const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, bool onednn) {
  refuse_transforms(
      "infogan_fast::upsample_conv2d",
      "torch.nn.functional.conv_transpose2d",
      {input, weight, bias.value_or(at::Tensor())});
  return UpsampleConv2d::apply(input, weight, bias, onednn);
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, Autograd, m) {
  m.impl("downsample_conv2d", &downsample_conv2d);
  m.impl("upsample_conv2d", &upsample_conv2d);
}

}  // namespace infogan_fast
