// linear: a fully connected layer on rows [B, in].

#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <array>
#include <optional>
#include <tuple>

#include "../types.h"
#include "matrix_product.h"

namespace infogan_fast {
namespace {

constexpr const char* kOp = "infogan_fast::linear";

void check_linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const at::ScalarType parameters = accumulate_type(input.scalar_type());
  TORCH_CHECK_TYPE(
      is_layer_type(input.scalar_type()),
      kOp,
      ": input must be float32, float64 or bfloat16, got ",
      dtype_name(input.scalar_type()));
  TORCH_CHECK_VALUE(input.dim() == 2, kOp, ": input must be [B, in], got shape ", input.sizes());
  TORCH_CHECK_VALUE(
      weight.dim() == 2 && weight.size(1) == input.size(1),
      kOp,
      ": weight must be [out, in] with in = ",
      input.size(1),
      ", the columns of input, got shape ",
      weight.sizes());
  TORCH_CHECK_VALUE(
      !bias.has_value() || (bias->dim() == 1 && bias->size(0) == weight.size(0)),
      kOp,
      ": bias must have shape [",
      weight.size(0),
      "], got ",
      bias.has_value() ? bias->sizes() : at::IntArrayRef());
  TORCH_CHECK_TYPE(
      weight.scalar_type() == parameters || weight.scalar_type() == input.scalar_type(),
      kOp,
      ": weight must be ",
      dtype_name(parameters),
      " where input is ",
      dtype_name(input.scalar_type()),
      ", got ",
      dtype_name(weight.scalar_type()));
  TORCH_CHECK_TYPE(
      !bias.has_value() || bias->scalar_type() == parameters,
      kOp,
      ": bias must be ",
      dtype_name(parameters),
      " where input is ",
      dtype_name(input.scalar_type()),
      ", got ",
      bias.has_value() ? dtype_name(bias->scalar_type()) : "");
}

at::Tensor linear(
    const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, bool onednn) {
  check_linear(input, weight, bias);
  const MatrixProduct product{onednn};
  const at::Tensor output = at::empty({input.size(0), weight.size(0)}, input.options());
  const at::Tensor columns = in_dtype(weight, input.scalar_type()).t();
  if (bias.has_value()) {
    output.copy_(bias->expand_as(output));
    product.add(input, columns, output);
  } else {
    product(input, columns, output);
  }
  return output;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> linear_backward(
    const at::Tensor& grad,
    const at::Tensor& input,
    const at::Tensor& weight,
    std::array<bool, 3> wanted,
    bool onednn) {
  check_linear(input, weight, std::nullopt);
  const std::array<int64_t, 2> sizes{input.size(0), weight.size(0)};
  TORCH_CHECK_VALUE(
      grad.sizes() == at::IntArrayRef(sizes) && grad.scalar_type() == input.scalar_type(),
      kOp,
      "_backward: grad must have shape ",
      at::IntArrayRef(sizes),
      " and the dtype of input, ",
      dtype_name(input.scalar_type()),
      ", got ",
      grad.sizes(),
      " and ",
      dtype_name(grad.scalar_type()));
  const MatrixProduct product{onednn};
  const at::Tensor rows = grad.contiguous();
  const auto parameters = input.options().dtype(accumulate_type(input.scalar_type()));
  at::Tensor grad_input, grad_weight, grad_bias;
  if (wanted[0]) {
    grad_input = at::empty(input.sizes(), input.options());
    product(rows, in_dtype(weight, input.scalar_type()), grad_input);
  }
  if (wanted[1]) {
    grad_weight = at::empty(weight.sizes(), parameters);
    product(rows.t(), input, grad_weight);
  }
  if (wanted[2]) {
    grad_bias = rows.sum({0}, /*keepdim=*/false, accumulate_type(input.scalar_type()));
  }
  return {grad_input, grad_weight, grad_bias};
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, CPU, m) {
  m.impl("linear", &linear);
  m.impl("linear_backward", &linear_backward);
}

}  // namespace infogan_fast
