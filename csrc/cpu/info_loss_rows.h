#pragma once

// The CPU loops of info_loss for wide heads: one row after the other, vector code along the row.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "info_loss_args.h"

namespace infogan_fast {

// Rows are worked on in tiles, so that the exponentials of a whole tile are one loop over contiguous memory: lanes are
// full however few columns a row has.
inline int64_t info_loss_rows_per_tile(int64_t head_dim) {
  constexpr int64_t kElementsPerTile = 1024;
  return std::max<int64_t>(1, kElementsPerTile / std::max<int64_t>(1, head_dim));
}

// One thread's work on the information loss of wide heads, and its working memory.
template <typename head_t, typename gradient_t>
class InfoLossRowWorker {
 public:
  using acc_t = accumulate_t<head_t>;

  explicit InfoLossRowWorker(const InfoLossArgs<head_t, gradient_t>& args)
      : args_(args),
        width_(args.layout.head_dim(args.variance)),
        learned_(args.variance != Variance::kFixed),
        exp_width_(args.layout.logits + (learned_ ? args.layout.continuous : 0)),
        rows_per_tile_(info_loss_rows_per_tile(width_)),
        head_(rows_per_tile_ * width_),
        exp_(rows_per_tile_ * exp_width_),
        max_(rows_per_tile_ * args.layout.categorical),
        categorical_(args.drawn ? rows_per_tile_ * args.layout.categorical : 0),
        continuous_(args.drawn ? rows_per_tile_ * args.layout.continuous : 0),
        gradient_(width_) {}

  // Adds up the negative log-likelihoods of rows [begin, end): sums[m + C].
  INFOGAN_SIMD void add_rows(int64_t begin, int64_t end, CompensatedSum* sums) {
    for (int64_t first = begin; first < end; first += rows_per_tile_) {
      const int64_t rows = std::min(rows_per_tile_, end - first);
      load_head(first, rows);
      load_codes(first, rows);
      for (int64_t i = 0; i < rows; ++i) {
        fill_exponents(i);
      }
      exponentiate(exp_.data(), rows * exp_width_);
      for (int64_t i = 0; i < rows; ++i) {
        acc_t* gradient = gradient_row(first + i);
        categorical_row(i, gradient, sums);
        continuous_row(i, gradient, sums + args_.layout.categorical);
        store_gradient(first + i, gradient);
      }
    }
  }

 private:
  static INFOGAN_SIMD void exponentiate(acc_t* values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (std::is_same_v<acc_t, float>) {
        values[i] = portable_exp(values[i]);
      } else {
        values[i] = std::exp(values[i]);
      }
    }
  }

  // Rows of the tile as acc_t: where they lie if they can be read there, else converted.
  INFOGAN_SIMD void load_head(int64_t first, int64_t rows) {
    const head_t* source = args_.head + first * args_.head_row_stride;
    if constexpr (std::is_same_v<head_t, acc_t>) {
      if (args_.head_column_stride == 1) {
        tile_ = source;
        tile_stride_ = args_.head_row_stride;
        return;
      }
    }
    tile_ = head_.data();
    tile_stride_ = width_;
    for (int64_t i = 0; i < rows; ++i) {
      const head_t* row = source + i * args_.head_row_stride;
      for (int64_t j = 0; j < width_; ++j) {
        head_[i * width_ + j] = static_cast<acc_t>(row[j * args_.head_column_stride]);
      }
    }
  }

  // The codes of the tile: where they lie, or drawn again.
  INFOGAN_SIMD void load_codes(int64_t first, int64_t rows) {
    const LatentLayout& layout = args_.layout;
    if (!args_.drawn) {
      tile_categorical_ = args_.categorical + first * layout.categorical;
      tile_continuous_ = args_.continuous + first * layout.continuous;
      return;
    }
    const int64_t first_row = args_.row_offset + first;
    draw_categorical_rows(
        args_.stream, first_row, rows, layout, [&](int64_t row, int64_t code, int64_t category) INFOGAN_SIMD {
          categorical_[row * layout.categorical + code] = category;
        });
    draw_real_rows(
        args_.stream,
        first_row,
        rows,
        Domain::kContinuous,
        layout.continuous_prior,
        layout.continuous,
        [&](const RealBlock& block) INFOGAN_SIMD {
          block.store(continuous_.data() + block.row * layout.continuous + block.column, layout.continuous);
        });
    tile_categorical_ = categorical_.data();
    tile_continuous_ = continuous_.data();
  }

