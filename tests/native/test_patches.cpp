// The patches of an image against their definition, the way back as its adjoint, and the loops over rows.

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "check.h"
#include "cpu/patches.h"
#include "kernel/half.h"

using namespace infogan_fast;

namespace {

const std::vector<ImageSize> kSizes = {
    {2, 2, 1},
    {2, 2, 3},
    {2, 4, 1},
    {4, 2, 5},
    {2, 6, 2},
    {6, 4, 1},
    {8, 8, 16},
    {14, 14, 7},
    {28, 28, 1},
    {4, 28, 33}};

template <typename T>
std::vector<T> random(int64_t count, bool whole = false) {
  static std::mt19937 generator(1);
  std::normal_distribution<double> normal;
  std::vector<T> values(count);
  for (T& value : values) {
    const double drawn = normal(generator);
    value = static_cast<T>(whole ? std::round(4.0 * drawn) : drawn);
  }
  return values;
}

// The pixel that an element of a patch is, or -1 outside of the image.
int64_t pixel_of(const ImageSize& size, int64_t element) {
  const int64_t channel = element % size.channels;
  const int64_t kernel_x = element / size.channels % 4, kernel_y = element / size.channels / 4 % 4;
  const int64_t patch = element / size.patch_elements();
  const int64_t y = patch / (size.width / 2) * 2 - 1 + kernel_y, x = patch % (size.width / 2) * 2 - 1 + kernel_x;
  const bool inside = y >= 0 && y < size.height && x >= 0 && x < size.width;
  return inside ? (y * size.width + x) * size.channels + channel : -1;
}

template <typename T>
void check_gather() {
  for (const ImageSize& size : kSizes) {
    const std::vector<T> image = random<T>(size.elements());
    std::vector<T> patches(size.patches() * size.patch_elements(), std::nan(""));
    with_simd([&]() INFOGAN_SIMD { gather_patches(size, image.data(), patches.data()); });
    for (int64_t i = 0; i < static_cast<int64_t>(patches.size()); ++i) {
      const int64_t pixel = pixel_of(size, i);
      CHECK_EQUAL(patches[i], pixel < 0 ? T(0) : image[pixel]);
    }
  }
}

// <gather(image), patches> = <image, scatter(patches)>, exactly, since everything is a whole number.
template <typename T>
void check_scatter() {
  for (const ImageSize& size : kSizes) {
    const std::vector<T> image = random<T>(size.elements(), true);
    const std::vector<T> patches = random<T>(size.patches() * size.patch_elements(), true);
    std::vector<T> gathered(patches.size()), scattered(image.size(), std::nan(""));
    with_simd([&]() INFOGAN_SIMD {
      gather_patches(size, image.data(), gathered.data());
      scatter_patches(size, patches.data(), scattered.data());
    });
    double left = 0.0, right = 0.0;
    for (size_t i = 0; i < patches.size(); ++i) {
      left += double(gathered[i]) * patches[i];
    }
    for (size_t i = 0; i < image.size(); ++i) {
      right += double(image[i]) * scattered[i];
    }
    CHECK_EQUAL(left, right);

    std::vector<T> expected(image.size(), T(0));
    for (int64_t i = 0; i < static_cast<int64_t>(patches.size()); ++i) {
      if (const int64_t pixel = pixel_of(size, i); pixel >= 0) {
        expected[pixel] += patches[i];
      }
    }
    for (size_t i = 0; i < image.size(); ++i) {
      CHECK_EQUAL(scattered[i], expected[i]);
    }
  }
}

template <typename T>
void check_bias() {
  for (const int64_t channels : {1, 3, 16, 33}) {
    for (const T slope : {T(1), T(0.25), T(0)}) {
      for (const bool with_bias : {true, false}) {
        const std::vector<T> rows = random<T>(9 * channels), bias = random<T>(channels);
        std::vector<T> output = rows, back(rows.size(), std::nan(""));
        const std::vector<T> grad = random<T>(rows.size());
        with_simd([&]() INFOGAN_SIMD {
          add_bias(output.data(), with_bias ? bias.data() : nullptr, 9, channels, slope);
          leaky_relu_backward(grad.data(), output.data(), rows.size(), slope, back.data());
        });
        for (size_t i = 0; i < rows.size(); ++i) {
          const T before = rows[i] + (with_bias ? bias[i % channels] : T(0));
          CHECK_EQUAL(output[i], before > T(0) ? before : before * slope);
          CHECK_EQUAL(back[i], before > T(0) ? grad[i] : grad[i] * slope);
        }
      }
    }
  }
}

template <typename T>
void check_row_sums() {
  for (const int64_t channels : {1, 3, 16, 33}) {
    for (const int64_t count : {0, 1, 7, 5000}) {
      const std::vector<T> rows = random<T>(count * channels);
      std::vector<double> sum(channels, 1.0);  // added to
      with_simd([&]() INFOGAN_SIMD { add_rows(rows.data(), count, channels, sum.data()); });
      for (int64_t channel = 0; channel < channels; ++channel) {
        long double expected = 1.0L;
        for (int64_t row = 0; row < count; ++row) {
          expected += rows[row * channels + channel];
        }
        CHECK_NEAR(sum[channel], expected, 1e-15 * double(count));
      }
    }
  }
}

}  // namespace

