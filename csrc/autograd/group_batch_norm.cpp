// Differentiation of group_batch_norm.

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <tuple>

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
    return {output, mean, rstd};
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    TORCH_CHECK_NOT_IMPLEMENTED(
        !at::GradMode::is_enabled(), "infogan_fast::group_batch_norm can be differentiated once only");
    variable_list gradients(9);
    if (grads[0].defined()) {
      const variable_list saved = context->get_saved_variables();
      const double negative_slope = context->saved_data["negative_slope"].toDouble();
      std::tie(gradients[0], gradients[1], gradients[2]) =
          call_backward(grads[0], saved[0], saved[1], saved[2], saved[3], saved[4], negative_slope);
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
  const variable_list results =
      GroupBatchNorm::apply(input, weight, bias, running_mean, running_var, groups, momentum, eps, negative_slope);
  return {results[0], results[1], results[2]};
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, Autograd, m) {
  m.impl("group_batch_norm", &group_batch_norm);
}

}  // namespace infogan_fast
