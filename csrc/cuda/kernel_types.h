#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <type_traits>

#include "../kernel/half.h"
#include "../kernel/latent_layout.h"

// From torch's types to those of the kernels.

namespace infogan_fast::cuda {

template <typename T>
using kernel_type = std::conditional_t<
    std::is_same_v<T, c10::Half>,
    Float16,
    std::conditional_t<std::is_same_v<T, c10::BFloat16>, BFloat16, T>>;

static_assert(sizeof(c10::Half) == sizeof(Float16) && sizeof(c10::BFloat16) == sizeof(BFloat16));

// The tensor's data; T is the kernel type of its dtype.
template <typename T>
const T* const_data(const at::Tensor& tensor) {
  return static_cast<const T*>(tensor.const_data_ptr());
}
template <typename T>
T* mutable_data(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.mutable_data_ptr());
}

// The layout without its pointer to host memory.
inline LatentLayout on_device(LatentLayout layout) {
  layout.cardinalities = nullptr;
  return layout;
}

}  // namespace infogan_fast::cuda
