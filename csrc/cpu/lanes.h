#pragma once

// Reductions over a row in a fixed number of lanes: vector code whose bits do not depend on the vector's width.

#include <algorithm>
#include <cstdint>

#include "../kernel/compensated_sum.h"
#include "simd.h"

namespace infogan_fast {

constexpr int64_t kLanes = 16;

// The largest of count >= 1 values.
template <typename acc_t>
INFOGAN_SIMD inline acc_t largest(const acc_t* values, int64_t count) {
  acc_t max = values[0];
  int64_t j = 0;
  if (count >= kLanes) {
    acc_t lanes[kLanes];
    std::copy(values, values + kLanes, lanes);
    for (j = kLanes; j + kLanes <= count; j += kLanes) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        lanes[lane] = values[j + lane] > lanes[lane] ? values[j + lane] : lanes[lane];
      }
    }
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      max = lanes[lane] > max ? lanes[lane] : max;
    }
  }
  for (; j < count; ++j) {
    max = values[j] > max ? values[j] : max;
  }
  return max;
}

// The sum of count values, added in lanes and blocks so that rounding errors do not grow with the count.
template <typename acc_t>
INFOGAN_SIMD inline acc_t total(const acc_t* values, int64_t count) {
  constexpr int64_t kBlock = 32 * kLanes;
  if (count < kLanes) {
    acc_t sum = 0;
    for (int64_t j = 0; j < count; ++j) {
      sum += values[j];
    }
    return sum;
  }
  CompensatedSum sum;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = std::min(count, begin + kBlock);
    acc_t lanes[kLanes] = {};
    int64_t j = begin;
    for (; j + kLanes <= end; j += kLanes) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        lanes[lane] += values[j + lane];
      }
    }
    for (int64_t lane = 0; j < end; ++j, ++lane) {
      lanes[lane] += values[j];
    }
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
      for (int64_t lane = 0; lane < half; ++lane) {
        lanes[lane] += lanes[lane + half];
      }
    }
    sum.add(lanes[0]);
  }
  return static_cast<acc_t>(sum.sum);
}

}  // namespace infogan_fast
