#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "../kernel/gaussian.h"
#include "../kernel/latent_draw.h"
#include "info_loss.h"

// What the kernels of info_loss have in common: the codes of a row, and the term of a continuous one.

namespace infogan_fast::cuda {

// A categorical code's value in one row.
struct Category {
  int64_t value;
  bool ignored;   // left out of the loss
  bool in_range;  // of [0, K)
};

// Where a code lies among the columns of the head.
struct Columns {
  int64_t first;
  int64_t count;
};

// The codes of a batch, read or drawn again.
template <typename head_t>
class Codes {
 public:
  using acc_t = accumulate_t<head_t>;

  explicit __device__ __forceinline__ Codes(const InfoLossArgs<head_t>& args)
      : args_(args),
        drawn_(args.seed != nullptr),
        stream_(drawn_ ? make_latent_stream(*args.seed, args.offset) : LatentStream{}) {}

  __device__ __forceinline__ Columns columns(int64_t code) const {
    const int64_t first = args_.table.word(code);
    return {first, args_.table.word(code + 1) - first};
  }

  __device__ __forceinline__ Category category(int64_t row, int64_t code, int64_t cardinality) const {
    if (drawn_) {
      const Philox4 random = draw_block(stream_, stream_row(row), Domain::kCategorical, code / kCategoricalsPerBlock);
      return {category_from_words(random, code, cardinality), false, true};
    }
    const int64_t value =
        args_.categorical[row * args_.categorical_row_stride + code * args_.categorical_column_stride];
    return {value, value == args_.ignore_index, value >= 0 && value < cardinality};
  }

  // Continuous codes 4 * block ... 4 * block + 3 of a row, as far as there are so many.
  __device__ __forceinline__ void continuous(int64_t row, int64_t block, acc_t (&values)[kRealsPerBlock]) const {
    if (drawn_) {
      float drawn[kRealsPerBlock];
      reals_from_words(
          draw_block(stream_, stream_row(row), Domain::kContinuous, block), args_.layout.continuous_prior, drawn);
#pragma unroll
      for (int k = 0; k < kRealsPerBlock; ++k) {
        values[k] = static_cast<acc_t>(drawn[k]);
      }
      return;
    }
#pragma unroll
    for (int k = 0; k < kRealsPerBlock; ++k) {
      const int64_t i = block * kRealsPerBlock + k;
      if (i < args_.layout.continuous) {
        const int64_t element = row * args_.continuous_row_stride + i * args_.continuous_column_stride;
        values[k] = args_.continuous_is_float
                        ? static_cast<acc_t>(static_cast<const float*>(args_.continuous)[element])
                        : static_cast<acc_t>(static_cast<const head_t*>(args_.continuous)[element]);
      }
    }
  }

 private:
  __device__ __forceinline__ uint64_t stream_row(int64_t row) const {
    return static_cast<uint64_t>(args_.row_offset + row);
  }

  const InfoLossArgs<head_t>& args_;
  const bool drawn_;
  const LatentStream stream_;
};

// How the variance is said, with what of it does not depend on the row.
template <typename acc_t>
struct VarianceModel {
  Variance variance;
  acc_t fixed_log_variance;
  acc_t fixed_precision;

  template <typename head_t>
  explicit __device__ __forceinline__ VarianceModel(const InfoLossArgs<head_t>& args)
      : variance(args.variance),
        fixed_log_variance(learned() ? acc_t(0) : log_of(args.fixed)),
        fixed_precision(learned() ? acc_t(0) : args.fixed.precision()) {}

  // A double is in the range of the variance: computed here, its logarithm leaves nvcc the registers for wide rows.
  static __device__ __forceinline__ acc_t log_of(const FixedVariance<acc_t>& fixed) {
    if constexpr (std::is_same_v<acc_t, double>) {
      return std::log(fixed.variance);
    } else {
      return fixed.log_variance;
    }
  }

  __device__ __forceinline__ bool learned() const { return variance != Variance::kFixed; }

  // scale: the head's column, read only if the variance is learned.
  __device__ __forceinline__ GaussianTerm<acc_t> term(acc_t mean, acc_t scale, acc_t code) const {
    const acc_t log_variance = learned() ? log_variance_of(scale, variance) : fixed_log_variance;
    const acc_t precision = learned() ? std::exp(-log_variance) : fixed_precision;
    return gaussian_term(mean, log_variance, precision, code, variance);
  }
};

}  // namespace infogan_fast::cuda
