#pragma once

#include <cmath>

#include "macros.h"

namespace infogan_fast {

// A sum whose rounding error does not grow with the number of terms (Kahan 1965).
struct CompensatedSum {
  double sum = 0.0;
  double lost = 0.0;  // what rounding has taken from the sum so far

  INFOGAN_HOST_DEVICE void add(double value) {
    const double corrected = value - lost;
    const double next = sum + corrected;
    lost = std::isfinite(next) ? (next - sum) - corrected : 0.0;  // infinity minus infinity would be NaN
    sum = next;
  }
};

}  // namespace infogan_fast
