#pragma once

// The CPU loops of info_loss for narrow heads: kLanes rows at once, one in each lane, so that lanes are full however
// few columns a row has, and maximum, sum and logarithm are vector code too.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "info_loss_args.h"
#include "transpose.h"

namespace infogan_fast {

// One thread's work on the information loss of narrow heads, and its working memory.
template <typename head_t, typename gradient_t>
class InfoLossLaneWorker {
 public:
  using acc_t = accumulate_t<head_t>;

  explicit InfoLossLaneWorker(const InfoLossArgs<head_t, gradient_t>& args)
      : args_(args),
        width_(args.layout.head_dim(args.variance)),
        learned_(args.variance != Variance::kFixed),
        rows_(kLanes * width_),
        tile_(kLanes * width_),
        categorical_(kLanes * args.layout.categorical),
        counted_(kLanes * args.layout.categorical),
        continuous_(kLanes * args.layout.continuous),
        sums_(kLanes * args.layout.codes()) {}

  // Adds up the negative log-likelihoods of rows [begin, end): sums[m + C].
  INFOGAN_SIMD void add_rows(int64_t begin, int64_t end, CompensatedSum* sums) {
    std::fill(sums_.begin(), sums_.end(), 0.0);
    for (int64_t first = begin; first < end; first += kLanes) {
      const int64_t rows = std::min(kLanes, end - first);
      load_head(first, rows);
      load_codes(first, rows);
      categorical_codes();
      continuous_codes(rows);
      store_gradient(first, rows);
    }
    for (int64_t code = 0; code < args_.layout.codes(); ++code) {
      double* lanes = sums_.data() + code * kLanes;
      for (int64_t half = kLanes / 2; half > 0; half /= 2) {
        for (int64_t lane = 0; lane < half; ++lane) {
          lanes[lane] += lanes[lane + half];
        }
      }
      sums[code].add(lanes[0]);
    }
  }

 private:
  // One vector operation per step of the body: a loop that must not be unrolled before it is made vector code.
  template <typename Body>
  static INFOGAN_SIMD void for_lanes(const Body& body) {
#pragma GCC unroll 1
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      body(lane);
    }
  }

  // exp(x) and log(x); x of the logarithm is at least 1, or NaN, which it stays.
  static INFOGAN_SIMD acc_t exponential(acc_t x) {
    if constexpr (std::is_same_v<acc_t, float>) {
      return portable_exp(x);
    } else {
      return std::exp(x);
    }
  }
  static INFOGAN_SIMD acc_t logarithm(acc_t x) {
    if constexpr (std::is_same_v<acc_t, float>) {
      const acc_t value = portable_log(x);
      return x == x ? value : x;
    } else {
      return std::log(x);
    }
  }

