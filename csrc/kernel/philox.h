#pragma once

#include <cstdint>

#include "macros.h"

namespace infogan_fast {

// Four 32-bit words: a Philox counter, or the random words that it gives.
struct Philox4 {
  uint32_t word[4];
};

struct PhiloxKey {
  uint32_t word[2];
};

constexpr uint32_t kPhiloxFactors[2] = {0xD2511F53u, 0xCD9E8D57u};

INFOGAN_HOST_DEVICE Philox4 philox_round(Philox4 counter, PhiloxKey key) {
  const uint64_t product0 = static_cast<uint64_t>(kPhiloxFactors[0]) * counter.word[0];
  const uint64_t product1 = static_cast<uint64_t>(kPhiloxFactors[1]) * counter.word[2];
  return {{
      static_cast<uint32_t>(product1 >> 32) ^ counter.word[1] ^ key.word[0],
      static_cast<uint32_t>(product1),
      static_cast<uint32_t>(product0 >> 32) ^ counter.word[3] ^ key.word[1],
      static_cast<uint32_t>(product0),
  }};
}

INFOGAN_HOST_DEVICE PhiloxKey philox_next_key(PhiloxKey key) {
  return {{key.word[0] + 0x9E3779B9u, key.word[1] + 0xBB67AE85u}};
}

constexpr int kPhiloxRounds = 10;

// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// Stateless: the same counter and key give the same words on every device.
INFOGAN_HOST_DEVICE Philox4 philox4x32(Philox4 counter, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    counter = philox_round(counter, key);
    key = philox_next_key(key);
  }
  return counter;
}

}  // namespace infogan_fast
