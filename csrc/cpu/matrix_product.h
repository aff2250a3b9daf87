#pragma once

// Products of matrices, by torch's mm, which is MKL's in its builds for x86, or by oneDNN's.

#include <ATen/core/Tensor.h>

namespace infogan_fast {

// Whether this torch has oneDNN's product.
bool has_onednn_product();

struct MatrixProduct {
  // Through oneDNN, where a product is large enough for it. bfloat16 is always oneDNN's: mm has no other.
  bool onednn;

  // out = left right, all of one dtype, or of bfloat16 matrices in float32; left and right may be transposed views.
  void operator()(const at::Tensor& left, const at::Tensor& right, const at::Tensor& out) const {
    multiply(left, right, out, /*add=*/false);
  }
  // sum += left right
  void add(const at::Tensor& left, const at::Tensor& right, const at::Tensor& sum) const {
    multiply(left, right, sum, /*add=*/true);
  }

 private:
  void multiply(const at::Tensor& left, const at::Tensor& right, const at::Tensor& out, bool add) const;
  void multiply_part(const at::Tensor& left, const at::Tensor& right, const at::Tensor& out, bool add) const;
};

}  // namespace infogan_fast
