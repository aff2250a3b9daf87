#include <cstdint>
#include <set>

#include "check.h"
#include "kernel/latent_draw.h"

using namespace infogan_fast;

TEST(log_is_within_two_ulp) {
  for (uint64_t word = 0; word < (uint64_t(1) << 32); word += 65521) {
    const float x = fmaf(static_cast<float>(static_cast<uint32_t>(word)), 0x1p-32f, 0x1p-33f);
    const double exact = std::log(static_cast<double>(x));
    const double ulp = std::ldexp(1.0, std::max(-149, std::ilogb(exact == 0.0 ? 1.0 : exact) - 23));
    CHECK_NEAR(portable_log(x), exact, 2.0 * ulp);
  }
  CHECK_EQUAL(portable_log(1.0f), 0.0f);
}

TEST(exp_is_within_one_and_a_half_ulp) {
  for (float x = -110.0f; x < 95.0f; x += 0x1.3p-9f) {
    const double exact = std::exp(static_cast<double>(x));
    const float got = portable_exp(x);
    if (exact > 3.4028235677973366e38) {
      CHECK(std::isinf(got));
    } else {
      CHECK_NEAR(got, exact, 1.5 * std::ldexp(1.0, std::max(-149, std::ilogb(exact) - 23)));
    }
  }
  CHECK_EQUAL(portable_exp(0.0f), 1.0f);
  CHECK_EQUAL(portable_exp(-INFINITY), 0.0f);
  CHECK(std::isinf(portable_exp(INFINITY)));
  CHECK(std::isnan(portable_exp(std::nanf(""))));
}

TEST(sincos_is_within_two_ulp_of_one) {
  for (uint32_t i = 0; i < (1u << 24); i += 251) {
    const float turns = static_cast<float>(i) * 0x1p-24f;
    const double angle = 6.283185307179586476925 * static_cast<double>(turns);
    const SinCos result = portable_sincos_turns(turns);
    CHECK_NEAR(result.sin, std::sin(angle), 0x1p-23);
    CHECK_NEAR(result.cos, std::cos(angle), 0x1p-23);
  }
  CHECK_EQUAL(portable_sincos_turns(0.25f).sin, 1.0f);
  CHECK_EQUAL(portable_sincos_turns(0.5f).cos, -1.0f);
}

TEST(uniform_is_open_and_symmetric) {
  CHECK_EQUAL(uniform_from_word(0u), -1.0f + 0x1p-24f);
  CHECK_EQUAL(uniform_from_word(~0u), 1.0f - 0x1p-24f);
  for (uint64_t word = 0; word < (uint64_t(1) << 32); word += 99991) {
    const uint32_t w = static_cast<uint32_t>(word);
    CHECK_EQUAL(uniform_from_word(w), -uniform_from_word(~w));
    CHECK(uniform_from_word(w) != 0.0f);
  }
}

TEST(normal_is_finite_at_the_ends) {
  for (const uint32_t radius : {0u, 1u, ~0u, ~0u - 1u}) {
    for (const uint32_t angle : {0u, 1u << 30, 1u << 31, 3u << 30, ~0u}) {
      const NormalPair pair = normal_from_words(radius, angle);
      CHECK(std::isfinite(pair.first) && std::fabs(pair.first) <= 6.77f);
      CHECK(std::isfinite(pair.second) && std::fabs(pair.second) <= 6.77f);
    }
  }
}

TEST(categorical_covers_exactly_its_range) {
  for (const int64_t k : {int64_t(1), int64_t(2), int64_t(3), int64_t(10), int64_t(1000), (int64_t(1) << 31) - 1}) {
    CHECK_EQUAL(categorical_from_words(0u, 0u, k), 0);
    CHECK_EQUAL(categorical_from_words(~0u, ~0u, k), k - 1);
  }
  // Against 128-bit arithmetic.
  for (uint32_t i = 0; i < 100000; ++i) {
    const Philox4 random = philox4x32({{i, 0, 0, 0}}, {{7, 8}});
    const int64_t k = 1 + static_cast<int64_t>(random.word[2] >> 1) % ((int64_t(1) << 31) - 1);
    const uint64_t u = (static_cast<uint64_t>(random.word[0]) << 32) | random.word[1];
    __extension__ typedef unsigned __int128 uint128;
    CHECK_EQUAL(
        categorical_from_words(random.word[0], random.word[1], k),
        static_cast<int64_t>((static_cast<uint128>(u) * static_cast<uint64_t>(k)) >> 64));
  }
}

TEST(every_counter_word_matters) {
  std::set<uint32_t> words;
  const auto stream = [](int64_t seed, int64_t offset) { return make_latent_stream(seed, offset); };
  words.insert(draw_block(stream(0, 0), 0, Domain::kNoise, 0).word[0]);
  words.insert(draw_block(stream(1, 0), 0, Domain::kNoise, 0).word[0]);
  words.insert(draw_block(stream(int64_t(1) << 32, 0), 0, Domain::kNoise, 0).word[0]);
  words.insert(draw_block(stream(0, 1), 0, Domain::kNoise, 0).word[0]);
  words.insert(draw_block(stream(0, 0), 1, Domain::kNoise, 0).word[0]);
  words.insert(draw_block(stream(0, 0), int64_t(1) << 32, Domain::kNoise, 0).word[0]);
  words.insert(draw_block(stream(0, 0), 0, Domain::kCategorical, 0).word[0]);
  words.insert(draw_block(stream(0, 0), 0, Domain::kContinuous, 0).word[0]);
  words.insert(draw_block(stream(0, 0), 0, Domain::kNoise, 1).word[0]);
  CHECK_EQUAL(words.size(), 9u);
}
