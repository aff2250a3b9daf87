#pragma once

// How the rows of a batch normalisation are cut into blocks for threads, without torch: at::parallel_for, or another
// function of the same form, is given by the caller.

#include <algorithm>
#include <cstdint>

#include "batch_norm_columns.h"
#include "simd.h"

namespace infogan_fast {

// Rows [count, channels] in groups of equal size. The statistics of a block of rows are taken at once, and so many
// columns are worked on at once that the rows stay in the cache.
struct NormalisedRows {
  static constexpr int64_t kBlockRows = 128;
  static constexpr int64_t kBlockColumns = 512;
  static constexpr int64_t kElementsPerTask = 131072;

  int64_t groups, per_group, channels;

  int64_t row_blocks() const { return (per_group + kBlockRows - 1) / kBlockRows; }
  int64_t column_blocks() const { return (channels + kBlockColumns - 1) / kBlockColumns; }
  int64_t blocks() const { return groups * row_blocks() * column_blocks(); }
  template <typename T>
  const T* origin(const T* input, int64_t group) const {
    return input + group * per_group * channels;
  }

  // Calls body(group, row block, block) for every block, those of a thread in order; no two of them have an element in
  // common, nor a channel of one group's row block.
  template <typename ParallelFor, typename Body>
  void for_each_block(const ParallelFor& parallel_for, const Body& body) const {
    const int64_t elements = std::min(per_group, kBlockRows) * std::min(channels, kBlockColumns);
    const int64_t grain = std::max<int64_t>(1, kElementsPerTask / std::max<int64_t>(1, elements));
    parallel_for(int64_t(0), blocks(), grain, [&](int64_t begin, int64_t end) {
      with_simd([&]() INFOGAN_SIMD {
        for (int64_t index = begin; index < end; ++index) {
          const int64_t row_block = index / column_blocks() % row_blocks();
          const int64_t group = index / column_blocks() / row_blocks();
          const int64_t column = index % column_blocks() * kBlockColumns;
          const int64_t first = group * per_group + row_block * kBlockRows;
          body(
              group,
              row_block,
              Block{
                  first,
                  std::min(first + kBlockRows, (group + 1) * per_group),
                  column,
                  std::min(column + kBlockColumns, channels),
                  channels});
        }
      });
    });
  }
};

}  // namespace infogan_fast
