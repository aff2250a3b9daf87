// The CPU loops of info_loss against the formulas in long double, under the sanitizers: shapes around every edge,
// strides, ignored codes, codes out of range.

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.h"
#include "cpu/info_loss.h"

using namespace infogan_fast;

namespace {

// A case: sizes, a random head with the given strides, and the codes drawn for it.
template <typename head_t>
struct Case {
  std::vector<int64_t> cardinalities;
  LatentLayout layout;
  Variance variance;
  int64_t batch;
  int64_t row_stride;
  int64_t column_stride;
  std::vector<head_t> head;
  std::vector<int64_t> categorical;
  std::vector<head_t> continuous;
  std::vector<head_t> factor;  // a power of two per code, so that it changes no rounding
  std::vector<head_t> gradient;

  Case(std::vector<int64_t> k, int64_t c, Variance v, int64_t rows, int64_t stride)
      : cardinalities(std::move(k)), variance(v), batch(rows), column_stride(stride) {
    int64_t logits = 0;
    for (const int64_t cardinality : cardinalities) {
      logits += cardinality;
    }
    layout = {
        0,
        static_cast<int64_t>(cardinalities.size()),
        c,
        cardinalities.data(),
        logits,
        Prior::kUniform,
        Prior::kNormal};
    const int64_t width = layout.head_dim(variance);
    row_stride = width * stride + 3;
    // Exactly as long as the last element needs, so that a read too far is seen.
    head.assign((batch - 1) * row_stride + (width > 0 ? (width - 1) * stride + 1 : 0), std::nan(""));
    for (int64_t row = 0; row < batch; ++row) {
      for (int64_t j = 0; j < width; ++j) {
        head[row * row_stride + j * stride] =
            static_cast<head_t>(2.0f * real(make_latent_stream(1, 0), row, Domain::kNoise, j));
      }
    }
    const LatentStream codes = stream();
    categorical.resize(batch * layout.categorical);
    continuous.resize(batch * c);
    for (int64_t row = 0; row < batch; ++row) {
      for (int64_t code = 0; code < layout.categorical; ++code) {
        const Philox4 random = draw_block(codes, row + 5, Domain::kCategorical, code / kCategoricalsPerBlock);
        categorical[row * layout.categorical + code] = category_from_words(random, code, cardinalities[code]);
      }
      for (int64_t i = 0; i < c; ++i) {
        continuous[row * c + i] = static_cast<head_t>(real(codes, row + 5, Domain::kContinuous, i));
      }
    }
    for (int64_t code = 0; code < layout.codes(); ++code) {
      factor.push_back(static_cast<head_t>(1 << (code % 3)));
    }
    gradient.assign(batch * width, std::nan(""));
  }

  static LatentStream stream() { return make_latent_stream(42, 1); }

  // One normal variable, drawn on its own.
  static float real(const LatentStream& random, int64_t row, Domain domain, int64_t index) {
    float values[kRealsPerBlock];
    reals_from_words(draw_block(random, row, domain, index / kRealsPerBlock), Prior::kNormal, values);
    return values[index % kRealsPerBlock];
  }

