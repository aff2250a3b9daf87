#pragma once

// The loops of batch normalisation over rows [count, channels], for some of the rows and some of the channels.

#include <cstdint>

#include "../kernel/precision.h"
#include "simd.h"

namespace infogan_fast {

struct Block {
  int64_t first_row, last_row;
  int64_t first, last;  // channels
  int64_t channels;     // from one row to the next
};

// output = leaky_relu((input - mean) * scale + shift), per channel. Of what is float64 that is float64 too, and else
// float32: bfloat16 rows have statistics in float32.
template <typename Value>
struct Normalisation {
  const Value* mean;
  const Value* scale;
  const Value* shift;
  Value slope;
};

// Of each column, the mean distance from origin, a row nearby, and the sum of squared distances from the mean. Added up
// row by row, so for some hundred rows at most; the origin keeps the digits of columns that are far from 0.
template <typename T>
INFOGAN_SIMD inline void column_moments(
    const Block& block,
    const T* origin,
    const T* input,
    accumulate_t<T>* __restrict mean,
    accumulate_t<T>* __restrict squares) {
  using Value = accumulate_t<T>;
  for (int64_t c = block.first; c < block.last; ++c) {
    mean[c] = Value(0);
    squares[c] = Value(0);
  }
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      mean[c] += static_cast<Value>(values[c]) - static_cast<Value>(origin[c]);
    }
  }
  const Value scale = Value(1) / static_cast<Value>(block.last_row - block.first_row);
  for (int64_t c = block.first; c < block.last; ++c) {
    mean[c] *= scale;
  }
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      const Value distance = static_cast<Value>(values[c]) - static_cast<Value>(origin[c]) - mean[c];
      squares[c] += distance * distance;
    }
  }
}

template <typename T>
INFOGAN_SIMD inline void normalise(
    const Block& block, const Normalisation<accumulate_t<T>>& by, const T* input, T* __restrict output) {
  using Value = accumulate_t<T>;
  const Value* mean = by.mean;
  const Value* scale = by.scale;
  const Value* shift = by.shift;
  const Value slope = by.slope;
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    T* out = output + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      const Value value = (static_cast<Value>(values[c]) - mean[c]) * scale[c] + shift[c];
      out[c] = static_cast<T>(value > Value(0) ? value : value * slope);
    }
  }
}

// Sums over the rows of the gradient before the leaky ReLU, and of its product with the distance from the mean.
template <typename T>
INFOGAN_SIMD inline void gradient_sums(
    const Block& block,
    const Normalisation<accumulate_t<T>>& by,
    const T* grad,
    const T* input,
    accumulate_t<T>* __restrict sum,
    accumulate_t<T>* __restrict product) {
  using Value = accumulate_t<T>;
  const Value* mean = by.mean;
  const Value* scale = by.scale;
  const Value* shift = by.shift;
  const Value slope = by.slope;
  for (int64_t c = block.first; c < block.last; ++c) {
    sum[c] = Value(0);
    product[c] = Value(0);
  }
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    const T* after = grad + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      const Value distance = static_cast<Value>(values[c]) - mean[c];
      const Value grad_after = static_cast<Value>(after[c]);
      const Value before = distance * scale[c] + shift[c] > Value(0) ? grad_after : grad_after * slope;
      sum[c] += before;
      product[c] += before * distance;
    }
  }
}

// grad_input = scale * (before - offset - distance * slant): offset and slant are the means that the gradient of the
// statistics takes away.
template <typename T>
INFOGAN_SIMD inline void gradient_of_input(
    const Block& block,
    const Normalisation<accumulate_t<T>>& by,
    const accumulate_t<T>* offset,
    const accumulate_t<T>* slant,
    const T* grad,
    const T* input,
    T* __restrict grad_input) {
  using Value = accumulate_t<T>;
  const Value* mean = by.mean;
  const Value* scale = by.scale;
  const Value* shift = by.shift;
  const Value slope = by.slope;
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    const T* after = grad + row * block.channels;
    T* out = grad_input + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      const Value distance = static_cast<Value>(values[c]) - mean[c];
      const Value grad_after = static_cast<Value>(after[c]);
      const Value before = distance * scale[c] + shift[c] > Value(0) ? grad_after : grad_after * slope;
      out[c] = static_cast<T>(scale[c] * (before - offset[c] - distance * slant[c]));
    }
  }
}

}  // namespace infogan_fast
