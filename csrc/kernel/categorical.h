#pragma once

#include <cmath>
#include <cstdint>

#include "compensated_sum.h"
#include "macros.h"

namespace infogan_fast {

// The two numbers that normalise a row of logits: softmax_j = exp(logit_j - max) / sum.
template <typename acc_t>
struct SoftmaxNormaliser {
  acc_t max;
  acc_t sum;
};

// logits: [cardinality], cardinality >= 1. exponentials: [cardinality], receives exp(logit - max); may be null.
// Long rows are added in lanes and blocks, so that rounding errors do not grow with the cardinality.
template <typename acc_t>
INFOGAN_HOST_DEVICE SoftmaxNormaliser<acc_t> softmax_normaliser(
    const acc_t* logits, int64_t cardinality, acc_t* exponentials) {
  constexpr int64_t kLanes = 8;
  constexpr int64_t kBlock = 32 * kLanes;
  acc_t max = logits[0];
  for (int64_t j = 1; j < cardinality; ++j) {
    max = logits[j] > max ? logits[j] : max;
  }
  CompensatedSum total;
  for (int64_t begin = 0; begin < cardinality; begin += kBlock) {
    const int64_t end = cardinality < begin + kBlock ? cardinality : begin + kBlock;
    acc_t lanes[kLanes] = {};
    for (int64_t j = begin; j < end; ++j) {
      const acc_t exponential = std::exp(logits[j] - max);
      if (exponentials != nullptr) {
        exponentials[j] = exponential;
      }
      lanes[(j - begin) % kLanes] += exponential;
    }
    total.add(((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])));
  }
  return {max, static_cast<acc_t>(total.sum)};
}

// -log softmax(logits)[code].
template <typename acc_t>
INFOGAN_HOST_DEVICE acc_t categorical_nll(const acc_t* logits, int64_t code, SoftmaxNormaliser<acc_t> normaliser) {
  return std::log(normaliser.sum) + (normaliser.max - logits[code]);
}

// Turns exponentials, in place, into d nll / d logits = softmax - one-hot(code).
template <typename acc_t>
INFOGAN_HOST_DEVICE void categorical_gradient(
    acc_t* exponentials, int64_t cardinality, int64_t code, SoftmaxNormaliser<acc_t> normaliser) {
  const acc_t scale = acc_t(1) / normaliser.sum;
  for (int64_t j = 0; j < cardinality; ++j) {
    exponentials[j] *= scale;
  }
  exponentials[code] -= acc_t(1);
}

}  // namespace infogan_fast
