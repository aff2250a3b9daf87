// Differentiation of group_batch_norm. The first derivative is that of the backward op; where it is to be
// differentiated itself, it is computed in ATen operations, which can be.

#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/leaky_relu_backward.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "../types.h"
#include "transforms.h"

namespace infogan_fast {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using ThreeTensors = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

ThreeTensors call_forward(
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& bias,
    at::Tensor& running_mean,
    at::Tensor& running_var,
    int64_t groups,
    double momentum,
    double eps,
    double negative_slope) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("infogan_fast::group_batch_norm", "")
                             .typed<decltype(call_forward)>();
  return op.call(input, weight, bias, running_mean, running_var, groups, momentum, eps, negative_slope);
}

ThreeTensors call_backward(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& bias,
    const at::Tensor& mean,
    const at::Tensor& rstd,
    double negative_slope) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("infogan_fast::group_batch_norm_backward", "")
                             .typed<decltype(call_backward)>();
  return op.call(grad, input, weight, bias, mean, rstd, negative_slope);
}

// Gradients of input, weight and bias that can be differentiated, computed in the weight's dtype. With x^ the
// normalised input, whose mean and variance depend on the input too, and g the gradient of weight * x^ + bias:
//
// d input = weight / sigma * (g - mean(g) - x^ * mean(g * x^)), the means over a channel of a group.
variable_list differentiable_gradients(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& bias,
    int64_t groups,
    double eps,
    double negative_slope) {
  const int64_t channels = input.size(1);
  // [groups, B, C, H * W]
  const auto grouped = [&](const at::Tensor& tensor) {
    return tensor.reshape({groups, -1, channels, tensor.numel() / (input.size(0) * channels)});
  };
  const at::Tensor x = grouped(in_dtype(input, weight.scalar_type()));
  const auto mean_of = [](const at::Tensor& tensor) { return tensor.mean({1, 3}, /*keepdim=*/true); };
  const at::Tensor scale = weight.view({1, 1, channels, 1});
  const at::Tensor centred = x - mean_of(x);
  const at::Tensor reciprocal_sigma = (mean_of(centred.square()) + eps).rsqrt();
  const at::Tensor normalised = centred * reciprocal_sigma;
  const at::Tensor linear = (normalised * scale + bias.view({1, 1, channels, 1})).detach();
  const at::Tensor g = at::leaky_relu_backward(
      grouped(in_dtype(grad, weight.scalar_type())), linear, negative_slope, /*self_is_result=*/false);
  const at::Tensor grad_input = scale * reciprocal_sigma * (g - mean_of(g) - normalised * mean_of(g * normalised));
  return {
      in_dtype(grad_input.reshape(input.sizes()), input.scalar_type()),
      in_dtype((g * normalised).sum({0, 1, 3}), weight.scalar_type()),
      in_dtype(g.sum({0, 1, 3}), weight.scalar_type())};
}

struct GroupBatchNorm : public torch::autograd::Function<GroupBatchNorm> {
  static variable_list forward(
      AutogradContext* context,
      const at::Tensor& input,
      const at::Tensor& weight,
      const at::Tensor& bias,
      at::Tensor& running_mean,
      at::Tensor& running_var,
      int64_t groups,
      double momentum,
      double eps,
      double negative_slope) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    const auto [output, mean, rstd] =
        call_forward(input, weight, bias, running_mean, running_var, groups, momentum, eps, negative_slope);
    context->save_for_backward({input, weight, bias, mean, rstd});
    context->mark_non_differentiable({mean, rstd});
    context->set_materialize_grads(false);
    context->saved_data["negative_slope"] = negative_slope;
    context->saved_data["eps"] = eps;
    return {output, mean, rstd};
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    variable_list gradients(9);
    if (grads[0].defined()) {
      const variable_list saved = context->get_saved_variables();
      const double negative_slope = context->saved_data["negative_slope"].toDouble();
      if (at::GradMode::is_enabled()) {  // create_graph=True
        const double eps = context->saved_data["eps"].toDouble();
        variable_list differentiable =
            differentiable_gradients(grads[0], saved[0], saved[1], saved[2], saved[3].size(0), eps, negative_slope);
        std::move(differentiable.begin(), differentiable.end(), gradients.begin());
      } else {
        std::tie(gradients[0], gradients[1], gradients[2]) =
            call_backward(grads[0], saved[0], saved[1], saved[2], saved[3], saved[4], negative_slope);
      }
    }
    return gradients;
  }
};

ThreeTensors group_batch_norm(
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& bias,
    at::Tensor& running_mean,
    at::Tensor& running_var,
    int64_t groups,
    double momentum,
    double eps,
    double negative_slope) {
  refuse_transforms("infogan_fast::group_batch_norm", "torch.nn.functional.batch_norm", {input, weight, bias});
  const variable_list results =
      GroupBatchNorm::apply(input, weight, bias, running_mean, running_var, groups, momentum, eps, negative_slope);
  return {results[0], results[1], results[2]};
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, Autograd, m) {
  m.impl("group_batch_norm", &group_batch_norm);
}

}  // namespace infogan_fast
