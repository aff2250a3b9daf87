#pragma once

// What the CPU loops of info_loss work on.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "../kernel/categorical.h"
#include "../kernel/compensated_sum.h"
#include "../kernel/gaussian.h"
#include "../kernel/latent_draw.h"
#include "../kernel/latent_layout.h"
#include "../kernel/math.h"
#include "../kernel/precision.h"
#include "draw_rows.h"
#include "lanes.h"
#include "simd.h"

namespace infogan_fast {

// Rows are reduced in chunks of a size that depends on the head alone, and the chunks' sums are added in order, so the
// result has the same bits whatever the number of threads.
inline int64_t info_loss_rows_per_chunk(int64_t head_dim) {
  constexpr int64_t kElementsPerChunk = 8192;
  constexpr int64_t kLeastRows = 8;  // so that the sums of the chunks stay small beside the head
  return std::max<int64_t>(kLeastRows, kElementsPerChunk / std::max<int64_t>(1, head_dim));
}

template <typename head_t, typename gradient_t>
struct InfoLossArgs {
  using acc_t = accumulate_t<head_t>;

  LatentLayout layout;
  Variance variance;
  FixedVariance<acc_t> fixed;  // for Variance::kFixed

  const head_t* head;  // [B, P]
  int64_t head_row_stride;
  int64_t head_column_stride;

  // The codes: read if drawn is false, drawn again from the stream if it is true.
  // Categories are in range or ignored: count_codes has seen to that.
  bool drawn;
  const int64_t* categorical;  // [B, m]
  const acc_t* continuous;     // [B, C]
  int64_t ignore_index;
  LatentStream stream;
  int64_t row_offset;

  const acc_t* factor;   // [m + C] d loss / d term of each code
  gradient_t* gradient;  // [B, P] d loss / d head; null if not wanted
};

// A categorical code outside [0, K), which makes the call fail.
struct BadCode {
  int64_t row = -1;  // none
  int64_t code = 0;
  int64_t value = 0;
};

// How often the categorical codes of rows [begin, end) are not ignored, added to counts[m]; or the first that is
// neither ignored nor in range.
template <typename head_t, typename gradient_t>
INFOGAN_SIMD inline BadCode count_codes(
    const InfoLossArgs<head_t, gradient_t>& args, int64_t begin, int64_t end, int64_t* counts) {
  const LatentLayout& layout = args.layout;
  const auto counts_as = [&](int64_t row, int64_t code) INFOGAN_SIMD {
    const int64_t value = args.categorical[row * layout.categorical + code];
    return value == args.ignore_index ? -1 : int(value >= 0 && value < layout.cardinalities[code]);
  };
  bool all_good = true;
  for (int64_t code = 0; code < layout.categorical; ++code) {
    int64_t counted = 0;
    int64_t bad = 0;
    for (int64_t row = begin; row < end; ++row) {
      const int good = counts_as(row, code);
      counted += good != -1;
      bad += good == 0;
    }
    counts[code] += counted;
    all_good = all_good && bad == 0;
  }
  for (int64_t row = begin; !all_good && row < end; ++row) {
    for (int64_t code = 0; code < layout.categorical; ++code) {
      if (counts_as(row, code) == 0) {
        return {row, code, args.categorical[row * layout.categorical + code]};
      }
    }
  }
  return {};
}

}  // namespace infogan_fast
