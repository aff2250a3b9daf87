// The CUDA kernel of info_loss_backward, run on the host: each column times what its code is scaled by, rounded once.

#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "cpu/info_loss.h"
#include "cuda/info_loss.h"
#include "cuda_cases.h"
#include "cuda_on_host/cuda_runtime.h"

using namespace infogan_fast;
using cuda_cases::Memory;
using cuda_cases::Spec;
using cuda_cases::Table;

namespace {

// The code that a column belongs to, by counting.
std::vector<int64_t> code_of_column(const LatentLayout& layout, Variance variance) {
  std::vector<int64_t> codes;
  for (int64_t code = 0; code < layout.categorical; ++code) {
    codes.insert(codes.end(), layout.cardinalities[code], code);
  }
  while (static_cast<int64_t>(codes.size()) < layout.head_dim(variance)) {
    for (int64_t i = 0; i < layout.continuous; ++i) {
      codes.push_back(layout.categorical + i);
    }
  }
  return codes;
}

template <typename head_t>
void check_same(const Spec& spec, int64_t batch, Variance variance, int64_t past = 0) {
  using acc_t = accumulate_t<head_t>;
  using gradient_t = cuda::gradient_t<head_t>;
  const LatentLayout layout = spec.layout();
  const int64_t width = layout.head_dim(variance);
  Memory<gradient_t> gradient(batch * width, past);
  for (int64_t i = 0; i < gradient.size(); ++i) {
    gradient[i] = static_cast<gradient_t>(0.37f * static_cast<float>(i % 1009) - 100.0f);
  }
  Memory<acc_t> factor(layout.codes());
  for (int64_t code = 0; code < layout.codes(); ++code) {
    factor[code] = acc_t(1) / acc_t(3 + code);
  }
  Memory<acc_t> grad_loss(1);
  grad_loss[0] = acc_t(-1.7);

  std::vector<acc_t> column_scale;
  for (const int64_t code : code_of_column(layout, variance)) {
    column_scale.push_back(grad_loss[0] * factor[code]);
  }
  Memory<head_t> expected(batch * width);
  with_simd([&]() INFOGAN_SIMD {
    info_loss_backward_rows(gradient.data(), column_scale.data(), width, 0, batch, expected.data());
  });

  Memory<head_t> out(batch * width, past);
  const Table table(spec.first_columns());
  const cuda::InfoLossBackwardArgs<head_t> args{
      spec.device_layout(), table.words(), batch, width, grad_loss.data(), factor.data(), gradient.data(), out.data()};
  cuda_on_host::reset_launches();
  CHECK_EQUAL(cuda::launch_info_loss_backward(args, nullptr), cudaSuccess);
  CHECK_EQUAL(cuda_on_host::launches().size(), batch * width == 0 ? 0u : 1u);
  CHECK(std::memcmp(out.data(), expected.data(), out.size() * sizeof(head_t)) == 0);
}

const std::vector<Spec> kSpecs = {
    {{10}, 2},
    {{20, 20, 20}, 1},
    {{2, 7, 1, 33}, 5},
    {{}, 3},
    {{3, 4}, 0},
    {{1}, 0},
    {{}, 0},
    {{1000}, 524},   // 2048 columns with a learned variance
    {{1001}, 524},   // one more than have their scales in shared memory
    {{1021, 2}, 1},  // around the elements of a block, 1024 in float32, with rows that begin in every place of it
    {{2045, 2}, 1},
    {std::vector<int64_t>(200, 3), 7},
    {std::vector<int64_t>(200, 30), 7},
};

}  // namespace

TEST(every_dtype_variance_and_alignment) {
  for (const Spec& spec : kSpecs) {
    for (const Variance variance : {Variance::kLearned, Variance::kFixed}) {
      for (const int64_t past : {0, 1}) {
        check_same<float>(spec, 5, variance, past);
        check_same<double>(spec, 5, variance, past);
        check_same<Float16>(spec, 5, variance, past);
        check_same<BFloat16>(spec, 5, variance, past);
      }
    }
  }
}

TEST(batches_around_the_edge_of_a_block) {
  for (const int64_t batch : {0, 1, 73, 74, 146, 147, 585, 586}) {  // 73.14 rows of 14 columns are 1024 elements
    check_same<float>({{10}, 2}, batch, Variance::kLearned);
    check_same<BFloat16>({{10}, 2}, batch, Variance::kLearned);
  }
}

TEST(a_thread_takes_several_pieces_of_a_large_head) {
  check_same<float>({{10}, 2}, 160000, Variance::kLearned);
  check_same<double>({{700}, 2}, 1600, Variance::kLearned);
}

TEST(every_order_of_threads_and_blocks) {
  cuda_on_host::under_every_schedule([&] { check_same<float>({{20, 20}, 3}, 400, Variance::kLearned); });
}