TEST(gather_is_its_definition) {
  check_gather<float>();
  check_gather<double>();
}

TEST(scatter_is_the_adjoint) {
  check_scatter<float>();
  check_scatter<double>();
}

TEST(bias_and_leaky_relu) {
  check_bias<float>();
  check_bias<double>();
}

TEST(bfloat16_is_computed_in_float32) {
  const int64_t channels = 33, count = 9;
  const std::vector<float> wide = random<float>(count * channels), bias = random<float>(channels);
  std::vector<BFloat16> rows(wide.begin(), wide.end()), back(rows.size());
  const std::vector<BFloat16> before = rows, grad(wide.rbegin(), wide.rend());
  with_simd([&]() INFOGAN_SIMD {
    add_bias(rows.data(), bias.data(), count, channels, 0.3f);
    leaky_relu_backward(grad.data(), rows.data(), rows.size(), 0.3f, back.data());
  });
  for (size_t i = 0; i < rows.size(); ++i) {
    const float value = static_cast<float>(before[i]) + bias[i % channels];
    CHECK_EQUAL(rows[i].bits, BFloat16(value > 0.0f ? value : value * 0.3f).bits);
    const float after = static_cast<float>(grad[i]);
    CHECK_EQUAL(back[i].bits, BFloat16(value > 0.0f ? after : after * 0.3f).bits);
  }
}

TEST(bfloat16_patches_are_summed_in_float32) {
  for (const ImageSize& size : kSizes) {
    const std::vector<float> wide = random<float>(size.patches() * size.patch_elements());
    const std::vector<BFloat16> patches(wide.begin(), wide.end());
    const std::vector<float> same(patches.begin(), patches.end());
    std::vector<float> sums(size.elements(), -1.0f), expected(size.elements(), -1.0f);
    with_simd([&]() INFOGAN_SIMD {
      scatter_patches(size, patches.data(), sums.data());
      scatter_patches(size, same.data(), expected.data());
    });
    for (int64_t i = 0; i < size.elements(); ++i) {
      CHECK_EQUAL(sums[i], expected[i]);
    }
    std::vector<BFloat16> gathered(patches.size());
    const std::vector<BFloat16> image(expected.begin(), expected.end());
    with_simd([&]() INFOGAN_SIMD { gather_patches(size, image.data(), gathered.data()); });
    for (int64_t i = 0; i < static_cast<int64_t>(gathered.size()); ++i) {
      const int64_t pixel = pixel_of(size, i);
      CHECK_EQUAL(gathered[i].bits, pixel < 0 ? uint16_t(0) : image[pixel].bits);
    }
  }
}

TEST(nan_passes_the_leaky_relu) {
  std::vector<float> rows = {std::nanf(""), -1.0f, 2.0f};
  const std::vector<float> grad = {1.0f, 1.0f, 1.0f};
  std::vector<float> back(3);
  with_simd([&]() INFOGAN_SIMD {
    add_bias<float>(rows.data(), nullptr, 3, 1, 0.0f);
    leaky_relu_backward(grad.data(), rows.data(), 3, 0.5f, back.data());
  });
  CHECK(std::isnan(rows[0]));
  CHECK_EQUAL(rows[1], 0.0f);
  CHECK_EQUAL(rows[2], 2.0f);
  CHECK_EQUAL(back[0], 0.5f);
}

TEST(rows_are_added_in_float64) {
  check_row_sums<float>();
  check_row_sums<double>();
}
