#pragma once

#include <cmath>

#include "macros.h"

namespace infogan_fast {

// d loss / d term of a code in which `count` rows count; 0 if there are none.
INFOGAN_HOST_DEVICE double code_factor(double count, double weight) {
  return count > 0.0 ? weight / count : 0.0;
}

// What the sum of one code's terms gives, over the rows that count in it.
struct CodeMean {
  double nll;       // mean negative log-likelihood, NaN if no row counts
  double weighted;  // what the code adds to the loss
};

INFOGAN_HOST_DEVICE CodeMean code_mean(double sum, double count, double weight) {
  if (!(count > 0.0)) {
    return {nan(""), 0.0};
  }
  const double mean = sum / count;
  return {mean, weight * mean};
}

}  // namespace infogan_fast
