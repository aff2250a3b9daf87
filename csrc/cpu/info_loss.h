#pragma once

// The CPU loops of info_loss, without torch: built by setup.py into the op, by CMakeLists.txt into native tests.

#include <cstdint>
#include <optional>

#include "info_loss_args.h"
#include "info_loss_lanes.h"
#include "info_loss_rows.h"

namespace infogan_fast {

// Heads up to this wide are worked on with a row in each lane, wider ones row by row.
constexpr int64_t kWidestLanes = 128;

// One thread's work on an information loss.
template <typename head_t, typename gradient_t>
class InfoLossWorker {
 public:
  explicit InfoLossWorker(const InfoLossArgs<head_t, gradient_t>& args) {
    if (args.layout.head_dim(args.variance) <= kWidestLanes) {
      lanes_.emplace(args);
    } else {
      rows_.emplace(args);
    }
  }

  // Adds up the negative log-likelihoods of rows [begin, end): sums[m + C]; and writes their gradient.
  INFOGAN_SIMD void add_rows(int64_t begin, int64_t end, CompensatedSum* sums) {
    if (lanes_.has_value()) {
      lanes_->add_rows(begin, end, sums);
    } else {
      rows_->add_rows(begin, end, sums);
    }
  }

 private:
  std::optional<InfoLossLaneWorker<head_t, gradient_t>> lanes_;
  std::optional<InfoLossRowWorker<head_t, gradient_t>> rows_;
};

// out[row, j] = gradient[row, j] * column_scale[j] for rows [begin, end).
template <typename head_t, typename gradient_t>
INFOGAN_SIMD inline void info_loss_backward_rows(
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
