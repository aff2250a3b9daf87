#pragma once

// Philox of kLanes counters at once. Where compilers make a 64-bit product of two 32-bit numbers from three
// multiplications, x86 has one instruction for it, which is written out here.

#include <cstdint>

#include "../kernel/philox.h"
#include "lanes.h"
#include "simd.h"

#ifdef INFOGAN_X86_TARGETS
#include <immintrin.h>
#endif

namespace infogan_fast {

// Four words for each lane: counters, or the random words that they give.
struct LaneWords {
  alignas(64) uint32_t word[4][kLanes];

  INFOGAN_SIMD Philox4 at(int64_t lane) const { return {{word[0][lane], word[1][lane], word[2][lane], word[3][lane]}}; }
  INFOGAN_SIMD void set(int64_t lane, Philox4 value) {
    for (int i = 0; i < 4; ++i) {
      word[i][lane] = value.word[i];
    }
  }
};

inline void philox_lanes_generic(LaneWords& words, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      words.set(lane, philox_round(words.at(lane), key));
    }
    key = philox_next_key(key);
  }
}

#ifdef INFOGAN_X86_TARGETS

// High and low halves of the products of 32-bit lanes with a constant: of the even lanes, of the odd lanes, and put
// together.
struct Avx512Product {
  __m512i high;
  __m512i low;
};

__attribute__((target(INFOGAN_AVX512), always_inline)) inline Avx512Product avx512_product(
    __m512i lanes, __m512i factor) {
  const __m512i even = _mm512_maskz_mul_epu32(0xFF, lanes, factor);
  const __m512i odd = _mm512_maskz_mul_epu32(0xFF, _mm512_maskz_srli_epi64(0xFF, lanes, 32), factor);
  return {
      _mm512_mask_blend_epi32(0xAAAA, _mm512_maskz_srli_epi64(0xFF, even, 32), odd),
      _mm512_mask_blend_epi32(0xAAAA, even, _mm512_maskz_slli_epi64(0xFF, odd, 32)),
  };
}

__attribute__((target(INFOGAN_AVX512))) inline void philox_lanes_avx512(LaneWords& words, PhiloxKey key) {
  static_assert(kLanes == 16);
  const __m512i factor0 = _mm512_set1_epi64(kPhiloxFactors[0]);
  const __m512i factor1 = _mm512_set1_epi64(kPhiloxFactors[1]);
  __m512i word[4];
  for (int i = 0; i < 4; ++i) {
    word[i] = _mm512_load_si512(words.word[i]);
  }
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Avx512Product product0 = avx512_product(word[0], factor0);
    const Avx512Product product1 = avx512_product(word[2], factor1);
    const __m512i key0 = _mm512_set1_epi32(static_cast<int32_t>(key.word[0]));
    const __m512i key1 = _mm512_set1_epi32(static_cast<int32_t>(key.word[1]));
    word[0] = _mm512_xor_si512(_mm512_xor_si512(product1.high, word[1]), key0);
    word[1] = product1.low;
    word[2] = _mm512_xor_si512(_mm512_xor_si512(product0.high, word[3]), key1);
    word[3] = product0.low;
    key = philox_next_key(key);
  }
  for (int i = 0; i < 4; ++i) {
    _mm512_store_si512(words.word[i], word[i]);
  }
}

struct Avx2Product {
  __m256i high;
  __m256i low;
};

__attribute__((target("avx2"), always_inline)) inline Avx2Product avx2_product(__m256i lanes, __m256i factor) {
  const __m256i even = _mm256_mul_epu32(lanes, factor);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(lanes, 32), factor);
  return {
      _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA),
      _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA),
  };
}

__attribute__((target("avx2"))) inline void philox_lanes_avx2(LaneWords& words, PhiloxKey key) {
  const __m256i factor0 = _mm256_set1_epi64x(kPhiloxFactors[0]);
  const __m256i factor1 = _mm256_set1_epi64x(kPhiloxFactors[1]);
  constexpr int kHalves = 2;
  static_assert(kLanes == 8 * kHalves);
  __m256i word[4][kHalves];
  for (int i = 0; i < 4; ++i) {
    for (int half = 0; half < kHalves; ++half) {
      word[i][half] = _mm256_load_si256(reinterpret_cast<const __m256i*>(words.word[i] + 8 * half));
    }
  }
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const __m256i key0 = _mm256_set1_epi32(static_cast<int32_t>(key.word[0]));
    const __m256i key1 = _mm256_set1_epi32(static_cast<int32_t>(key.word[1]));
    for (int half = 0; half < kHalves; ++half) {
      const Avx2Product product0 = avx2_product(word[0][half], factor0);
      const Avx2Product product1 = avx2_product(word[2][half], factor1);
      word[0][half] = _mm256_xor_si256(_mm256_xor_si256(product1.high, word[1][half]), key0);
      word[1][half] = product1.low;
      word[2][half] = _mm256_xor_si256(_mm256_xor_si256(product0.high, word[3][half]), key1);
      word[3][half] = product0.low;
    }
    key = philox_next_key(key);
  }
  for (int i = 0; i < 4; ++i) {
    for (int half = 0; half < kHalves; ++half) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(words.word[i] + 8 * half), word[i][half]);
    }
  }
}

#endif

// philox4x32 in every lane.
inline void philox_lanes(LaneWords& words, PhiloxKey key) {
#ifdef INFOGAN_X86_TARGETS
  switch (simd_level()) {
    case Simd::kAvx512:
      return philox_lanes_avx512(words, key);
    case Simd::kAvx2:
      return philox_lanes_avx2(words, key);
    case Simd::kBaseline:
      break;
  }
#endif
  philox_lanes_generic(words, key);
}

}  // namespace infogan_fast
