#pragma once

#include <cstdint>

#include "latent_draw.h"
#include "macros.h"

namespace infogan_fast {

// How the head says the variance of a continuous code.
enum class Variance : uint8_t {
  kLearned,     // C columns of log-variance
  kLearnedStd,  // C columns of log-standard-deviation
  kFixed,       // no columns
};

// Where each code lies in G's input and in Q's output. Plain data, passed by value; the arrays belong to the caller.
//   G's input [z | one-hot(c_1) | ... | one-hot(c_m) | continuous]
//   Q's head  [logits_1 | ... | logits_m | mean | log-variance]
struct LatentLayout {
  int64_t noise;                 // width of z
  int64_t categorical;           // m
  int64_t continuous;            // C
  const int64_t* cardinalities;  // [m] K_i
  int64_t logits;                // sum of K_i
  Prior noise_prior;
  Prior continuous_prior;

  INFOGAN_HOST_DEVICE int64_t codes() const { return categorical + continuous; }
  INFOGAN_HOST_DEVICE int64_t input_dim() const { return noise + logits + continuous; }
  INFOGAN_HOST_DEVICE int64_t head_dim(Variance variance) const {
    return logits + (variance == Variance::kFixed ? continuous : 2 * continuous);
  }
};

}  // namespace infogan_fast
