// Differentiation, autocast and inference of info_loss. The value and its first derivative are info_loss_forward's, of
// the backend at hand; further derivatives and function transforms are those of the same loss in ATen operations.

#include "info_loss.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/TorchDispatchModeTLS.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/graph_task.h>
#include <torch/library.h>

#include <mutex>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "info_loss_saved.h"
#include "transforms.h"

namespace infogan_fast {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

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

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> call_forward(
    const InfoLossArguments& a, bool compute_gradient) {
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

// Whether the tensor's memory has its values, and nobody traces, wraps or watches it.
bool is_plain(const at::Tensor& tensor) {
  constexpr c10::DispatchKeySet kWrappers({
      c10::DispatchKey::Python,
      c10::DispatchKey::FuncTorchGradWrapper,
      c10::DispatchKey::FuncTorchBatched,
      c10::DispatchKey::Batched,
      c10::DispatchKey::Functionalize,
      c10::DispatchKey::Negative,
      c10::DispatchKey::ZeroTensor,
  });
  return tensor.has_storage() && !tensor.key_set().has_any(kWrappers) &&
         !c10::impl::TorchDispatchModeTLS::any_modes_set();
}

struct InfoLoss : public torch::autograd::Function<InfoLoss> {
  // nll is handed out beside the result: it is no output of the node, since nothing can be differentiated by it.
  static at::Tensor forward(
      AutogradContext* context, const at::Tensor& head, const InfoLossArguments& arguments, at::Tensor* nll) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    at::Tensor loss, gradient, factor;
    std::tie(loss, *nll, gradient, factor) = call_forward(arguments, /*compute_gradient=*/true);
    context->save_for_backward({gradient, factor});
    context->set_materialize_grads(false);
    SavedInfoLoss::save(arguments, context->saved_data);
    return loss;
  }

  // Whether what the forward pass on the CPU has saved is d loss / d head already, and nobody else will need it: then
  // it is handed on as it is, without another pass over it.
  static bool is_the_gradient(const at::Tensor& grad_loss, const at::Tensor& gradient, at::ScalarType dtype) {
    return gradient.device().is_cpu() && gradient.scalar_type() == dtype && is_plain(grad_loss) && is_plain(gradient) &&
           !torch::autograd::get_current_graph_task_keep_graph() && is_one(grad_loss);
  }

  static bool is_one(const at::Tensor& grad_loss) {
    return grad_loss.scalar_type() == at::kDouble ? *grad_loss.const_data_ptr<double>() == 1.0
                                                  : *grad_loss.const_data_ptr<float>() == 1.0f;
  }

  // d loss / d head times grad_loss; undefined where that is.
  static at::Tensor gradient_of_head(AutogradContext* context, const at::Tensor& grad_loss) {
    const variable_list saved = context->get_saved_variables();
    const SavedInfoLoss arguments(context->saved_data);
    if (!grad_loss.defined()) {
      return {};
    }
    if (at::GradMode::is_enabled()) {  // create_graph=True
      return arguments.differentiable_gradient(grad_loss);
    }
    if (is_the_gradient(grad_loss, saved[0], arguments.dtype())) {
      return saved[0];
    }
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    return call_backward(
        grad_loss, saved[0], saved[1], arguments.cardinalities(), arguments.continuous_codes(), arguments.dtype());
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    variable_list gradients{gradient_of_head(context, grads[0]), at::Tensor(), at::Tensor()};
    if (!torch::autograd::get_current_graph_task_keep_graph()) {
      context->saved_data.clear();  // as the saved variables will be
    }
    return gradients;
  }
};

}  // namespace
}  // namespace infogan_fast

// What torch does around the backward of any function, such as making its name readable for a message, takes longer
// than this one's own work at small batches.
template <>
torch::autograd::variable_list torch::autograd::CppNode<infogan_fast::InfoLoss>::apply(variable_list&& grads) {
  const std::lock_guard<std::mutex> lock(mutex_);
  variable_list gradients = infogan_fast::InfoLoss::backward(&ctx_, grads);
  gradients.resize(1);  // of the head, the only input that is a tensor of autograd's
  return gradients;
}

namespace infogan_fast {
namespace {

// The loss is differentiable in the head. Derivatives by what else it depends on would be lost, so they are refused.
void check_differentiability(const InfoLossArguments& arguments) {
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
  const InfoLossArguments arguments{
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
  if (has_tangent(head) || is_transformed()) {
    return info_loss_in_aten(arguments);
  }
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

// The same function serves where there is no autograd (inference mode), on any backend, and under vmap.
TORCH_LIBRARY_IMPL(infogan_fast, Autograd, m) {
  m.impl("info_loss", &info_loss);
}
TORCH_LIBRARY_IMPL(infogan_fast, FuncTorchBatched, m) {
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
