// The CPU loop of sample_latents: every element of the output is written, nothing beside it, and rows are independent
// of how a batch is split.

#include <cmath>
#include <cstdint>
#include <vector>

#include "check.h"
#include "cpu/sample_latents.h"

using namespace infogan_fast;

namespace {

struct Output {
  std::vector<float> input;
  std::vector<int64_t> categorical;
  std::vector<float> continuous;
};

Output sample(const LatentLayout& layout, int64_t batch, int64_t row_offset, int64_t split) {
  Output out{
      std::vector<float>(batch * layout.input_dim(), std::nanf("")),
      std::vector<int64_t>(batch * layout.categorical, -1),
      std::vector<float>(batch * layout.continuous, std::nanf("")),
  };
  const SampleLatentsArgs<float> args{
      layout,
      make_latent_stream(7, 0),
      row_offset,
      out.input.data(),
      out.categorical.data(),
      out.continuous.data(),
  };
  with_simd([&]() INFOGAN_SIMD {
    sample_latents_rows(args, split, batch);
    sample_latents_rows(args, 0, split);
  });
  return out;
}

}  // namespace

TEST(every_element_is_written_whatever_the_split) {
  const std::vector<std::vector<int64_t>> categorical = {{}, {1}, {10}, {3, 5}, {2, 2, 2, 1000, 4}};
  for (const auto& cardinalities : categorical) {
    int64_t logits = 0;
    for (const int64_t k : cardinalities) {
      logits += k;
    }
    for (const int64_t noise : {0, 1, 3, 4, 5, 62}) {
      for (const int64_t continuous : {0, 1, 2, 4, 7}) {
        for (const Prior prior : {Prior::kUniform, Prior::kNormal}) {
          const LatentLayout layout{
              noise,
              static_cast<int64_t>(cardinalities.size()),
              continuous,
              cardinalities.data(),
              logits,
              prior,
              prior};
          const Output whole = sample(layout, 9, 100, 0);
          const Output split = sample(layout, 9, 100, 4);
          const Output shifted = sample(layout, 5, 104, 0);
          for (size_t i = 0; i < whole.input.size(); ++i) {
            CHECK(std::isfinite(whole.input[i]));
            CHECK_EQUAL(whole.input[i], split.input[i]);
          }
          for (size_t i = 0; i < shifted.input.size(); ++i) {
            CHECK_EQUAL(shifted.input[i], whole.input[4 * layout.input_dim() + i]);
          }
          for (int64_t row = 0; row < 9; ++row) {
            const float* one_hot = whole.input.data() + row * layout.input_dim() + noise;
            for (int64_t code = 0; code < layout.categorical; ++code) {
              const int64_t category = whole.categorical[row * layout.categorical + code];
              CHECK(category >= 0 && category < cardinalities[code]);
              for (int64_t j = 0; j < cardinalities[code]; ++j) {
                CHECK_EQUAL(one_hot[j], j == category ? 1.0f : 0.0f);
              }
              one_hot += cardinalities[code];
            }
            for (int64_t i = 0; i < continuous; ++i) {
              CHECK_EQUAL(one_hot[i], whole.continuous[row * continuous + i]);
            }
          }
        }
      }
    }
  }
}
