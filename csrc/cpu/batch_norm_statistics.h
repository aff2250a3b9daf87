#pragma once

// From the sums over blocks of rows to the statistics of a group and what its loops need. One value per channel each.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "batch_norm_blocks.h"

namespace infogan_fast {

// Mean and sum of squared distances of a group, from those of its blocks of rows (Chan et al. 1979), whose means are
// distances from origin, the group's first row.
template <typename T>
INFOGAN_SIMD inline void merge_moments(
    const NormalisedRows& rows,
    int64_t group,
    const T* origin,
    const accumulate_t<T>* means,
    const accumulate_t<T>* squares,
    double* __restrict mean,
    double* __restrict square) {
  std::fill(mean, mean + rows.channels, 0.0);
  std::fill(square, square + rows.channels, 0.0);
  double count = 0.0;
  for (int64_t block = 0; block < rows.row_blocks(); ++block) {
    const double more =
        static_cast<double>(std::min(NormalisedRows::kBlockRows, rows.per_group - block * NormalisedRows::kBlockRows));
    const int64_t at = (group * rows.row_blocks() + block) * rows.channels;
    const double share = more / (count + more);
    for (int64_t c = 0; c < rows.channels; ++c) {
      const double delta = static_cast<double>(means[at + c]) - mean[c];
      mean[c] += delta * share;
      square[c] += static_cast<double>(squares[at + c]) + delta * delta * count * share;
    }
    count += more;
  }
  for (int64_t c = 0; c < rows.channels; ++c) {
    mean[c] += static_cast<double>(origin[c]);
  }
}

// Of a group: its mean, 1 / sqrt(variance + eps), and that times the weight.
template <typename Value>
struct GroupStatistics {
  Value* mean;
  Value* rstd;
  Value* scale;
};

template <typename Value>
INFOGAN_SIMD inline void finish_statistics(
    const NormalisedRows& rows,
    const double* mean,
    const double* square,
    const Value* weight,
    double eps,
    const GroupStatistics<Value>& result) {
  Value* __restrict result_mean = result.mean;
  Value* __restrict result_rstd = result.rstd;
  Value* __restrict result_scale = result.scale;
  const double count = static_cast<double>(rows.per_group);
  for (int64_t c = 0; c < rows.channels; ++c) {
    result_mean[c] = static_cast<Value>(mean[c]);
    result_rstd[c] = static_cast<Value>(1.0 / std::sqrt(square[c] / count + eps));
    result_scale[c] = weight[c] * result_rstd[c];
  }
}

// The running mean, or with the variance the running variance, after one more group.
template <typename Value>
INFOGAN_SIMD inline void follow_statistic(
    int64_t channels, const double* statistic, double divisor, double momentum, Value* __restrict running) {
  for (int64_t c = 0; c < channels; ++c) {
    running[c] = static_cast<Value>((1.0 - momentum) * running[c] + momentum * statistic[c] / divisor);
  }
}

// What the gradient of a group's statistics takes away, from the sums over its blocks of rows, and the group's part of
// the parameters' gradients, which is added to them.
template <typename Value>
INFOGAN_SIMD inline void merge_gradient_sums(
    const NormalisedRows& rows,
    int64_t group,
    const Value* sums,
    const Value* products,
    const Value* rstd,
    Value* __restrict offset,
    Value* __restrict slant,
    double* __restrict weight_sum,
    double* __restrict bias_sum) {
  const double count = static_cast<double>(rows.per_group);
  for (int64_t c = 0; c < rows.channels; ++c) {
    double sum = 0.0, product = 0.0;
    for (int64_t block = 0; block < rows.row_blocks(); ++block) {
      const int64_t at = (group * rows.row_blocks() + block) * rows.channels + c;
      sum += static_cast<double>(sums[at]);
      product += static_cast<double>(products[at]);
    }
    const double deviations = static_cast<double>(rstd[c]);
    offset[c] = static_cast<Value>(sum / count);
    slant[c] = static_cast<Value>(product * deviations * deviations / count);
    weight_sum[c] += product * deviations;
    bias_sum[c] += sum;
  }
}

}  // namespace infogan_fast
