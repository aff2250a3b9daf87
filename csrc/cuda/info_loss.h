#pragma once

// info_loss on the GPU, without torch: one launch for the losses and the gradient, one for the backward pass.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "../kernel/gaussian.h"
#include "../kernel/half.h"
#include "../kernel/latent_layout.h"
#include "../kernel/precision.h"
#include "word_table.h"

namespace infogan_fast::cuda {

// The gradient that the forward pass leaves for the backward pass has yet to be divided by the batch size, and would
// leave float16's range.
template <typename head_t>
using gradient_t = std::conditional_t<std::is_same_v<head_t, Float16>, float, head_t>;

// Reductions of this many launches can be told apart; see InfoLossArgs::ticket.
constexpr unsigned kTickets = 65536;

// The shape of a launch: a function of the spec, the batch size and the dtype alone, so that the bits of the result are
// the same on every device.
//
// Narrow rows are put together in tiles of shared memory, lanes_per_row threads to each row. A row that is too wide for
// that has a block of threads for itself.
struct InfoLossPlan {
  int lanes_per_row;  // a power of two up to a warp; 0: a block per row
  int blocks;
  int threads;       // of a block
  int accumulators;  // sets of sums that a block keeps: one per warp, or one
};

constexpr int kTileBytes = 20480;
constexpr int kTileThreads = 128;
constexpr int kWideThreads = 256;
constexpr int kMaxBlocks = 1024;          // their sums are added by the last one,
constexpr int64_t kMaxBlockSums = 65536;  // up to so many of them, if that leaves kMinBlocks
constexpr int kMinBlocks = 64;
constexpr int kSharedSlots = 64;

// Elements from row to row of a tile: odd, so that rows begin in different banks of shared memory.
INFOGAN_HOST_DEVICE int64_t tile_pitch(int64_t width) {
  return width | 1;
}

// Sums that a launch keeps per code, categorical first, then the rows that count in each categorical code.
INFOGAN_HOST_DEVICE int64_t info_loss_slots(const LatentLayout& layout) {
  return layout.codes() + layout.categorical;
}

inline InfoLossPlan plan_info_loss(
    const LatentLayout& layout, Variance variance, int64_t batch, size_t accumulate_bytes) {
  const int64_t width = layout.head_dim(variance);
  const int64_t capacity = kTileBytes / static_cast<int64_t>(accumulate_bytes);
  const auto fits = [&](int64_t lanes) { return kTileThreads / lanes * tile_pitch(width) <= capacity; };
  const auto tiles = [&](int64_t lanes) { return (batch * lanes + kTileThreads - 1) / kTileThreads; };
  int64_t lanes = 1;
  while (lanes <= kWarp && !fits(lanes)) {
    lanes *= 2;
  }
  const int64_t most_blocks =
      std::clamp<int64_t>(kMaxBlockSums / std::max<int64_t>(1, info_loss_slots(layout)), kMinBlocks, kMaxBlocks);
  if (lanes > kWarp) {
    return {0, static_cast<int>(std::min(batch, most_blocks)), kWideThreads, 1};
  }
  // A small batch has more lanes to a row, up to one for every two columns, so that more of the device takes part.
  while (2 * lanes <= kWarp && 4 * lanes <= width + 2 && tiles(lanes) < 256) {
    lanes *= 2;
  }
  const int64_t blocks = std::min(tiles(lanes), most_blocks);
  return {static_cast<int>(lanes), static_cast<int>(blocks), kTileThreads, kTileThreads / kWarp};
}

// Doubles of device memory that a launch works in: what every block has summed, and where shared memory is too small
// for them, its accumulators. Need not be initialised.
inline int64_t info_loss_workspace(const InfoLossPlan& plan, const LatentLayout& layout) {
  const int64_t slots = info_loss_slots(layout);
  return slots * plan.blocks * (slots > kSharedSlots ? 1 + plan.accumulators : 1);
}

template <typename head_type>
struct InfoLossArgs {
  using head_t = head_type;
  using acc_t = accumulate_t<head_t>;

  LatentLayout layout;  // without cardinalities: the table has them
  // [m + 1] first column of each categorical code, and where the last one ends; then [m + C] weights, as the bits of
  // doubles.
  WordTable table;
  Variance variance;
  FixedVariance<acc_t> fixed;  // for Variance::kFixed

  int64_t batch;
  const head_t* head;  // [B, P]
  int64_t head_row_stride;
  int64_t head_column_stride;

  // The codes: drawn again from the stream if there is a seed, else read. A code out of [0, K) makes its term and the
  // gradient of its logits NaN.
  const int64_t* seed;  // one element, on the device
  int64_t offset;
  int64_t row_offset;
  const int64_t* categorical;  // [B, m]
  int64_t categorical_row_stride;
  int64_t categorical_column_stride;
  const void* continuous;    // [B, C]
  bool continuous_is_float;  // else head_t
  int64_t continuous_row_stride;
  int64_t continuous_column_stride;
  int64_t ignore_index;

  const float* weight_scale;  // [m + C], or null
  int64_t weight_scale_stride;

  gradient_t<head_t>* gradient;  // [B, P], or null
  acc_t* loss;                   // 0-d
  acc_t* nll;                    // [m + C]
  acc_t* factor;                 // [m + C]
  double* workspace;             // see info_loss_workspace

  // Which counter finds the last block: one of the device's own, in [0, kTickets), or memory if that is not null. It is
  // zero between launches; two launches that may run at the same time need two of them.
  unsigned ticket;
  unsigned* counter;
};

// head_t: float, double, Float16 or BFloat16; batch > 0. The plan is that of the head's shape; it may have fewer
// blocks.
template <typename head_t>
cudaError_t launch_info_loss(const InfoLossArgs<head_t>& args, const InfoLossPlan& plan, cudaStream_t stream);

template <typename head_type>
struct InfoLossBackwardArgs {
  using head_t = head_type;
  using acc_t = accumulate_t<head_t>;

  LatentLayout layout;
  WordTable first_column;  // [m + 1]
  int64_t batch;
  int64_t width;                       // P
  const acc_t* grad_loss;              // one element
  const acc_t* factor;                 // [m + C]
  const gradient_t<head_t>* gradient;  // [B, P]
  head_t* out;                         // [B, P]
};

// Does nothing for an empty head.
template <typename head_t>
cudaError_t launch_info_loss_backward(const InfoLossBackwardArgs<head_t>& args, cudaStream_t stream);

}  // namespace infogan_fast::cuda
