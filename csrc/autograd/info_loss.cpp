// Differentiation, autocast and inference of info_loss: all of them end in info_loss_forward of the backend at hand.

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/core/impl/TorchDispatchModeTLS.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/graph_task.h>
#include <torch/library.h>

#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

namespace infogan_fast {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The arguments of info_loss, in the order of its schema.
struct Arguments {
  const at::Tensor& head;
  const std::optional<at::Tensor>& categorical;
  const std::optional<at::Tensor>& continuous;
  const std::optional<at::Tensor>& seed;
  int64_t offset;
  c10::SymInt row_offset;
  at::IntArrayRef cardinalities;
  int64_t continuous_codes;
  std::string_view continuous_prior;
  at::ArrayRef<double> categorical_weight;
  at::ArrayRef<double> continuous_weight;
  const std::optional<at::Tensor>& weight_scale;
  std::string_view variance;
  double fixed_variance;
  int64_t ignore_index;
};

using Forward = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>(
    const at::Tensor&,
    const std::optional<at::Tensor>&,
    const std::optional<at::Tensor>&,
    const std::optional<at::Tensor>&,
    int64_t,
    c10::SymInt,
    at::IntArrayRef,
    int64_t,
    std::string_view,
    at::ArrayRef<double>,
    at::ArrayRef<double>,
    const std::optional<at::Tensor>&,
    std::string_view,
    double,
    int64_t,
    bool);

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> call_forward(const Arguments& a, bool compute_gradient) {
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("infogan_fast::info_loss_forward", "").typed<Forward>();
  return op.call(
      a.head,
      a.categorical,
      a.continuous,
      a.seed,
      a.offset,
      a.row_offset,
      a.cardinalities,
      a.continuous_codes,
      a.continuous_prior,
      a.categorical_weight,
      a.continuous_weight,
      a.weight_scale,
      a.variance,
      a.fixed_variance,
      a.ignore_index,
      compute_gradient);
}

at::Tensor call_backward(
    const at::Tensor& grad_loss,
    const at::Tensor& gradient,
    const at::Tensor& factor,
    at::IntArrayRef cardinalities,
    int64_t continuous_codes,
    at::ScalarType dtype) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("infogan_fast::info_loss_backward", "")
                             .typed<decltype(call_backward)>();
  return op.call(grad_loss, gradient, factor, cardinalities, continuous_codes, dtype);
}

// The identity, whose own gradient cannot be taken: what info_loss gives back when asked for a differentiable gradient,
// so that a second derivative fails instead of being zero.
struct NotTwiceDifferentiable : public torch::autograd::Function<NotTwiceDifferentiable> {
  static at::Tensor forward(AutogradContext*, const at::Tensor& gradient) { return gradient.view_as(gradient); }

  static variable_list backward(AutogradContext*, const variable_list&) {
    TORCH_CHECK_NOT_IMPLEMENTED(
        false,
        "infogan_fast::info_loss can be differentiated once only; for second derivatives use "
        "infogan_fast.reference.info_loss");
  }
};

// Whether the tensor's values can be looked at: nobody traces, wraps or watches it.
bool is_plain(const at::Tensor& tensor) {
  constexpr c10::DispatchKeySet kWrappers({
      c10::DispatchKey::Python,
      c10::DispatchKey::FuncTorchGradWrapper,
      c10::DispatchKey::FuncTorchBatched,
      c10::DispatchKey::Functionalize,
  });
  return !tensor.key_set().has_any(kWrappers) && !c10::impl::TorchDispatchModeTLS::any_modes_set();
}

