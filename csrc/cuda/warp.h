#pragma once

#include "device.h"

// Reductions over the lanes of a warp, in which all of its threads take part. The order of the additions is fixed, so
// the result is the same to the bit on every run, and the same in every lane.

namespace infogan_fast::cuda {

// Over groups of `lanes` neighbouring lanes, a power of two.
template <typename T>
__device__ __forceinline__ T group_max(T value, int lanes) {
  for (int offset = lanes / 2; offset > 0; offset /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, offset);
    value = other > value ? other : value;
  }
  return value;
}

template <typename T>
__device__ __forceinline__ T group_sum(T value, int lanes) {
  for (int offset = lanes / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, offset);
  }
  return value;
}

// Over the lanes of the same number in each group of `lanes`.
template <typename T>
__device__ __forceinline__ T sum_over_groups(T value, int lanes) {
  for (int offset = kWarp / 2; offset >= lanes; offset /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, offset);
  }
  return value;
}

}  // namespace infogan_fast::cuda
