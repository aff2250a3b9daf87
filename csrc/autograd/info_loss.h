#pragma once

// What the files of info_loss in this folder share.

#include <ATen/core/Tensor.h>
#include <c10/core/SymInt.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

namespace infogan_fast {

// The arguments of info_loss, in the order of its schema.
struct InfoLossArguments {
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

// info_loss in ATen operations, for the derivatives and transforms that the kernels do not give: differentiable in head
// any number of times, forward and backward, and vectorised by vmap. A code out of [0, K) gives NaN, as on CUDA.
std::tuple<at::Tensor, at::Tensor> info_loss_in_aten(const InfoLossArguments& arguments);

// d loss / d head times grad_loss, in the head's dtype, in ATen operations; differentiable in grad_loss and head.
at::Tensor info_loss_gradient_in_aten(const at::Tensor& grad_loss, const InfoLossArguments& arguments);

}  // namespace infogan_fast
