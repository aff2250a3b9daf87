#pragma once

#include <cmath>
#include <cstdint>

#include "macros.h"

// -log softmax(logits)[code] and its gradient for one row of logits, in the steps that every backend takes: the largest
// logit, the exponentials of the differences to it, their sum, and from these the term and the gradient.

namespace infogan_fast {

// exponential_sum: of exp(logit - max) over the row.
template <typename acc_t>
INFOGAN_HOST_DEVICE acc_t categorical_nll(acc_t logit_of_code, acc_t max, acc_t exponential_sum) {
  return std::log(exponential_sum) + (max - logit_of_code);
}

// d nll / d logit = softmax - one-hot.
template <typename acc_t>
INFOGAN_HOST_DEVICE acc_t categorical_gradient(acc_t exponential, acc_t reciprocal_sum, bool is_code) {
  return exponential * reciprocal_sum - (is_code ? acc_t(1) : acc_t(0));
}

}  // namespace infogan_fast
