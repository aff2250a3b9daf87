#pragma once

// The patches that a convolution with a 4x4 kernel, stride 2 and padding 1 sees, and the way back. Images are
// [height, width, channels] with even sides; the patches of one are [height / 2, width / 2, 4, 4, channels], with zeros
// where they reach over the edge.

#include <algorithm>
#include <cstdint>

#include "../kernel/precision.h"
#include "simd.h"

namespace infogan_fast {

struct ImageSize {
  int64_t height, width, channels;

  int64_t elements() const { return height * width * channels; }
  int64_t patches() const { return (height / 2) * (width / 2); }
  int64_t patch_elements() const { return 16 * channels; }
};

// Calls each(pixel, element, count) for every run of neighbouring elements that a patch shares with the image, and
// outside(element, count) for those that lie outside of it: element counts from the patches' beginning, pixel from the
// image's. A number of channels that is known at compile time, kChannels > 0, makes the counts constants.
template <int64_t kChannels, typename Each, typename Outside>
INFOGAN_SIMD inline void for_each_run(const ImageSize& size, const Each& each, const Outside& outside) {
  const int64_t channels = kChannels > 0 ? kChannels : size.channels;
  const int64_t columns = size.width / 2;
  const int64_t row = size.width * channels;
  for (int64_t y = 0; y < size.height / 2; ++y) {
    for (int64_t kernel_y = 0; kernel_y < 4; ++kernel_y) {
      const int64_t image_y = 2 * y - 1 + kernel_y;
      int64_t element = (y * columns * 4 + kernel_y) * 4 * channels;
      if (image_y < 0 || image_y >= size.height) {
        for (int64_t x = 0; x < columns; ++x, element += 16 * channels) {
          outside(element, 4 * channels);
        }
        continue;
      }
      const int64_t begin = image_y * row;
      outside(element, channels);  // to the left of the first column
      if (columns == 1) {
        each(begin, element + channels, 2 * channels);
      } else {
        each(begin, element + channels, 3 * channels);
        for (int64_t x = 1; x < columns - 1; ++x) {
          each(begin + (2 * x - 1) * channels, element + x * 16 * channels, 4 * channels);
        }
        element += (columns - 1) * 16 * channels;
        each(begin + row - 3 * channels, element, 3 * channels);
      }
      outside(element + 3 * channels, channels);
    }
  }
}

template <int64_t kChannels, typename T>
INFOGAN_SIMD inline void gather_runs(const ImageSize& size, const T* image, T* patches) {
  const auto copy = [&](int64_t pixel, int64_t element, int64_t count) INFOGAN_SIMD {
    for (int64_t i = 0; i < count; ++i) {
      patches[element + i] = image[pixel + i];
    }
  };
  const auto clear = [&](int64_t element, int64_t count) INFOGAN_SIMD {
    for (int64_t i = 0; i < count; ++i) {
      patches[element + i] = T(0);
    }
  };
  for_each_run<kChannels>(size, copy, clear);
}

template <int64_t kChannels, typename T>
INFOGAN_SIMD inline void scatter_runs(const ImageSize& size, const T* patches, accumulate_t<T>* image) {
  const auto add = [&](int64_t pixel, int64_t element, int64_t count) INFOGAN_SIMD {
    for (int64_t i = 0; i < count; ++i) {
      image[pixel + i] += static_cast<accumulate_t<T>>(patches[element + i]);
    }
  };
  std::fill(image, image + size.elements(), accumulate_t<T>(0));
  for_each_run<kChannels>(size, add, [](int64_t, int64_t) INFOGAN_SIMD {});
}

// The patches of one image.
template <typename T>
INFOGAN_SIMD inline void gather_patches(const ImageSize& size, const T* image, T* patches) {
  if (size.channels == 1) {
    gather_runs<1>(size, image, patches);
  } else {
    gather_runs<0>(size, image, patches);
  }
}

// The adjoint: every pixel becomes the sum of the patches' elements that lie on it.
template <typename T>
INFOGAN_SIMD inline void scatter_patches(const ImageSize& size, const T* patches, accumulate_t<T>* image) {
  if (size.channels == 1) {
    scatter_runs<1>(size, patches, image);
  } else {
    scatter_runs<0>(size, patches, image);
  }
}

// rows = leaky_relu(rows + bias) for rows [count, channels]; a bias that is null is 0.
template <typename T>
INFOGAN_SIMD inline void add_bias(
    T* rows, const accumulate_t<T>* bias, int64_t count, int64_t channels, accumulate_t<T> negative_slope) {
  using Value = accumulate_t<T>;
  if (bias == nullptr && negative_slope == Value(1)) {
    return;
  }
  for (int64_t row = 0; row < count; ++row) {
    T* __restrict values = rows + row * channels;
    if (bias != nullptr) {
      for (int64_t channel = 0; channel < channels; ++channel) {
        const Value value = static_cast<Value>(values[channel]) + bias[channel];
        values[channel] = static_cast<T>(value > Value(0) ? value : value * negative_slope);
      }
    } else {
      for (int64_t channel = 0; channel < channels; ++channel) {
        const Value value = static_cast<Value>(values[channel]);
        values[channel] = static_cast<T>(value > Value(0) ? value : value * negative_slope);
      }
    }
  }
}

// The gradient before a leaky ReLU, whose input has the sign of its output.
template <typename T>
INFOGAN_SIMD inline void leaky_relu_backward(
    const T* grad, const T* output, int64_t count, accumulate_t<T> negative_slope, T* __restrict before) {
  using Value = accumulate_t<T>;
  for (int64_t i = 0; i < count; ++i) {
    const Value after = static_cast<Value>(grad[i]);
    before[i] = static_cast<T>(static_cast<Value>(output[i]) > Value(0) ? after : after * negative_slope);
  }
}

// sum += the sum of rows [count, channels], of which there may be many thousands
template <typename T>
INFOGAN_SIMD inline void add_rows(const T* rows, int64_t count, int64_t channels, double* __restrict sum) {
  for (int64_t row = 0; row < count; ++row) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      sum[channel] += static_cast<double>(rows[row * channels + channel]);
    }
  }
}

}  // namespace infogan_fast
