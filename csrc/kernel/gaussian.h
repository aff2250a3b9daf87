#pragma once

#include <cmath>
#include <limits>

#include "latent_layout.h"
#include "macros.h"

namespace infogan_fast {

// -log N(code; mean, variance) of one continuous code, and its derivatives.
template <typename acc_t>
struct GaussianTerm {
  acc_t nll;
  acc_t d_mean;
  acc_t d_scale;  // by the head's log-variance or log-standard-deviation; 0 for a fixed variance
};

// The log-variance that a column of the head stands for.
template <typename acc_t>
INFOGAN_HOST_DEVICE acc_t log_variance_of(acc_t scale, Variance variance) {
  return variance == Variance::kLearnedStd ? 2 * scale : scale;
}

// A variance that is not learned. It may lie outside the range of float: its logarithm is taken in double, and one that
// is too large is held as the largest float, whose reciprocal is 0 beside all else.
template <typename acc_t>
struct FixedVariance {
  acc_t log_variance;
  acc_t variance;

  INFOGAN_HOST_DEVICE acc_t precision() const { return acc_t(1) / variance; }
};

template <typename acc_t>
FixedVariance<acc_t> fixed_variance_as(double variance) {
  constexpr double kLargest = std::numeric_limits<acc_t>::max();
  return {static_cast<acc_t>(std::log(variance)), static_cast<acc_t>(variance < kLargest ? variance : kLargest)};
}

// precision: exp(-log_variance).
template <typename acc_t>
INFOGAN_HOST_DEVICE GaussianTerm<acc_t> gaussian_term(
    acc_t mean, acc_t log_variance, acc_t precision, acc_t code, Variance variance) {
  constexpr acc_t kLog2Pi = static_cast<acc_t>(1.8378770664093454836);
  const acc_t difference = code - mean;
  const acc_t squared = difference * difference * precision;
  const acc_t slope = variance == Variance::kLearned ? acc_t(0.5) : (variance == Variance::kLearnedStd ? acc_t(1) : 0);
  return {
      acc_t(0.5) * (log_variance + squared + kLog2Pi),
      -difference * precision,
      slope * (acc_t(1) - squared),
  };
}

}  // namespace infogan_fast