struct InfoLoss : public torch::autograd::Function<InfoLoss> {
  // nll is handed out beside the result: it is no output of the node, since nothing can be differentiated by it.
  static at::Tensor forward(
      AutogradContext* context, const at::Tensor& head, const Arguments& arguments, at::Tensor* nll) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    at::Tensor loss, gradient, factor;
    std::tie(loss, *nll, gradient, factor) = call_forward(arguments, /*compute_gradient=*/true);
    context->save_for_backward({gradient, factor});
    context->set_materialize_grads(false);
    context->saved_data["cardinalities"] = arguments.cardinalities.vec();
    context->saved_data["continuous_codes"] = arguments.continuous_codes;
    context->saved_data["dtype"] = static_cast<int64_t>(head.scalar_type());
    return loss;
  }

  // Whether what the forward pass on the CPU has saved is d loss / d head already, and nobody else will need it: then
  // it is handed on as it is, without another pass over it.
  static bool is_the_gradient(const at::Tensor& grad_loss, const at::Tensor& gradient, AutogradContext* context) {
    return gradient.device().is_cpu() && !at::GradMode::is_enabled() &&
           gradient.scalar_type() == static_cast<at::ScalarType>(context->saved_data["dtype"].toInt()) &&
           is_plain(grad_loss) && is_plain(gradient) && !torch::autograd::get_current_graph_task_keep_graph() &&
           grad_loss.item<double>() == 1.0;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    at::Tensor grad_head;
    if (grads[0].defined() && is_the_gradient(grads[0], saved[0], context)) {
      return {saved[0], at::Tensor(), at::Tensor()};
    }
    if (grads[0].defined()) {
      at::AutoDispatchBelowADInplaceOrView below_autograd;
      grad_head = call_backward(
          grads[0],
          saved[0],
          saved[1],
          context->saved_data["cardinalities"].toIntVector(),
          context->saved_data["continuous_codes"].toInt(),
          static_cast<at::ScalarType>(context->saved_data["dtype"].toInt()));
    }
    if (grad_head.defined() && at::GradMode::is_enabled()) {
      grad_head = NotTwiceDifferentiable::apply(grad_head.detach().requires_grad_());
    }
    return {grad_head, at::Tensor(), at::Tensor()};
  }
};

// The op differentiates the loss by the head, backward. What else autograd is asked for fails instead of being zero.
void check_differentiability(const Arguments& arguments) {
  const auto has_tangent = [](const at::Tensor& tensor) { return tensor.defined() && tensor._fw_grad(0).defined(); };
  TORCH_CHECK_NOT_IMPLEMENTED(
      !has_tangent(arguments.head),
      "infogan_fast::info_loss has no forward-mode derivative; use infogan_fast.reference.info_loss");
  for (const auto& [name, tensor] :
       {std::pair{"continuous", &arguments.continuous}, std::pair{"weight_scale", &arguments.weight_scale}}) {
    TORCH_CHECK_NOT_IMPLEMENTED(
        !tensor->has_value() || !(((*tensor)->requires_grad() && at::GradMode::is_enabled()) || has_tangent(**tensor)),
        "infogan_fast::info_loss is differentiable in head only, but ",
        name,
        " requires a gradient: detach() it, or use infogan_fast.reference.info_loss");
  }
}

std::tuple<at::Tensor, at::Tensor> info_loss(
    const at::Tensor& head,
    const std::optional<at::Tensor>& categorical,
    const std::optional<at::Tensor>& continuous,
    const std::optional<at::Tensor>& seed,
    int64_t offset,
    c10::SymInt row_offset,
    at::IntArrayRef cardinalities,
    int64_t continuous_codes,
    std::string_view continuous_prior,
    at::ArrayRef<double> categorical_weight,
    at::ArrayRef<double> continuous_weight,
    const std::optional<at::Tensor>& weight_scale,
    std::string_view variance,
    double fixed_variance,
    int64_t ignore_index) {
  const Arguments arguments{
      head,
      categorical,
      continuous,
      seed,
      offset,
      row_offset,
      cardinalities,
      continuous_codes,
      continuous_prior,
      categorical_weight,
      continuous_weight,
      weight_scale,
      variance,
      fixed_variance,
      ignore_index};
  check_differentiability(arguments);
  if (head.requires_grad() && at::GradMode::is_enabled()) {
    at::Tensor nll;
    const at::Tensor loss = InfoLoss::apply(head, arguments, &nll);
    return {loss, nll};
  }
  at::AutoDispatchBelowADInplaceOrView below_autograd;
  const auto [loss, nll, gradient, factor] = call_forward(arguments, /*compute_gradient=*/false);
  return {loss, nll};
}

}  // namespace

// The same function serves where there is no autograd (inference mode), on any backend.
TORCH_LIBRARY_IMPL(infogan_fast, Autograd, m) {
  m.impl("info_loss", &info_loss);
}
TORCH_LIBRARY_IMPL(infogan_fast, CompositeExplicitAutograd, m) {
  m.impl("info_loss", &info_loss);
}

// Autocast rule: the head stays in the dtype that it comes in; the op computes half precision in float32 by itself.
TORCH_LIBRARY_IMPL(infogan_fast, AutocastCPU, m) {
  m.impl("info_loss", torch::CppFunction::makeFallthrough());
}
TORCH_LIBRARY_IMPL(infogan_fast, AutocastCUDA, m) {
  m.impl("info_loss", torch::CppFunction::makeFallthrough());
}

}  // namespace infogan_fast
