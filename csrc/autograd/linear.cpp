// Differentiation of linear. The first derivative is that of the backward op; where it is to be differentiated itself,
// it is computed by ATen's products, which can be.

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/mm.h>
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

at::Tensor call_linear(
    const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, bool onednn) {
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("infogan_fast::linear", "").typed<decltype(call_linear)>();
  return op.call(input, weight, bias, onednn);
}

Gradients call_linear_backward(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    std::array<bool, 3> wanted,
    bool onednn) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("infogan_fast::linear_backward", "")
                             .typed<decltype(call_linear_backward)>();
  return op.call(grad, input, weight, wanted, onednn);
}

// Gradients of input, weight and bias that can be differentiated.
variable_list differentiable_gradients(
    const at::Tensor& grad, const at::Tensor& input, const at::Tensor& weight, std::array<bool, 3> wanted) {
  variable_list gradients(4);
  if (wanted[0]) {
    gradients[0] = at::mm(grad, in_dtype(weight, grad.scalar_type()));
  }
  if (wanted[1]) {
    gradients[1] = in_dtype(at::mm(grad.t(), input), weight.scalar_type());
  }
  if (wanted[2]) {
    gradients[2] = grad.sum({0}, /*keepdim=*/false, weight.scalar_type());
  }
  return gradients;
}

struct Linear : public torch::autograd::Function<Linear> {
  static at::Tensor forward(
      AutogradContext* context,
      const at::Tensor& input,
      const at::Tensor& weight,
      const std::optional<at::Tensor>& bias,
      bool onednn) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    // Of float32 weights for bfloat16 rows one rounded copy serves both directions.
    const bool rounds = input.scalar_type() == at::kBFloat16 && weight.scalar_type() == at::kFloat;
    const at::Tensor rounded = rounds ? weight.to(at::kBFloat16) : weight;
    context->save_for_backward({input, weight, rounded});
    context->saved_data["has_bias"] = bias.has_value();
    context->saved_data["onednn"] = onednn;
    return call_linear(input, rounded, bias, onednn);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const bool has_bias = context->saved_data.at("has_bias").toBool();
    const std::array<bool, 3> wanted{
        context->needs_input_grad(0), context->needs_input_grad(1), has_bias && context->needs_input_grad(2)};
    if (at::GradMode::is_enabled()) {  // create_graph=True
      return differentiable_gradients(grads[0], saved[0], saved[1], wanted);
    }
    auto [input, weight, bias] =
        call_linear_backward(grads[0], saved[0], saved[2], wanted, context->saved_data["onednn"].toBool());
    return {input, weight, bias, at::Tensor()};
  }
};

at::Tensor linear(
    const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, bool onednn) {
  refuse_transforms("infogan_fast::linear", "torch.nn.functional.linear", {input, weight, bias.value_or(at::Tensor())});
  return Linear::apply(input, weight, bias, onednn);
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, Autograd, m) {
  m.impl("linear", &linear);
}

}  // namespace infogan_fast
