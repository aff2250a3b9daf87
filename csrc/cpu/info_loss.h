#pragma once

// The CPU loops of info_loss, without torch: built by setup.py into the op, by CMakeLists.txt into native tests.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "../kernel/categorical.h"
#include "../kernel/compensated_sum.h"
#include "../kernel/gaussian.h"
#include "../kernel/latent_draw.h"
#include "../kernel/latent_layout.h"
#include "sample_latents.h"

namespace infogan_fast {

// What a head's element type is computed in.
template <typename head_t>
using accumulate_t = std::conditional_t<std::is_same_v<head_t, double>, double, float>;

// Rows are reduced in chunks of a size that depends on the head alone, and the chunks' sums are added in order, so the
// result has the same bits whatever the number of threads.
inline int64_t info_loss_rows_per_chunk(int64_t head_dim) {
  constexpr int64_t kElementsPerChunk = 8192;
  return std::max<int64_t>(1, kElementsPerChunk / std::max<int64_t>(1, head_dim));
}

template <typename head_t, typename gradient_t>
struct InfoLossArgs {
  using acc_t = accumulate_t<head_t>;

  LatentLayout layout;
  Variance variance;
  acc_t fixed_log_variance;  // for Variance::kFixed

  const head_t* head;  // [B, P]
  int64_t head_row_stride;
  int64_t head_column_stride;

  // The codes: read if drawn is false, drawn again from the stream if it is true.
  bool drawn;
  const int64_t* categorical;  // [B, m]
  const acc_t* continuous;     // [B, C]
  int64_t ignore_index;
  LatentStream stream;
  int64_t row_offset;

