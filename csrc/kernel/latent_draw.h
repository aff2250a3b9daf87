#pragma once

#include <cmath>
#include <cstdint>

#include "macros.h"
#include "math.h"
#include "philox.h"

// How the latent variables of a row come out of Philox words. infogan_fast/reference.py says the same in PyTorch.
//
// counter = (row low, row high, domain | block, offset), key = seed. A block is one counter: four real variables, or
// two categorical ones. Noise and codes draw from domains of their own, so that a row's codes do not depend on how much
// noise there is.

namespace infogan_fast {

enum class Prior : uint8_t { kUniform, kNormal };

enum class Domain : uint32_t {
  kNoise = 0u << 30,
  kCategorical = 1u << 30,
  kContinuous = 2u << 30,
};

constexpr int64_t kRealsPerBlock = 4;
constexpr int64_t kCategoricalsPerBlock = 2;

// The random stream of one call: all that a draw needs besides row and block.
struct LatentStream {
  PhiloxKey key;
  uint32_t offset;
};

INFOGAN_HOST_DEVICE LatentStream make_latent_stream(int64_t seed, int64_t offset) {
  const uint64_t bits = static_cast<uint64_t>(seed);
  return {{{static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)}}, static_cast<uint32_t>(offset)};
}

INFOGAN_HOST_DEVICE Philox4 block_counter(const LatentStream& stream, uint64_t row, Domain domain, int64_t block) {
  return {{
      static_cast<uint32_t>(row),
      static_cast<uint32_t>(row >> 32),
      static_cast<uint32_t>(domain) | static_cast<uint32_t>(block),
      stream.offset,
  }};
}

INFOGAN_HOST_DEVICE Philox4 draw_block(const LatentStream& stream, uint64_t row, Domain domain, int64_t block) {
  return philox4x32(block_counter(stream, row, domain, block), stream.key);
}

// U(-1, 1): an odd multiple of 2^-24, so exact in float, symmetric about 0 and never an end point.
INFOGAN_HOST_DEVICE float uniform_from_word(uint32_t word) {
  const int32_t odd = static_cast<int32_t>(word >> 8) * 2 + (1 - (1 << 24));
  return static_cast<float>(odd) * 0x1p-24f;
}

struct NormalPair {
  float first;
  float second;
};

// Two N(0, 1) variables by Box and Muller; |value| <= 6.77.
INFOGAN_HOST_DEVICE NormalPair normal_from_words(uint32_t radius_word, uint32_t angle_word) {
  const float radius_uniform = fmaf(static_cast<float>(radius_word), 0x1p-32f, 0x1p-33f);
  const float radius = sqrtf(-2.0f * portable_log(radius_uniform));
  const SinCos angle = portable_sincos_turns(static_cast<float>(angle_word >> 8) * 0x1p-24f);
  return {radius * angle.cos, radius * angle.sin};
}

// floor(u * cardinality / 2^64) for the 64-bit word u = high:low; exact for 1 <= cardinality < 2^31.
INFOGAN_HOST_DEVICE int64_t categorical_from_words(uint32_t high, uint32_t low, int64_t cardinality) {
  const uint64_t k = static_cast<uint64_t>(cardinality);
  return static_cast<int64_t>((high * k + ((low * k) >> 32)) >> 32);
}

// The four real variables of one block.
INFOGAN_HOST_DEVICE void reals_from_words(Philox4 random, Prior prior, float (&out)[kRealsPerBlock]) {
  if (prior == Prior::kNormal) {
    const NormalPair a = normal_from_words(random.word[0], random.word[1]);
    const NormalPair b = normal_from_words(random.word[2], random.word[3]);
    out[0] = a.first;
    out[1] = a.second;
    out[2] = b.first;
    out[3] = b.second;
  } else {
    for (int i = 0; i < kRealsPerBlock; ++i) {
      out[i] = uniform_from_word(random.word[i]);
    }
  }
}

// The category that code `code` takes from its block, block number code / kCategoricalsPerBlock.
INFOGAN_HOST_DEVICE int64_t category_from_words(Philox4 random, int64_t code, int64_t cardinality) {
  return code % kCategoricalsPerBlock == 0 ? categorical_from_words(random.word[0], random.word[1], cardinality)
                                           : categorical_from_words(random.word[2], random.word[3], cardinality);
}

}  // namespace infogan_fast