  // What of row i of the tile has to be exponentiated.
  INFOGAN_SIMD void fill_exponents(int64_t i) {
    const LatentLayout& layout = args_.layout;
    const acc_t* head = tile_ + i * tile_stride_;
    acc_t* exponents = exp_.data() + i * exp_width_;
    for (int64_t code = 0; code < layout.categorical; ++code) {
      const int64_t cardinality = layout.cardinalities[code];
      const acc_t max = largest(head, cardinality);
      max_[i * layout.categorical + code] = max;
      for (int64_t j = 0; j < cardinality; ++j) {
        exponents[j] = head[j] - max;
      }
      head += cardinality;
      exponents += cardinality;
    }
    if (learned_) {
      const acc_t* scale = head + layout.continuous;
      for (int64_t j = 0; j < layout.continuous; ++j) {
        exponents[j] = -log_variance_of(scale[j], args_.variance);
      }
    }
  }

  // gradient: [P] of this row, or null.
  INFOGAN_SIMD void categorical_row(int64_t i, acc_t* gradient, CompensatedSum* sums) {
    const LatentLayout& layout = args_.layout;
    const acc_t* head = tile_ + i * tile_stride_;
    const acc_t* exponentials = exp_.data() + i * exp_width_;
    int64_t column = 0;
    for (int64_t code = 0; code < layout.categorical; ++code) {
      const int64_t cardinality = layout.cardinalities[code];
      const int64_t category = tile_categorical_[i * layout.categorical + code];
      const bool ignored = !args_.drawn && category == args_.ignore_index;
      if (!ignored) {
        const acc_t sum = total(exponentials + column, cardinality);
        sums[code].add(categorical_nll(head[column + category], max_[i * layout.categorical + code], sum));
        if (gradient != nullptr) {
          const acc_t reciprocal = acc_t(1) / sum;
          const acc_t factor = args_.factor[code];
          for (int64_t j = 0; j < cardinality; ++j) {
            gradient[column + j] = factor * categorical_gradient(exponentials[column + j], reciprocal, j == category);
          }
        }
      } else if (gradient != nullptr) {
        std::fill(gradient + column, gradient + column + cardinality, acc_t(0));
      }
      column += cardinality;
    }
  }

  INFOGAN_SIMD void continuous_row(int64_t i, acc_t* gradient, CompensatedSum* sums) const {
    const LatentLayout& layout = args_.layout;
    const int64_t count = layout.continuous;
    const acc_t* codes = tile_continuous_ + i * count;
    const acc_t* mean = tile_ + i * tile_stride_ + layout.logits;
    const acc_t* exponentials = exp_.data() + i * exp_width_ + layout.logits;
    for (int64_t j = 0; j < count; ++j) {
      const acc_t log_variance = learned_ ? log_variance_of(mean[count + j], args_.variance) : args_.fixed.log_variance;
      const acc_t precision = learned_ ? exponentials[j] : args_.fixed.precision();
      const auto term = gaussian_term(mean[j], log_variance, precision, codes[j], args_.variance);
      sums[j].add(term.nll);
      if (gradient != nullptr) {
        const acc_t factor = args_.factor[layout.categorical + j];
        gradient[layout.logits + j] = factor * term.d_mean;
        if (learned_) {
          gradient[layout.logits + count + j] = factor * term.d_scale;
        }
      }
    }
  }

  // Where the gradient of a row is put together: at its place if its dtype is acc_t.
  INFOGAN_SIMD acc_t* gradient_row(int64_t row) {
    if (args_.gradient == nullptr) {
      return nullptr;
    }
    if constexpr (std::is_same_v<gradient_t, acc_t>) {
      return args_.gradient + row * width_;
    } else {
      return gradient_.data();
    }
  }

  INFOGAN_SIMD void store_gradient(int64_t row, const acc_t* gradient) {
    if constexpr (!std::is_same_v<gradient_t, acc_t>) {
      if (gradient != nullptr) {
        for (int64_t j = 0; j < width_; ++j) {
          args_.gradient[row * width_ + j] = static_cast<gradient_t>(gradient[j]);
        }
      }
    }
  }

  const InfoLossArgs<head_t, gradient_t>& args_;
  const int64_t width_;               // P
  const bool learned_;                // whether the head has columns for the variance
  const int64_t exp_width_;           // one exponential per logit, then one per learned variance
  const int64_t rows_per_tile_;       // R
  std::vector<acc_t> head_;           // [R, P] the tile, where it has to be converted
  std::vector<acc_t> exp_;            // [R, exp_width] exp(logit - max), then exp(-log-variance)
  std::vector<acc_t> max_;            // [R, m] the largest logit
  std::vector<int64_t> categorical_;  // [R, m] the codes, where they are drawn
  std::vector<acc_t> continuous_;     // [R, C]
  std::vector<acc_t> gradient_;       // [P] one row, before conversion

  // The tile being worked on.
  const acc_t* tile_ = nullptr;
  int64_t tile_stride_ = 0;
  const int64_t* tile_categorical_ = nullptr;
  const acc_t* tile_continuous_ = nullptr;
};

}  // namespace infogan_fast
