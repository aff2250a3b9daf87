#include "matrix_product.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "simd.h"

// out = alpha * left right + beta * out. torch exports it and has no header for it; null in a torch without it.
namespace at::native {
void __attribute__((weak)) mkldnn_matmul(
    const Tensor& left, const Tensor& right, const Tensor& out, float beta, float alpha);
}

namespace infogan_fast {
namespace {

// Below so many operations oneDNN's call, some 10 us, costs more than a faster product saves.
constexpr int64_t kFewOperations = 5'000'000;

// A product is cut into a part for each thread, but for parts that are not worth waking one. The libraries would take
// several parallel regions for each product, at whose ends threads wait for each other.
constexpr int64_t kOperationsPerThread = 2'000'000;

int64_t operations_of(const at::Tensor& left, const at::Tensor& right) {
  return 2 * left.numel() * right.size(1);
}

// torch's op of which a layer compiled by torch.compile consists: left weight^T, in a new tensor.
at::Tensor linear_pointwise(
    const at::Tensor& left,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    std::string_view activation,
    c10::List<std::optional<at::Scalar>> scalars,
    std::optional<std::string_view> algorithm);

std::optional<c10::OperatorHandle> find_linear_pointwise() {
  return c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
}

// What mkldnn_matmul asks of the processor.
bool has_avx512() {
  static const bool has = simd_levels().back() == Simd::kAvx512;
  return has;
}

void write(const at::Tensor& product, const at::Tensor& out, bool add) {
  if (add) {
    out.add_(product);
  } else {
    out.copy_(product);
  }
}

void multiply_by_blas(const at::Tensor& left, const at::Tensor& right, at::Tensor out, bool add) {
  if (add) {
    at::addmm_out(out, out, left, right);
  } else {
    at::mm_out(out, left, right);
  }
}

void multiply_by_onednn(const at::Tensor& left, const at::Tensor& right, const at::Tensor& out, bool add) {
  if (at::native::mkldnn_matmul != nullptr && has_avx512()) {
    at::native::mkldnn_matmul(left, right, out, /*beta=*/add ? 1.0F : 0.0F, /*alpha=*/1.0F);
    return;
  }
  static const auto op = find_linear_pointwise().value().typed<decltype(linear_pointwise)>();
  // A part of a larger matrix is copied: with a weight that has gaps, the op is a plain loop, a thousand times slower.
  const at::Tensor weight = right.is_non_overlapping_and_dense() ? right.t() : right.t().contiguous();
  write(op.call(left, weight, std::nullopt, "none", c10::List<std::optional<at::Scalar>>(), ""), out, add);
}

void multiply_bfloat16(const at::Tensor& left, const at::Tensor& right, at::Tensor out, bool add) {
  const bool to_float = out.scalar_type() == at::kFloat;
  if (!has_avx512()) {  // oneDNN has no product for such a processor, and torch's own is a loop
    const at::Tensor wide_left = left.to(at::kFloat), wide_right = right.to(at::kFloat);
    if (to_float) {
      multiply_by_blas(wide_left, wide_right, out, add);
    } else {
      write(at::mm(wide_left, wide_right), out, add);
    }
  } else if (to_float || add) {
    write(at::mm(left, right), out, add);
  } else {
    at::mm_out(out, left, right);
  }
}

}  // namespace

bool has_onednn_product() {
  return at::globalContext().hasMKLDNN() && find_linear_pointwise().has_value();
}

void MatrixProduct::multiply(const at::Tensor& left, const at::Tensor& right, const at::Tensor& out, bool add) const {
  const int64_t worth = at::in_parallel_region() ? 1 : operations_of(left, right) / kOperationsPerThread;
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), worth));
  const bool by_rows = out.size(0) >= out.size(1);
  const int64_t size = by_rows ? out.size(0) : out.size(1);
  at::parallel_for(0, parts, 1, [&](int64_t first_part, int64_t last_part) {
    // Threads of the pool do not inherit the one; autocast would round what is float32 here on purpose.
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const c10::impl::ExcludeDispatchKeyGuard without_autocast(c10::autocast_dispatch_keyset);
    for (int64_t part = first_part; part < last_part; ++part) {
      const int64_t begin = size * part / parts, count = size * (part + 1) / parts - begin;
      multiply_part(
          by_rows ? left.narrow(0, begin, count) : left,
          by_rows ? right : right.narrow(1, begin, count),
          out.narrow(by_rows ? 0 : 1, begin, count),
          add);
    }
  });
}

void MatrixProduct::multiply_part(
    const at::Tensor& left, const at::Tensor& right, const at::Tensor& out, bool add) const {
  if (left.scalar_type() == at::kBFloat16) {
    multiply_bfloat16(left, right, out, add);
  } else if (onednn && left.scalar_type() == at::kFloat && operations_of(left, right) >= kFewOperations) {
    multiply_by_onednn(left, right, out, add);
  } else {
    multiply_by_blas(left, right, out, add);
  }
}

}  // namespace infogan_fast