  InfoLossArgs<head_t, head_t> args(bool drawn) {
    return {
        layout,
        variance,
        fixed_variance_as<head_t>(0.5),
        head.data(),
        row_stride,
        column_stride,
        drawn,
        drawn ? nullptr : categorical.data(),
        drawn ? nullptr : continuous.data(),
        -100,
        stream(),
        5,
        factor.data(),
        gradient.data(),
    };
  }
};

struct Result {
  std::vector<CompensatedSum> sums;
  std::vector<int64_t> counts;
  BadCode bad;
};

template <typename head_t>
Result run(const InfoLossArgs<head_t, head_t>& args, int64_t batch) {
  Result result{
      std::vector<CompensatedSum>(args.layout.codes()), std::vector<int64_t>(args.layout.categorical), BadCode{}};
  if (!args.drawn) {
    with_simd([&]() INFOGAN_SIMD { result.bad = count_codes(args, 0, batch, result.counts.data()); });
  }
  if (result.bad.row < 0) {
    InfoLossWorker<head_t, head_t> worker(args);
    with_simd([&]() INFOGAN_SIMD { worker.add_rows(0, batch, result.sums.data()); });
  }
  return result;
}

// Checks sums and gradient of a case against the formulas.
template <typename head_t>
void check_case(Case<head_t>& c, bool drawn) {
  const Result result = run(c.args(drawn), c.batch);
  CHECK_EQUAL(result.bad.row, -1);
  const double eps = std::numeric_limits<head_t>::epsilon();
  const int64_t width = c.layout.head_dim(c.variance);
  std::vector<long double> sums(c.layout.codes(), 0.0L);
  for (int64_t row = 0; row < c.batch; ++row) {
    const auto at = [&](int64_t j) -> long double { return c.head[row * c.row_stride + j * c.column_stride]; };
    int64_t column = 0;
    for (int64_t code = 0; code < c.layout.categorical; ++code) {
      const int64_t k = c.cardinalities[code];
      const int64_t category = c.categorical[row * c.layout.categorical + code];
      long double total = 0.0L;
      for (int64_t j = 0; j < k; ++j) {
        total += std::exp(at(column + j));
      }
      if (category != -100) {
        sums[code] += std::log(total) - at(column + category);
      }
      for (int64_t j = 0; j < k; ++j) {
        const long double softmax = std::exp(at(column + j)) / total;
        const long double expected = category == -100 ? 0.0L : softmax - (j == category ? 1.0L : 0.0L);
        CHECK_NEAR(c.gradient[row * width + column + j] / c.factor[code], expected, 8 * eps);
      }
      column += k;
    }
    const int64_t count = c.layout.continuous;
    for (int64_t i = 0; i < count; ++i) {
      const long double scale = c.variance == Variance::kFixed ? std::log(0.5L) : at(column + count + i);
      const long double log_variance = c.variance == Variance::kLearnedStd ? 2 * scale : scale;
      const long double precision = std::exp(-log_variance);
      const long double difference = c.continuous[row * count + i] - at(column + i);
      const long double squared = difference * difference * precision;
      sums[c.layout.categorical + i] += 0.5L * (log_variance + squared + std::log(2 * 3.14159265358979323846L));
      const head_t factor = c.factor[c.layout.categorical + i];
      CHECK_NEAR(
          c.gradient[row * width + column + i] / factor,
          -difference * precision,
          16 * eps * double(1 + std::fabs(difference) * precision));
      if (c.variance != Variance::kFixed) {
        const long double slope = c.variance == Variance::kLearned ? 0.5L : 1.0L;
        CHECK_NEAR(
            c.gradient[row * width + column + count + i] / factor,
            slope * (1 - squared),
            32 * eps * double(1 + squared));
      }
    }
  }
  for (int64_t code = 0; code < c.layout.codes(); ++code) {
    CHECK_NEAR(result.sums[code].sum, sums[code], 32 * eps * double(c.batch + std::fabs(sums[code])));
  }
}

template <typename head_t>
void check_all() {
  const std::vector<std::vector<int64_t>> categorical = {
      {}, {1}, {2}, {10}, {7, 1, 33}, {255, 3}, {256}, {257}, {1000}};
  for (const auto& cardinalities : categorical) {
    for (const int64_t continuous : {0, 1, 2, 3, 4, 5, 17}) {
      for (const Variance variance : {Variance::kLearned, Variance::kLearnedStd, Variance::kFixed}) {
        for (const int64_t stride : {1, 2}) {
          for (const bool drawn : {false, true}) {
            Case<head_t> c(cardinalities, continuous, variance, 21, stride);  // a row in every lane, and five more
            check_case(c, drawn);
          }
        }
      }
    }
  }
}

}  // namespace

TEST(float_matches_the_formulas) {
  check_all<float>();
}

TEST(double_matches_the_formulas) {
  check_all<double>();
}

TEST(ignored_codes_are_left_out) {
  Case<double> c({4, 3}, 2, Variance::kLearned, 9, 1);
  for (int64_t row = 0; row < 9; row += 2) {
    c.categorical[row * 2] = -100;
  }
  check_case(c, false);
  const Result result = run(c.args(false), c.batch);
  CHECK_EQUAL(result.counts[0], 4);
  CHECK_EQUAL(result.counts[1], 9);
}

TEST(codes_out_of_range_are_reported) {
  for (const int64_t value : {int64_t(-1), int64_t(3), int64_t(-101), int64_t(1) << 40}) {
    Case<float> c({4, 3}, 0, Variance::kFixed, 6, 1);
    c.categorical[4 * 2 + 1] = value;
    const Result result = run(c.args(false), c.batch);
    CHECK_EQUAL(result.bad.row, 4);
    CHECK_EQUAL(result.bad.code, 1);
    CHECK_EQUAL(result.bad.value, value);
  }
}

TEST(without_a_gradient_the_sums_are_the_same) {
  Case<float> c({10}, 2, Variance::kLearned, 50, 1);
  const Result with = run(c.args(false), c.batch);
  auto args = c.args(false);
  args.gradient = nullptr;
  const Result without = run(args, c.batch);
  for (int64_t code = 0; code < 3; ++code) {
    CHECK_EQUAL(with.sums[code].sum, without.sums[code].sum);
  }
}

TEST(backward_scales_every_column) {
  const std::vector<float> gradient = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
  const std::vector<float> scale = {10.0f, -1.0f, 0.5f};
  std::vector<float> out(6, std::nanf(""));
  with_simd([&]() INFOGAN_SIMD { info_loss_backward_rows(gradient.data(), scale.data(), 3, 0, 2, out.data()); });
  const std::vector<float> expected = {10.0f, -2.0f, 1.5f, 40.0f, -5.0f, 3.0f};
  for (size_t i = 0; i < out.size(); ++i) {
    CHECK_EQUAL(out[i], expected[i]);
  }
}

TEST(an_infinite_term_stays_infinite) {
  CompensatedSum sum;
  for (const double value : {1.0, double(INFINITY), 1.0, 2.0}) {
    sum.add(value);
  }
  CHECK_EQUAL(sum.sum, double(INFINITY));
}

TEST(a_compensated_sum_keeps_what_a_plain_one_loses) {
  CompensatedSum sum;
  double plain = 0.0;
  for (int i = 0; i < 10000000; ++i) {
    sum.add(0.1);
    plain += 0.1;
  }
  CHECK_NEAR(sum.sum, 1e6, 1e-9);
  CHECK(std::fabs(plain - 1e6) > 1e-5);
}
