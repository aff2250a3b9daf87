// The CUDA kernel of sample_latents, run on the host, against the CPU op: the same bits in every dtype, for shapes
// around every edge, in every order of threads and blocks.

#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "cpu/sample_latents.h"
#include "cuda/sample_latents.h"
#include "cuda_cases.h"
#include "cuda_on_host/cuda_runtime.h"
#include "kernel/half.h"

using namespace infogan_fast;
using cuda_cases::Memory;
using cuda_cases::Spec;
using cuda_cases::Table;

namespace {

constexpr int64_t kSeed = -8234567890123456789;
constexpr int64_t kOffset = 0xFFFFFFFF;

template <typename out_t>
struct Drawn {
  Memory<out_t> input;
  Memory<int64_t> categorical;
  Memory<float> continuous;

  Drawn(const Spec& spec, int64_t batch, int64_t past = 0)
      : input(batch * spec.layout().input_dim(), past),
        categorical(batch * spec.layout().categorical),
        continuous(batch * spec.continuous) {}
};

template <typename T>
bool equal(const Memory<T>& a, const Memory<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <typename out_t>
Drawn<out_t> draw_on_cpu(const Spec& spec, int64_t batch, int64_t row_offset) {
  Drawn<out_t> drawn(spec, batch);
  const SampleLatentsArgs<out_t> args{
      spec.layout(),
      make_latent_stream(kSeed, kOffset),
      row_offset,
      drawn.input.data(),
      drawn.categorical.data(),
      drawn.continuous.data()};
  with_simd([&]() INFOGAN_SIMD { sample_latents_rows(args, 0, batch); });
  return drawn;
}

template <typename out_t>
Drawn<out_t> draw_with_kernel(const Spec& spec, int64_t batch, int64_t row_offset, int64_t past) {
  Drawn<out_t> drawn(spec, batch, past);
  const Table table(spec.first_columns());
  Memory<int64_t> seed(1);
  seed[0] = kSeed;
  const cuda::SampleLatentsArgs<out_t> args{
      spec.device_layout(),
      table.words(),
      batch,
      seed.data(),
      kOffset,
      row_offset,
      drawn.input.data(),
      drawn.categorical.data(),
      drawn.continuous.data()};
  cuda_on_host::reset_launches();
  CHECK_EQUAL(cuda::launch_sample_latents(args, nullptr), cudaSuccess);
  CHECK_EQUAL(cuda_on_host::launches().size(), batch == 0 ? 0u : 1u);
  return drawn;
}

template <typename out_t>
void check_same(const Spec& spec, int64_t batch, int64_t row_offset = 0, int64_t past = 0) {
  const Drawn<out_t> expected = draw_on_cpu<out_t>(spec, batch, row_offset);
  const Drawn<out_t> got = draw_with_kernel<out_t>(spec, batch, row_offset, past);
  CHECK(equal(got.input, expected.input));
  CHECK(equal(got.categorical, expected.categorical));
  CHECK(equal(got.continuous, expected.continuous));
}

const std::vector<Spec> kSpecs = {
    {{10}, 2, 62},
    {{20, 20, 20}, 1, 128, Prior::kUniform, Prior::kNormal},
    {{2, 7, 1, 33}, 5, 3},
    {{}, 3, 5},
    {{3, 4}, 0, 1},
    {{2}, 1, 0},
    {{}, 0, 31},
    {{}, 0, 32},
    {{}, 0, 33},
    {{1000}, 0, 0, Prior::kNormal, Prior::kNormal},
};

}  // namespace

TEST(same_bits_as_the_cpu_in_every_order) {
  cuda_on_host::under_every_schedule([&] {
    for (const Spec& spec : kSpecs) {
      check_same<float>(spec, 33);
    }
  });
}

TEST(every_dtype_and_alignment) {
  for (const Spec& spec : kSpecs) {
    for (const int64_t past : {0, 1, 3}) {
      check_same<float>(spec, 7, 0, past);
      check_same<double>(spec, 7, 0, past);
      check_same<Float16>(spec, 7, 0, past);
      check_same<BFloat16>(spec, 7, 0, past);
    }
  }
}

TEST(batches_around_every_edge) {
  for (const int64_t batch : {0, 1, 2, 13, 14, 15, 28, 29, 127, 128, 129}) {
    check_same<float>(kSpecs[0], batch);
    check_same<BFloat16>(kSpecs[2], batch);
  }
}

TEST(rows_wider_than_a_tile) {
  // 4096 floats to a tile: noise, categories and continuous codes that begin, end and cross at its edges.
  for (const int64_t noise : {0, 4090, 4095, 4096, 4097, 9001}) {
    check_same<float>({{5, 7}, 3, noise}, 3);
  }
  check_same<float>({{4095, 2, 4098}, 9, 1}, 3);
  check_same<float>({{3}, 9000, 10}, 2);
  check_same<double>({{5000}, 3, 2047}, 3);
  check_same<Float16>({{9000}, 3, 8191}, 2);
}

TEST(more_codes_than_fit_in_the_parameters) {
  CHECK(Table(std::vector<int64_t>(128)).words().far_words == nullptr);
  CHECK(Table(std::vector<int64_t>(129)).words().far_words != nullptr);
  for (const int64_t categorical : {127, 128, 1000}) {
    check_same<float>({std::vector<int64_t>(categorical, 3), 70, 2}, 3);
  }
}

TEST(a_row_does_not_depend_on_the_batch_it_is_drawn_in) {
  for (const int64_t row_offset : {int64_t(5), (int64_t(1) << 32) - 2, int64_t(1) << 62}) {
    check_same<float>(kSpecs[0], 5, row_offset);
  }
}