  // The head into lanes. Lanes without a row repeat the last one.
  INFOGAN_SIMD void load_head(int64_t first, int64_t rows) {
    const head_t* source = args_.head + first * args_.head_row_stride;
    if constexpr (std::is_same_v<head_t, acc_t>) {
      if (args_.head_column_stride == 1 && rows == kLanes) {
        rows_to_lanes(source, args_.head_row_stride, width_, tile_.data());
        return;
      }
    }
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const head_t* row = source + std::min(lane, rows - 1) * args_.head_row_stride;
      for (int64_t j = 0; j < width_; ++j) {
        rows_[lane * width_ + j] = static_cast<acc_t>(row[j * args_.head_column_stride]);
      }
    }
    rows_to_lanes(rows_.data(), width_, width_, tile_.data());
  }

  // The codes into lanes: [m][kLanes] and [C][kLanes].
  INFOGAN_SIMD void load_codes(int64_t first, int64_t rows) {
    const LatentLayout& layout = args_.layout;
    if (args_.drawn) {
      draw_categorical_rows(
          args_.stream,
          args_.row_offset + first,
          kLanes,
          layout,
          [&](int64_t lane, int64_t code, int64_t category)
              INFOGAN_SIMD { categorical_[code * kLanes + lane] = static_cast<int32_t>(category); });
      draw_real_rows(
          args_.stream,
          args_.row_offset + first,
          kLanes,
          Domain::kContinuous,
          layout.continuous_prior,
          layout.continuous,
          [&](const RealBlock& block) INFOGAN_SIMD {
            for (int64_t i = 0; i < block.columns; ++i) {
              std::copy(block.values[i], block.values[i] + kLanes, continuous_.data() + (block.column + i) * kLanes);
            }
          });
    }
    for (int64_t code = 0; code < layout.categorical; ++code) {
      int32_t* categories = categorical_.data() + code * kLanes;
      int32_t* counted = counted_.data() + code * kLanes;
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        counted[lane] = lane < rows;
      }
      for (int64_t lane = 0; !args_.drawn && lane < kLanes; ++lane) {
        const int64_t row = first + std::min(lane, rows - 1);
        const int64_t category = args_.categorical[row * layout.categorical + code];
        counted[lane] = counted[lane] != 0 && category != args_.ignore_index;
        categories[lane] = category != args_.ignore_index ? static_cast<int32_t>(category) : 0;
      }
    }
    for (int64_t i = 0; !args_.drawn && i < layout.continuous; ++i) {
      for (int64_t lane = 0; lane < rows; ++lane) {
        continuous_[i * kLanes + lane] = args_.continuous[(first + lane) * layout.continuous + i];
      }
    }
  }

  INFOGAN_SIMD void categorical_codes() {
    acc_t* logits = tile_.data();
    for (int64_t code = 0; code < args_.layout.categorical; ++code) {
      const int32_t cardinality = static_cast<int32_t>(args_.layout.cardinalities[code]);
      categorical_code(
          logits,
          cardinality,
          categorical_.data() + code * kLanes,
          counted_.data() + code * kLanes,
          args_.factor[code],
          sums_.data() + code * kLanes);
      logits += cardinality * kLanes;
    }
  }

  // logits: [K][kLanes], which become the gradient. counted: whether the lane has a row that counts.
  INFOGAN_SIMD void categorical_code(
      acc_t* logits, int32_t cardinality, const int32_t* category, const int32_t* counted, acc_t factor, double* sums)
      const {
    constexpr int32_t kPartialSums = 4;  // so that rounding errors grow with a quarter of the cardinality
    acc_t max[kLanes];
    acc_t sum[kPartialSums][kLanes];
    for_lanes([&](int64_t lane) INFOGAN_SIMD {
      max[lane] = -kInfinity<acc_t>;
      sum[0][lane] = sum[1][lane] = sum[2][lane] = sum[3][lane] = 0;
    });
    for (int32_t j = 0; j < cardinality; ++j) {
      const acc_t* row = logits + j * kLanes;
      for_lanes([&](int64_t lane) INFOGAN_SIMD { max[lane] = row[lane] > max[lane] ? row[lane] : max[lane]; });
    }
    acc_t nll[kLanes];
    for_lanes([&](int64_t lane) INFOGAN_SIMD { nll[lane] = max[lane] - logits[category[lane] * kLanes + lane]; });
    for (int32_t j = 0; j < cardinality; ++j) {
      acc_t* row = logits + j * kLanes;
      acc_t* partial_sum = sum[j % kPartialSums];
      for_lanes([&](int64_t lane) INFOGAN_SIMD {
        row[lane] = exponential(row[lane] - max[lane]);
        partial_sum[lane] += row[lane];
      });
    }
    acc_t reciprocal[kLanes];
    for_lanes([&](int64_t lane) INFOGAN_SIMD {
      const acc_t total = (sum[0][lane] + sum[1][lane]) + (sum[2][lane] + sum[3][lane]);
      nll[lane] = counted[lane] != 0 ? nll[lane] + logarithm(total) : acc_t(0);
      reciprocal[lane] = acc_t(1) / total;
    });
    for_lanes([&](int64_t lane) INFOGAN_SIMD { sums[lane] += static_cast<double>(nll[lane]); });
    if (args_.gradient == nullptr) {
      return;
    }
    for (int32_t j = 0; j < cardinality; ++j) {
      acc_t* row = logits + j * kLanes;
      for_lanes([&](int64_t lane) INFOGAN_SIMD {
        const acc_t value = factor * categorical_gradient(row[lane], reciprocal[lane], category[lane] == j);
        row[lane] = counted[lane] != 0 ? value : acc_t(0);
      });
    }
  }

  INFOGAN_SIMD void continuous_codes(int64_t rows) {
    const int64_t count = args_.layout.continuous;
    const bool learned = learned_;
    const Variance variance = args_.variance;
    for (int64_t i = 0; i < count; ++i) {
      acc_t* means = tile_.data() + (args_.layout.logits + i) * kLanes;
      acc_t* scales = means + count * kLanes;
      const acc_t* codes = continuous_.data() + i * kLanes;
      const acc_t factor = args_.factor[args_.layout.categorical + i];
      acc_t log_variance[kLanes];
      acc_t precision[kLanes];
      if (learned) {
        for_lanes([&](int64_t lane) INFOGAN_SIMD {
          log_variance[lane] = log_variance_of(scales[lane], variance);
          precision[lane] = exponential(-log_variance[lane]);
        });
      } else {
        std::fill(log_variance, log_variance + kLanes, args_.fixed.log_variance);
        std::fill(precision, precision + kLanes, args_.fixed.precision());
      }
      acc_t nll[kLanes];
      acc_t d_scale[kLanes];
      for_lanes([&](int64_t lane) INFOGAN_SIMD {
        const auto term = gaussian_term(means[lane], log_variance[lane], precision[lane], codes[lane], variance);
        nll[lane] = lane < rows ? term.nll : acc_t(0);
        means[lane] = factor * term.d_mean;
        d_scale[lane] = factor * term.d_scale;
      });
      if (learned) {
        for_lanes([&](int64_t lane) INFOGAN_SIMD { scales[lane] = d_scale[lane]; });
      }
      double* sums = sums_.data() + (args_.layout.categorical + i) * kLanes;
      for_lanes([&](int64_t lane) INFOGAN_SIMD { sums[lane] += static_cast<double>(nll[lane]); });
    }
  }

  INFOGAN_SIMD void store_gradient(int64_t first, int64_t rows) {
    if (args_.gradient == nullptr) {
      return;
    }
    gradient_t* target = args_.gradient + first * width_;
    if constexpr (std::is_same_v<gradient_t, acc_t>) {
      if (rows == kLanes) {
        lanes_to_rows(tile_.data(), width_, target, width_);
        return;
      }
    }
    lanes_to_rows(tile_.data(), width_, rows_.data(), width_);
    for (int64_t i = 0; i < rows * width_; ++i) {
      target[i] = static_cast<gradient_t>(rows_[i]);
    }
  }

  const InfoLossArgs<head_t, gradient_t>& args_;
  const int64_t width_;               // P
  const bool learned_;                // whether the head has columns for the variance
  std::vector<acc_t> rows_;           // [kLanes, P] on the way from or to memory
  std::vector<acc_t> tile_;           // [P][kLanes] the head, then its gradient
  std::vector<int32_t> categorical_;  // [m][kLanes]
  std::vector<int32_t> counted_;      // [m][kLanes] whether the code of this row counts
  std::vector<acc_t> continuous_;     // [C][kLanes]
  std::vector<double> sums_;          // [m + C][kLanes]
};

}  // namespace infogan_fast
