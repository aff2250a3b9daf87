#pragma once

// Which dtypes the ops take, what they compute in, and the way from a dtype to a C++ type.

#include <ATen/core/Tensor.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Exception.h>
#include <c10/util/Half.h>

#include <type_traits>

namespace infogan_fast {

// The name that Python uses, for messages.
inline const char* dtype_name(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "torch.float32";
    case at::kDouble:
      return "torch.float64";
    case at::kBFloat16:
      return "torch.bfloat16";
    case at::kHalf:
      return "torch.float16";
    case at::kLong:
      return "torch.int64";
    case at::kInt:
      return "torch.int32";
    case at::kShort:
      return "torch.int16";
    case at::kByte:
      return "torch.uint8";
    case at::kChar:
      return "torch.int8";
    case at::kBool:
      return "torch.bool";
    case at::kComplexFloat:
      return "torch.complex64";
    case at::kComplexDouble:
      return "torch.complex128";
    default:
      return c10::toString(type);
  }
}

// Losses, terms and factors: float32, float64 for a float64 head.
inline at::ScalarType accumulate_type(at::ScalarType head) {
  return head == at::kDouble ? at::kDouble : at::kFloat;
}

// The gradient that the forward pass leaves for the backward pass has yet to be multiplied: by the loss scale, which
// float16 needs so as not to underflow, and on CUDA by the weight over the batch size, without which it would overflow.
inline at::ScalarType gradient_type(at::ScalarType head) {
  return head == at::kHalf ? at::kFloat : head;
}

template <typename head_t>
using gradient_of = std::conditional_t<std::is_same_v<head_t, c10::Half>, float, head_t>;

template <typename T>
struct TypeTag {
  using type = T;
};

// Calls function(TypeTag<T>{}) with the C++ type of a floating dtype.
template <typename Function>
auto dispatch_floating(at::ScalarType type, const Function& function) {
  switch (type) {
    case at::kFloat:
      return function(TypeTag<float>{});
    case at::kDouble:
      return function(TypeTag<double>{});
    case at::kBFloat16:
      return function(TypeTag<c10::BFloat16>{});
    case at::kHalf:
      return function(TypeTag<c10::Half>{});
    default:
      TORCH_INTERNAL_ASSERT(false, "not a floating dtype: ", type);
  }
}

// The same for those that the layers of the networks take. Parameters and statistics have accumulate_type's: float32
// for bfloat16 images.
inline bool is_layer_type(at::ScalarType type) {
  return type == at::kFloat || type == at::kDouble || type == at::kBFloat16;
}

// The tensor itself where there is nothing to convert, without a call: a kernel may not call an op that returns its
// input.
inline at::Tensor in_dtype(const at::Tensor& tensor, at::ScalarType dtype) {
  return tensor.scalar_type() == dtype ? tensor : tensor.to(dtype);
}

template <typename Function>
auto dispatch_layer(at::ScalarType type, const Function& function) {
  switch (type) {
    case at::kFloat:
      return function(TypeTag<float>{});
    case at::kDouble:
      return function(TypeTag<double>{});
    case at::kBFloat16:
      return function(TypeTag<c10::BFloat16>{});
    default:
      TORCH_INTERNAL_ASSERT(false, "not a dtype of layers: ", type);
  }
}

}  // namespace infogan_fast
