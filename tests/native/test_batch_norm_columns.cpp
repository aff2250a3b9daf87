// The loops of batch normalisation against the same in long double; what lies outside of the block stays as it was.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "cpu/batch_norm_columns.h"
#include "kernel/half.h"

using namespace infogan_fast;

namespace {

// Of rows 2 to 2 + rows, a range of channels.
struct Case {
  int64_t rows, channels, first, last;

  Block block() const { return {2, 2 + rows, first, last, channels}; }
  int64_t elements() const { return (rows + 3) * channels; }
  bool has(int64_t i) const {
    return i / channels >= 2 && i / channels < 2 + rows && i % channels >= first && i % channels < last;
  }
};

const std::vector<Case> kCases = {{1, 1, 0, 1}, {2, 3, 0, 3}, {7, 5, 1, 4}, {128, 1, 0, 1}, {128, 40, 3, 37}};

template <typename T>
std::vector<T> random(int64_t count, double offset = 0.0) {
  static std::mt19937 generator(2);
  std::normal_distribution<double> normal(offset, 1.0);
  std::vector<T> values(count);
  for (T& value : values) {
    value = static_cast<T>(normal(generator));
  }
  return values;
}

// A number that no result is, for what must not be written.
template <typename T>
constexpr T kUntouched = T(-12345);

template <typename T>
constexpr double kEps = std::numeric_limits<T>::epsilon();

template <typename T>
void check_moments(double offset) {
  for (const Case& c : kCases) {
    const std::vector<T> input = random<T>(c.elements(), offset);
    const T* origin = input.data() + c.channels;  // a row that is not one of the block's
    std::vector<T> mean(c.channels, kUntouched<T>), squares(c.channels, kUntouched<T>);
    with_simd([&]() INFOGAN_SIMD { column_moments(c.block(), origin, input.data(), mean.data(), squares.data()); });
    for (int64_t channel = 0; channel < c.channels; ++channel) {
      if (channel < c.first || channel >= c.last) {
        CHECK_EQUAL(mean[channel], kUntouched<T>);
        CHECK_EQUAL(squares[channel], kUntouched<T>);
        continue;
      }
      const T* column = input.data() + 2 * c.channels + channel;
      long double sum = 0.0L, squared = 0.0L;
      for (int64_t row = 0; row < c.rows; ++row) {
        sum += (long double)(column[row * c.channels]) - origin[channel];
      }
      for (int64_t row = 0; row < c.rows; ++row) {
        const long double distance = (long double)(column[row * c.channels]) - origin[channel] - sum / c.rows;
        squared += distance * distance;
      }
      // However far from 0: errors are those of sums of numbers of about 1.
      CHECK_NEAR(mean[channel], sum / c.rows, 20 * kEps<T>);
      CHECK_NEAR(squares[channel], squared, 20 * kEps<T> * double(squared + 1));
    }
  }
}

template <typename T>
void check_normalisation(T slope) {
  for (const Case& c : kCases) {
    const std::vector<T> input = random<T>(c.elements()), grad = random<T>(c.elements());
    const std::vector<T> mean = random<T>(c.channels), scale = random<T>(c.channels), shift = random<T>(c.channels);
    const std::vector<T> offset = random<T>(c.channels), slant = random<T>(c.channels);
    std::vector<T> output(c.elements(), kUntouched<T>), grad_input = output;
    std::vector<T> sum(c.channels, kUntouched<T>), product = sum;
    const Normalisation<T> by{mean.data(), scale.data(), shift.data(), slope};
    with_simd([&]() INFOGAN_SIMD {
      normalise(c.block(), by, input.data(), output.data());
      gradient_sums(c.block(), by, grad.data(), input.data(), sum.data(), product.data());
      gradient_of_input(c.block(), by, offset.data(), slant.data(), grad.data(), input.data(), grad_input.data());
    });
    std::vector<long double> sums(c.channels, 0.0L), products(c.channels, 0.0L);
    for (int64_t i = 0; i < c.elements(); ++i) {
      if (!c.has(i)) {
        CHECK_EQUAL(output[i], kUntouched<T>);
        CHECK_EQUAL(grad_input[i], kUntouched<T>);
        continue;
      }
      const int64_t channel = i % c.channels;
      const long double distance = (long double)(input[i]) - mean[channel];
      const long double value = distance * scale[channel] + shift[channel];
      CHECK_NEAR(output[i], value > 0 ? value : value * slope, 50 * kEps<T>);
      // The sign is that of the output, and rounded as that is.
      const long double before = output[i] > T(0) ? (long double)(grad[i]) : (long double)(grad[i]) * slope;
      CHECK_NEAR(grad_input[i], scale[channel] * (before - offset[channel] - distance * slant[channel]), 100 * kEps<T>);
      sums[channel] += before;
      products[channel] += before * distance;
    }
    for (int64_t channel = 0; channel < c.channels; ++channel) {
      const bool inside = channel >= c.first && channel < c.last;
      CHECK_NEAR(sum[channel], inside ? sums[channel] : kUntouched<T>, 200 * kEps<T>);
      CHECK_NEAR(product[channel], inside ? products[channel] : kUntouched<T>, 200 * kEps<T>);
    }
  }
}

}  // namespace

