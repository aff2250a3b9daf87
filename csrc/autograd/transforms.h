#pragma once

// Ways of differentiating that a backward node does not serve: forward mode and the transforms of torch.func.

#include <ATen/core/Tensor.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/Exception.h>

#include <initializer_list>

namespace infogan_fast {

inline bool has_tangent(const at::Tensor& tensor) {
  return tensor.defined() && tensor._fw_grad(0).defined();
}

// Whether a transform of torch.func (grad, jvp, vmap, ...) is at work.
inline bool is_transformed() {
  return c10::impl::tls_local_dispatch_key_set().included_.has(c10::DispatchKey::FuncTorchDynamicLayerBackMode);
}

// For an op that has a backward node and nothing else.
inline void refuse_transforms(const char* op, const char* instead, std::initializer_list<at::Tensor> inputs) {
  bool refused = is_transformed();
  for (const at::Tensor& input : inputs) {
    refused = refused || has_tangent(input);
  }
  TORCH_CHECK_NOT_IMPLEMENTED(
      !refused,
      op,
      ": got a forward-mode derivative or a transform of torch.func, allowed: backward derivatives of any order; use ",
      instead,
      " for the others");
}

}  // namespace infogan_fast
