#pragma once

// The loops of batch normalisation over rows [count, channels], for some of the rows and some of the channels.

#include <cstdint>

#include "simd.h"

namespace infogan_fast {

struct Block {
  int64_t first_row, last_row;
  int64_t first, last;  // channels
  int64_t channels;     // from one row to the next
};

// output = leaky_relu((input - mean) * scale + shift), per channel.
template <typename T>
struct Normalisation {
  const T* mean;
  const T* scale;
  const T* shift;
  T slope;
};

// Of each column, the mean distance from origin, a row nearby, and the sum of squared distances from the mean. Added up
// row by row, so for some hundred rows at most; the origin keeps the digits of columns that are far from 0.
template <typename T>
INFOGAN_SIMD inline void column_moments(
    const Block& block, const T* origin, const T* input, T* __restrict mean, T* __restrict squares) {
  for (int64_t c = block.first; c < block.last; ++c) {
    mean[c] = T(0);
    squares[c] = T(0);
  }
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      mean[c] += values[c] - origin[c];
    }
  }
  const T scale = T(1) / static_cast<T>(block.last_row - block.first_row);
  for (int64_t c = block.first; c < block.last; ++c) {
    mean[c] *= scale;
  }
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      const T distance = values[c] - origin[c] - mean[c];
      squares[c] += distance * distance;
    }
  }
}

template <typename T>
INFOGAN_SIMD inline void normalise(
    const Block& block, const Normalisation<T>& by, const T* input, T* __restrict output) {
  const T* mean = by.mean;
  const T* scale = by.scale;
  const T* shift = by.shift;
  const T slope = by.slope;
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    T* out = output + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      const T value = (values[c] - mean[c]) * scale[c] + shift[c];
      out[c] = value > T(0) ? value : value * slope;
    }
  }
}

// Sums over the rows of the gradient before the leaky ReLU, and of its product with the distance from the mean.
template <typename T>
INFOGAN_SIMD inline void gradient_sums(
    const Block& block,
    const Normalisation<T>& by,
    const T* grad,
    const T* input,
    T* __restrict sum,
    T* __restrict product) {
  const T* mean = by.mean;
  const T* scale = by.scale;
  const T* shift = by.shift;
  const T slope = by.slope;
  for (int64_t c = block.first; c < block.last; ++c) {
    sum[c] = T(0);
    product[c] = T(0);
  }
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    const T* after = grad + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      const T distance = values[c] - mean[c];
      const T before = distance * scale[c] + shift[c] > T(0) ? after[c] : after[c] * slope;
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
    const Normalisation<T>& by,
    const T* offset,
    const T* slant,
    const T* grad,
    const T* input,
    T* __restrict grad_input) {
  const T* mean = by.mean;
  const T* scale = by.scale;
  const T* shift = by.shift;
  const T slope = by.slope;
  for (int64_t row = block.first_row; row < block.last_row; ++row) {
    const T* values = input + row * block.channels;
    const T* after = grad + row * block.channels;
    T* out = grad_input + row * block.channels;
    for (int64_t c = block.first; c < block.last; ++c) {
      const T distance = values[c] - mean[c];
      const T before = distance * scale[c] + shift[c] > T(0) ? after[c] : after[c] * slope;
      out[c] = scale[c] * (before - offset[c] - distance * slant[c]);
    }
  }
}

}  // namespace infogan_fast
