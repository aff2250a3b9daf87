#include "info_loss.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <bit>
#include <optional>
#include <tuple>
#include <vector>

#include "../checks.h"
#include "../types.h"
#include "kernel_types.h"
#include "tables.h"
#include "tickets.h"

namespace infogan_fast::cuda {
namespace {

constexpr const char* kOp = "infogan_fast::info_loss";

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> info_loss_forward(
    const at::Tensor& head,
    const std::optional<at::Tensor>& categorical,
    const std::optional<at::Tensor>& continuous,
    const std::optional<at::Tensor>& seed,
    int64_t offset,
    int64_t row_offset,
    at::IntArrayRef cardinalities,
    int64_t continuous_codes,
    std::string_view continuous_prior,
    at::ArrayRef<double> categorical_weight,
    at::ArrayRef<double> continuous_weight,
    const std::optional<at::Tensor>& weight_scale,
    std::string_view variance,
    double fixed_variance,
    int64_t ignore_index,
    bool compute_gradient) {
  const Variance mode = parse_variance(kOp, variance, fixed_variance);
  const LatentLayout layout =
      make_layout(kOp, 0, cardinalities, continuous_codes, Prior::kNormal, parse_prior(kOp, continuous_prior));
  check_head(kOp, head, layout, mode);
  check_precision(kOp, mode, fixed_variance, head.scalar_type());
  check_code_source(kOp, head, categorical, continuous, seed, offset, row_offset, layout);
  const std::vector<double> weights = check_weights(kOp, categorical_weight, continuous_weight, layout);
  if (weight_scale.has_value()) {
    check_weight_scale(kOp, *weight_scale, head, layout);
  }

  const c10::cuda::CUDAGuard guard(head.device());
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  const at::TensorOptions options = at::TensorOptions().device(head.device());
  const int64_t batch = head.size(0);
  const int64_t width = layout.head_dim(mode);
  const at::ScalarType acc_type = accumulate_type(head.scalar_type());
  at::Tensor loss = at::empty({}, options.dtype(acc_type));
  at::Tensor nll = at::empty({layout.codes()}, options.dtype(acc_type));
  at::Tensor factor = at::empty({layout.codes()}, options.dtype(acc_type));
  at::Tensor gradient =
      at::empty({compute_gradient ? batch : 0, width}, options.dtype(gradient_type(head.scalar_type())));
  const InfoLossPlan plan = plan_info_loss(layout, mode, batch, at::elementSize(acc_type));
  const at::Tensor workspace = at::empty({info_loss_workspace(plan, layout)}, options.dtype(at::kDouble));
  std::vector<int64_t> words = first_columns(cardinalities);
  for (const double weight : weights) {
    words.push_back(std::bit_cast<int64_t>(weight));
  }
  const DeviceTable table = make_table(words, head.device(), stream);
  const std::optional<unsigned> ticket = take_ticket(stream);
  // A counter of its own, at the cost of a memset, once a process has captured more graphs than there are tickets.
  const at::Tensor counter = ticket.has_value() ? at::Tensor() : at::zeros({1}, options.dtype(at::kInt));

  dispatch_floating(head.scalar_type(), [&](auto tag) {
    using head_t = kernel_type<typename decltype(tag)::type>;
    using acc_t = accumulate_t<head_t>;
    InfoLossArgs<head_t> args{};
    args.layout = on_device(layout);
    args.table = table.words;
    args.variance = mode;
    args.fixed = fixed_variance_as<acc_t>(fixed_variance);
    args.batch = batch;
    args.head = const_data<head_t>(head);
    args.head_row_stride = head.stride(0);
    args.head_column_stride = head.stride(1);
    if (seed.has_value()) {
      args.seed = seed->const_data_ptr<int64_t>();
      args.offset = offset;
      args.row_offset = row_offset;
    } else {
      args.categorical = categorical->const_data_ptr<int64_t>();
      args.categorical_row_stride = categorical->stride(0);
      args.categorical_column_stride = categorical->stride(1);
      args.continuous = continuous->const_data_ptr();
      args.continuous_is_float = continuous->scalar_type() == at::kFloat;
      args.continuous_row_stride = continuous->stride(0);
      args.continuous_column_stride = continuous->stride(1);
      args.ignore_index = ignore_index;
    }
    if (weight_scale.has_value()) {
      args.weight_scale = weight_scale->const_data_ptr<float>();
      args.weight_scale_stride = weight_scale->stride(0);
    }
    args.gradient = compute_gradient ? mutable_data<gradient_t<head_t>>(gradient) : nullptr;
    args.loss = mutable_data<acc_t>(loss);
    args.nll = mutable_data<acc_t>(nll);
    args.factor = mutable_data<acc_t>(factor);
    args.workspace = mutable_data<double>(workspace);
    args.ticket = ticket.value_or(0);
    args.counter = ticket.has_value() ? nullptr : mutable_data<unsigned>(counter);
    C10_CUDA_CHECK(launch_info_loss(args, plan, stream));
  });
  return {loss, nll, gradient, factor};
}

at::Tensor info_loss_backward(
    const at::Tensor& grad_loss,
    const at::Tensor& gradient,
    const at::Tensor& factor,
    at::IntArrayRef cardinalities,
    int64_t continuous_codes,
    at::ScalarType dtype) {
  constexpr const char* kBackward = "infogan_fast::info_loss_backward";
  const LatentLayout layout =
      make_layout(kBackward, 0, cardinalities, continuous_codes, Prior::kNormal, Prior::kNormal);
  check_floating(kBackward, "dtype", dtype);
  check_backward(kBackward, grad_loss, gradient, factor, layout, dtype);

  const c10::cuda::CUDAGuard guard(gradient.device());
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  at::Tensor out = at::empty(gradient.sizes(), gradient.options().dtype(dtype));
  const at::Tensor gradient_rows = gradient.contiguous();
  const at::Tensor factors = factor.contiguous();
  const DeviceTable table = make_table(first_columns(cardinalities), gradient.device(), stream);
  dispatch_floating(dtype, [&](auto tag) {
    using head_t = kernel_type<typename decltype(tag)::type>;
    using acc_t = accumulate_t<head_t>;
    const InfoLossBackwardArgs<head_t> args{
        on_device(layout),
        table.words,
        gradient.size(0),
        gradient.size(1),
        const_data<acc_t>(grad_loss),
        const_data<acc_t>(factors),
        const_data<gradient_t<head_t>>(gradient_rows),
        mutable_data<head_t>(out),
    };
    C10_CUDA_CHECK(launch_info_loss_backward(args, stream));
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, CUDA, m) {
  m.impl("info_loss_forward", &info_loss_forward);
  m.impl("info_loss_backward", &info_loss_backward);
}

}  // namespace infogan_fast::cuda
