#pragma once

// Draws of kernel/latent_draw.h for many rows at once: one row per lane, the same bits as row by row.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "../kernel/latent_draw.h"
#include "../kernel/latent_layout.h"
#include "lanes.h"
#include "philox_lanes.h"
#include "simd.h"
#include "transpose.h"

namespace infogan_fast {

// draw_block of rows first_row ... first_row + kLanes - 1.
INFOGAN_SIMD inline void draw_block_lanes(
    const LatentStream& stream, int64_t first_row, Domain domain, int64_t block, LaneWords& words) {
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    words.set(lane, block_counter(stream, static_cast<uint64_t>(first_row) + lane, domain, block));
  }
  philox_lanes(words, stream.key);
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

// Up to kRealsPerBlock columns of up to kLanes rows of real variables, as they are drawn.
struct RealBlock {
  int64_t row;  // counted from the first row drawn
  int64_t rows;
  int64_t column;
  int64_t columns;
  float values[kRealsPerBlock][kLanes];

  // target[i * stride + j] = the variable of row i and column j of the block.
  template <typename T>
  INFOGAN_SIMD void store(T* target, int64_t stride) const {
    if constexpr (std::is_same_v<T, float>) {
      if (rows == kLanes && columns == kRealsPerBlock) {
        lanes_to_rows(&values[0][0], kRealsPerBlock, target, stride);
        return;
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        target[i * stride + j] = static_cast<T>(values[j][i]);
      }
    }
  }
};

// Calls store(block) for the first `count` real variables of rows 0 ... rows - 1, row 0 being first_row of the stream.
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
  RealBlock block;
  for (block.row = 0; block.row < rows; block.row += kLanes) {
    block.rows = std::min(kLanes, rows - block.row);
    for (block.column = 0; block.column < count; block.column += kRealsPerBlock) {
      block.columns = std::min(kRealsPerBlock, count - block.column);
      draw_block_lanes(stream, first_row + block.row, domain, block.column / kRealsPerBlock, words);
      reals_from_lanes(words, prior, block.values);
      store(block);
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