TEST(moments) {
  check_moments<float>(0.0);
  check_moments<double>(0.0);
}

TEST(moments_far_from_zero) {
  check_moments<float>(1e4);
  check_moments<double>(1e9);
}

TEST(normalisation_and_gradients) {
  for (const double slope : {1.0, 0.25, 0.1}) {
    check_normalisation<float>(static_cast<float>(slope));
    check_normalisation<double>(slope);
  }
}

TEST(bfloat16_rows_have_statistics_in_float32) {
  for (const Case& c : kCases) {
    const std::vector<float> wide = random<float>(c.elements()), wide_grad = random<float>(c.elements());
    const std::vector<BFloat16> input(wide.begin(), wide.end()), grad(wide_grad.begin(), wide_grad.end());
    const std::vector<float> same(input.begin(), input.end()), same_grad(grad.begin(), grad.end());
    const std::vector<float> scale = random<float>(c.channels), shift = random<float>(c.channels);
    std::vector<float> mean(c.channels), squares(c.channels), expected_mean = mean, expected_squares = mean;
    std::vector<BFloat16> output(c.elements(), BFloat16(0.0f)), grad_input = output;
    std::vector<float> expected(c.elements()), expected_grad = expected;
    std::vector<float> sum(c.channels), product = sum, expected_sum = sum, expected_product = sum;
    with_simd([&]() INFOGAN_SIMD {
      const Normalisation<float> by{mean.data(), scale.data(), shift.data(), 0.3f};
      column_moments(c.block(), input.data(), input.data(), mean.data(), squares.data());
      column_moments(c.block(), same.data(), same.data(), expected_mean.data(), expected_squares.data());
      normalise(c.block(), by, input.data(), output.data());
      normalise(c.block(), by, same.data(), expected.data());
      gradient_sums(c.block(), by, grad.data(), input.data(), sum.data(), product.data());
      gradient_sums(c.block(), by, same_grad.data(), same.data(), expected_sum.data(), expected_product.data());
      gradient_of_input(c.block(), by, sum.data(), product.data(), grad.data(), input.data(), grad_input.data());
      gradient_of_input(c.block(), by, sum.data(), product.data(), same_grad.data(), same.data(), expected_grad.data());
    });
    for (int64_t channel = 0; channel < c.channels; ++channel) {
      CHECK_EQUAL(mean[channel], expected_mean[channel]);
      CHECK_EQUAL(squares[channel], expected_squares[channel]);
      CHECK_EQUAL(sum[channel], expected_sum[channel]);
      CHECK_EQUAL(product[channel], expected_product[channel]);
    }
    for (int64_t i = 0; i < c.elements(); ++i) {
      CHECK_EQUAL(output[i].bits, BFloat16(expected[i]).bits);
      CHECK_EQUAL(grad_input[i].bits, BFloat16(expected_grad[i]).bits);
    }
  }
}

TEST(nan_stays_nan) {
  const std::vector<float> input = {1.0f, std::nanf(""), 3.0f}, zero = {0.0f}, one = {1.0f};
  std::vector<float> output(3);
  const Normalisation<float> by{zero.data(), one.data(), zero.data(), 0.0f};
  with_simd([&]() INFOGAN_SIMD { normalise(Block{0, 3, 0, 1, 1}, by, input.data(), output.data()); });
  CHECK_EQUAL(output[0], 1.0f);
  CHECK(std::isnan(output[1]));
  CHECK_EQUAL(output[2], 3.0f);
}
