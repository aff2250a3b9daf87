#pragma once

#include <algorithm>
#include <cstdint>

#include "lanes.h"
#include "simd.h"

// Between rows as they lie in memory and one row per lane.

namespace infogan_fast {

// target[j * target_stride + i] = source[i * source_stride + j] for i, j in [0, 4).
template <typename T>
INFOGAN_SIMD inline void transpose_4x4(const T* source, int64_t source_stride, T* target, int64_t target_stride) {
#if defined(__GNUC__)
  if constexpr (sizeof(T) == 4) {
    // 16 bytes: the vectors that every instruction set shuffles in one instruction.
    typedef T Vector __attribute__((vector_size(16), aligned(4), may_alias));
    const Vector a = *reinterpret_cast<const Vector*>(source);
    const Vector b = *reinterpret_cast<const Vector*>(source + source_stride);
    const Vector c = *reinterpret_cast<const Vector*>(source + 2 * source_stride);
    const Vector d = *reinterpret_cast<const Vector*>(source + 3 * source_stride);
    const Vector ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Vector ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Vector cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Vector cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *reinterpret_cast<Vector*>(target) = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *reinterpret_cast<Vector*>(target + target_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *reinterpret_cast<Vector*>(target + 2 * target_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *reinterpret_cast<Vector*>(target + 3 * target_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
    return;
  }
#endif
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 4; ++j) {
      target[j * target_stride + i] = source[i * source_stride + j];
    }
  }
}

// tile[j * kLanes + lane] = rows[lane * stride + j] for j in [0, columns).
template <typename T>
INFOGAN_SIMD inline void rows_to_lanes(const T* rows, int64_t stride, int64_t columns, T* tile) {
  if (columns < 4) {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        tile[j * kLanes + lane] = rows[lane * stride + j];
      }
    }
    return;
  }
  for (int64_t next = 0; next < columns; next += 4) {
    const int64_t j = std::min(next, columns - 4);  // the last four overlap with those before
    for (int64_t lane = 0; lane < kLanes; lane += 4) {
      transpose_4x4(rows + lane * stride + j, stride, tile + j * kLanes + lane, kLanes);
    }
  }
}

// rows[lane * stride + j] = tile[j * kLanes + lane] for j in [0, columns).
template <typename T>
INFOGAN_SIMD inline void lanes_to_rows(const T* tile, int64_t columns, T* rows, int64_t stride) {
  if (columns < 4) {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        rows[lane * stride + j] = tile[j * kLanes + lane];
      }
    }
    return;
  }
  for (int64_t next = 0; next < columns; next += 4) {
    const int64_t j = std::min(next, columns - 4);
    for (int64_t lane = 0; lane < kLanes; lane += 4) {
      transpose_4x4(tile + j * kLanes + lane, kLanes, rows + lane * stride + j, stride);
    }
  }
}

}  // namespace infogan_fast
