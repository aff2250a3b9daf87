// sample_latents on several threads, each of which draws a range of rows into the same three arrays, and several calls
// at once: the same bits as on one thread, and no element that two threads write.

#include <cstdint>
#include <vector>

#include "check.h"
#include "cpu/sample_latents.h"
#include "threads.h"

using namespace infogan_fast;

namespace {

template <typename out_t>
struct Output {
  std::vector<out_t> input;
  std::vector<int64_t> categorical;
  std::vector<float> continuous;

  bool operator==(const Output& other) const {
    return same_bits(input, other.input) && same_bits(categorical, other.categorical) &&
           same_bits(continuous, other.continuous);
  }
};

template <typename out_t>
Output<out_t> sample(const LatentLayout& layout, int64_t batch, int64_t threads) {
  Output<out_t> out{
      std::vector<out_t>(batch * layout.input_dim()),
      std::vector<int64_t>(batch * layout.categorical),
      std::vector<float>(batch * layout.continuous)};
  const SampleLatentsArgs<out_t> args{
      layout, make_latent_stream(3, 1), 1000, out.input.data(), out.categorical.data(), out.continuous.data()};
  const ParallelFor parallel_for(threads);
  parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    with_simd([&]() INFOGAN_SIMD { sample_latents_rows(args, begin, end); });
  });
  return out;
}

template <typename out_t>
void check_threads() {
  const std::vector<std::vector<int64_t>> categorical = {{}, {10}, {3, 1, 40}};
  for (const auto& cardinalities : categorical) {
    int64_t logits = 0;
    for (const int64_t k : cardinalities) {
      logits += k;
    }
    for (const Prior prior : {Prior::kUniform, Prior::kNormal}) {
      const LatentLayout layout{
          7, static_cast<int64_t>(cardinalities.size()), 5, cardinalities.data(), logits, prior, prior};
      for (const int64_t batch : {1, 17, 100}) {
        const Output<out_t> expected = sample<out_t>(layout, batch, 1);
        for (const int64_t threads : {2, 3, 8}) {
          CHECK(sample<out_t>(layout, batch, threads) == expected);
        }
        std::vector<Output<out_t>> calls(4);
        all_at_once(4, [&](int64_t call) { calls[call] = sample<out_t>(layout, batch, 1 + call % 2); });
        for (const Output<out_t>& call : calls) {
          CHECK(call == expected);
        }
      }
    }
  }
}

}  // namespace

TEST(float_rows) {
  check_threads<float>();
}

TEST(double_rows) {
  check_threads<double>();
}
