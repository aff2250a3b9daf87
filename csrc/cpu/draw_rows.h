#pragma once

// Draws of kernel/latent_draw.h for many rows at once: one row per lane, the same bits as row by row.

#include <algorithm>
#include <cstdint>

#include "../kernel/latent_draw.h"
#include "../kernel/latent_layout.h"
#include "lanes.h"
#include "simd.h"

namespace infogan_fast {

// Random words of kLanes consecutive rows.
struct LaneWords {
  uint32_t word[4][kLanes];

  INFOGAN_SIMD Philox4 at(int64_t lane) const { return {{word[0][lane], word[1][lane], word[2][lane], word[3][lane]}}; }
  INFOGAN_SIMD void set(int64_t lane, Philox4 value) {
    for (int i = 0; i < 4; ++i) {
      word[i][lane] = value.word[i];
    }
  }
};

// draw_block of rows first_row ... first_row + kLanes - 1.
INFOGAN_SIMD inline void draw_block_lanes(
    const LatentStream& stream, int64_t first_row, Domain domain, int64_t block, LaneWords& words) {
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    words.set(lane, block_counter(stream, static_cast<uint64_t>(first_row) + lane, domain, block));
  }
  PhiloxKey key = stream.key;
  for (int round = 0; round < kPhiloxRounds; ++round) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      words.set(lane, philox_round(words.at(lane), key));
    }
    key = philox_next_key(key);
  }
}

// reals_from_words in every lane; a loop without branches for each prior.
INFOGAN_SIMD inline void reals_from_lanes(
    const LaneWords& words, Prior prior, float (&values)[kRealsPerBlock][kLanes]) {
  if (prior == Prior::kNormal) {
    for (int64_t i = 0; i < kRealsPerBlock; i += 2) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        const NormalPair pair = normal_from_words(words.word[i][lane], words.word[i + 1][lane]);
        values[i][lane] = pair.first;
        values[i + 1][lane] = pair.second;
      }
    }
  } else {
    for (int64_t i = 0; i < kRealsPerBlock; ++i) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        values[i][lane] = uniform_from_word(words.word[i][lane]);
      }
    }
  }
}

// Calls store(row, column, value) for the first `count` real variables of rows 0 ... rows - 1, row 0 being first_row of
// the stream.
template <typename Store>
INFOGAN_SIMD inline void draw_real_rows(
    const LatentStream& stream,
    int64_t first_row,
    int64_t rows,
    Domain domain,
    Prior prior,
    int64_t count,
    const Store& store) {
  LaneWords words;
  float values[kRealsPerBlock][kLanes];
  for (int64_t begin = 0; begin < rows; begin += kLanes) {
    const int64_t lanes = std::min(kLanes, rows - begin);
    for (int64_t column = 0; column < count; column += kRealsPerBlock) {
      draw_block_lanes(stream, first_row + begin, domain, column / kRealsPerBlock, words);
      reals_from_lanes(words, prior, values);
      const int64_t columns = std::min(kRealsPerBlock, count - column);
      for (int64_t lane = 0; lane < lanes; ++lane) {
        for (int64_t i = 0; i < columns; ++i) {
          store(begin + lane, column + i, values[i][lane]);
        }
      }
    }
  }
}

// Calls store(row, code, category) for every categorical code of rows 0 ... rows - 1.
template <typename Store>
INFOGAN_SIMD inline void draw_categorical_rows(
    const LatentStream& stream, int64_t first_row, int64_t rows, const LatentLayout& layout, const Store& store) {
  LaneWords words;
  for (int64_t begin = 0; begin < rows; begin += kLanes) {
    const int64_t lanes = std::min(kLanes, rows - begin);
    for (int64_t code = 0; code < layout.categorical; ++code) {
      if (code % kCategoricalsPerBlock == 0) {
        draw_block_lanes(stream, first_row + begin, Domain::kCategorical, code / kCategoricalsPerBlock, words);
      }
      for (int64_t lane = 0; lane < lanes; ++lane) {
        store(begin + lane, code, category_from_words(words.at(lane), code, layout.cardinalities[code]));
      }
    }
  }
}

}  // namespace infogan_fast