  gradient_t* gradient;  // [B, P] d nll / d head of every element on its own, not averaged; null if not wanted
};

// A categorical code outside [0, K), which makes the call fail.
struct BadCode {
  int64_t row = -1;  // none
  int64_t code = 0;
  int64_t value = 0;
};

// One thread's working memory.
template <typename acc_t>
struct InfoLossScratch {
  acc_t* head;        // [P]
  acc_t* gradient;    // [P]
  acc_t* continuous;  // [C]
};

// The row as acc_t: where it lies if it can be read there, else converted into scratch.
template <typename head_t, typename gradient_t>
const accumulate_t<head_t>* load_head_row(
    const InfoLossArgs<head_t, gradient_t>& args, int64_t row, int64_t width, accumulate_t<head_t>* scratch) {
  const head_t* source = args.head + row * args.head_row_stride;
  if constexpr (std::is_same_v<head_t, accumulate_t<head_t>>) {
    if (args.head_column_stride == 1) {
      return source;
    }
  }
  for (int64_t j = 0; j < width; ++j) {
    scratch[j] = static_cast<accumulate_t<head_t>>(source[j * args.head_column_stride]);
  }
  return scratch;
}

// The categorical codes of one row: adds to sums[m] and counts[m], writes gradient[sum K] unless it is null.
template <typename head_t, typename gradient_t>
BadCode categorical_row(
    const InfoLossArgs<head_t, gradient_t>& args,
    int64_t row,
    const accumulate_t<head_t>* logits,
    accumulate_t<head_t>* gradient,
    CompensatedSum* sums,
    int64_t* counts) {
  const LatentLayout& layout = args.layout;
  int64_t column = 0;
  for (int64_t code = 0; code < layout.categorical; ++code) {
    const int64_t cardinality = layout.cardinalities[code];
    const int64_t category = args.drawn ? draw_categorical(args.stream, args.row_offset + row, code, cardinality)
                                        : args.categorical[row * layout.categorical + code];
    auto* code_gradient = gradient == nullptr ? nullptr : gradient + column;
    if (category >= 0 && category < cardinality && (args.drawn || category != args.ignore_index)) {
      const auto normaliser = softmax_normaliser(logits + column, cardinality, code_gradient);
      sums[code].add(categorical_nll(logits + column, category, normaliser));
      counts[code] += 1;
      if (gradient != nullptr) {
        categorical_gradient(code_gradient, cardinality, category, normaliser);
      }
    } else if (!args.drawn && category == args.ignore_index) {
      if (gradient != nullptr) {
        std::fill(code_gradient, code_gradient + cardinality, accumulate_t<head_t>(0));
      }
    } else {
      return {row, code, category};
    }
    column += cardinality;
  }
  return {};
}

// The continuous codes of one row: adds to sums[C]; writes gradient[C or 2 C] unless it is null. mean points at the
// head's C means, which the C scales follow unless the variance is fixed.
template <typename head_t, typename gradient_t>
void continuous_row(
    const InfoLossArgs<head_t, gradient_t>& args,
    int64_t row,
    const accumulate_t<head_t>* mean,
    accumulate_t<head_t>* scratch,
    accumulate_t<head_t>* gradient,
    CompensatedSum* sums) {
  using acc_t = accumulate_t<head_t>;
  const int64_t count = args.layout.continuous;
  const acc_t* codes = scratch;
  if (args.drawn) {
    draw_row_reals(
        args.stream,
        args.row_offset + row,
        Domain::kContinuous,
        args.layout.continuous_prior,
        count,
        [&](int64_t i, float value) { scratch[i] = static_cast<acc_t>(value); });
  } else {
    codes = args.continuous + row * count;
  }
  const bool learned = args.variance != Variance::kFixed;
  for (int64_t i = 0; i < count; ++i) {
    const acc_t scale = learned ? mean[count + i] : args.fixed_log_variance;
    const auto term = gaussian_term(mean[i], scale, codes[i], args.variance);
    sums[i].add(term.nll);
    if (gradient != nullptr) {
      gradient[i] = term.d_mean;
      if (learned) {
        gradient[count + i] = term.d_scale;
      }
    }
  }
}

// Adds up the negative log-likelihoods of rows [begin, end): sums[m + C], and in counts[m] the rows in which each
// categorical code was not ignored. Stops at the first code out of range.
template <typename head_t, typename gradient_t>
BadCode info_loss_rows(
    const InfoLossArgs<head_t, gradient_t>& args,
    int64_t begin,
    int64_t end,
    const InfoLossScratch<accumulate_t<head_t>>& scratch,
    CompensatedSum* sums,
    int64_t* counts) {
  using acc_t = accumulate_t<head_t>;
  const LatentLayout& layout = args.layout;
  const int64_t width = layout.head_dim(args.variance);
  constexpr bool kGradientInPlace = std::is_same_v<gradient_t, acc_t>;

  for (int64_t row = begin; row < end; ++row) {
    const acc_t* head = load_head_row(args, row, width, scratch.head);
    acc_t* gradient = nullptr;
    if (args.gradient != nullptr) {
      if constexpr (kGradientInPlace) {
        gradient = args.gradient + row * width;
      } else {
        gradient = scratch.gradient;
      }
    }
    const BadCode bad = categorical_row(args, row, head, gradient, sums, counts);
    if (bad.row >= 0) {
      return bad;
    }
    continuous_row(
        args,
        row,
        head + layout.logits,
        scratch.continuous,
        gradient == nullptr ? nullptr : gradient + layout.logits,
        sums + layout.categorical);
    if constexpr (!kGradientInPlace) {
      if (gradient != nullptr) {
        std::transform(gradient, gradient + width, args.gradient + row * width, [](acc_t value) {
          return static_cast<gradient_t>(value);
        });
      }
    }
  }
  return {};
}

// out[row, j] = gradient[row, j] * column_scale[j] for rows [begin, end).
template <typename head_t, typename gradient_t>
void info_loss_backward_rows(
    const gradient_t* gradient,                // [B, P]
    const accumulate_t<head_t>* column_scale,  // [P]
    int64_t width,                             // P
    int64_t begin,
    int64_t end,
    head_t* out) {  // [B, P]
  using acc_t = accumulate_t<head_t>;
  for (int64_t row = begin; row < end; ++row) {
    const gradient_t* in_row = gradient + row * width;
    head_t* out_row = out + row * width;
    for (int64_t j = 0; j < width; ++j) {
      out_row[j] = static_cast<head_t>(static_cast<acc_t>(in_row[j]) * column_scale[j]);
    }
  }
}

}  // namespace infogan_fast
