#pragma once

#include <cmath>
#include <cstdint>

#include "../kernel/categorical.h"
#include "../kernel/precision.h"
#include "info_loss_codes.h"
#include "info_loss_sums.h"
#include "memory.h"
#include "warp.h"

// Narrow heads: a block works on a tile of whole rows in shared memory. The tile is loaded and stored in 16-byte pieces
// whatever the width of a row; in between, each row belongs to lanes_per_row neighbouring threads of a warp, which turn
// its logits, means and scales into their gradients where they lie.

namespace infogan_fast::cuda {

// Tiles of `rows` rows of `width` elements, every row `pitch` elements after the one before.
struct TileShape {
  int rows;
  int width;
  int pitch;
  unsigned reciprocal;  // of the width, times 2^32, rounded up; not for a width of 1

  __device__ __forceinline__ TileShape(int rows_per_tile, int row_width)
      : rows(rows_per_tile),
        width(row_width),
        pitch(static_cast<int>(tile_pitch(row_width))),
        reciprocal(row_width <= 1 ? 0 : 0xFFFFFFFFu / static_cast<unsigned>(row_width) + 1) {}

  // The row of the i-th element; exact as long as i * width < 2^32.
  __device__ __forceinline__ int row_of(int i) const {
    return width == 1 ? i : static_cast<int>(__umulhi(static_cast<unsigned>(i), reciprocal));
  }

  // Where the i-th element lies in the tile.
  __device__ __forceinline__ int place(int i) const { return i + row_of(i) * (pitch - width); }
};

template <typename head_t>
class TileWorker {
 public:
  using acc_t = accumulate_t<head_t>;

  __device__ __forceinline__
  TileWorker(const InfoLossArgs<head_t>& args, const InfoLossPlan& plan, acc_t* tile, Sums<head_t>& sums)
      : args_(args),
        codes_(args),
        variance_(args),
        lanes_(plan.lanes_per_row),
        shape_(kTileThreads / plan.lanes_per_row, static_cast<int>(args.layout.head_dim(args.variance))),
        tile_(tile),
        sums_(sums),
        warp_(static_cast<int>(threadIdx.x) / kWarp),
        lane_(static_cast<int>(threadIdx.x) % plan.lanes_per_row),
        row_in_tile_(static_cast<int>(threadIdx.x) / plan.lanes_per_row) {}

  // The block's share of the rows.
  __device__ __forceinline__ void run() {
    const int64_t step = static_cast<int64_t>(gridDim.x) * shape_.rows;
    for (int64_t first = static_cast<int64_t>(blockIdx.x) * shape_.rows; first < args_.batch; first += step) {
      const int rows = static_cast<int>(min(static_cast<int64_t>(shape_.rows), args_.batch - first));
      load(first, rows);
      __syncthreads();
      const bool valid = row_in_tile_ < rows;
      categorical_codes(first + row_in_tile_, valid);
      continuous_codes(first + row_in_tile_, valid);
      __syncthreads();
      if (args_.gradient != nullptr) {
        store_run(args_.gradient + first * shape_.width, rows * shape_.width, [&](int i) {
          return static_cast<gradient_t<head_t>>(tile_[shape_.place(i)]);
        });
        __syncthreads();
      }
    }
  }

 private:
  __device__ __forceinline__ void load(int64_t first, int rows) {
    const head_t* source = args_.head + first * args_.head_row_stride;
    const int count = rows * shape_.width;
    if (args_.head_column_stride == 1 && args_.head_row_stride == shape_.width) {
      load_run(source, count, [&](int i, head_t value) { tile_[shape_.place(i)] = static_cast<acc_t>(value); });
      return;
    }
    for (int i = threadIdx.x; i < count; i += kTileThreads) {
      const int row = shape_.row_of(i);
      const int column = i - row * shape_.width;
      tile_[row * shape_.pitch + column] =
          static_cast<acc_t>(source[row * args_.head_row_stride + column * args_.head_column_stride]);
    }
  }

  // valid: whether this thread has a row. All threads of a warp take part in its reductions.
  __device__ __forceinline__ void categorical_codes(int64_t row, bool valid) {
    for (int64_t code = 0; code < args_.layout.categorical; ++code) {
      const Columns columns = codes_.columns(code);
      acc_t* logits = tile_ + row_in_tile_ * shape_.pitch + columns.first;
      const int count = valid ? static_cast<int>(columns.count) : 0;

      acc_t max = -kInfinity<acc_t>;
      for (int j = lane_; j < count; j += lanes_) {
        max = logits[j] > max ? logits[j] : max;
      }
      max = group_max(max, lanes_);
      const Category category = valid ? codes_.category(row, code, columns.count) : Category{0, true, true};
      const acc_t logit_of_code = valid && category.in_range ? logits[category.value] : acc_t(0);
      __syncwarp();  // the logits are read before another lane replaces them

      acc_t sum = 0;
      for (int j = lane_; j < count; j += lanes_) {
        const acc_t exponential = std::exp(logits[j] - max);
        logits[j] = exponential;
        sum += exponential;
      }
      sum = group_sum(sum, lanes_);

      if (args_.gradient != nullptr) {
        const acc_t reciprocal = category.in_range ? acc_t(1) / sum : kNaN<acc_t>;
        for (int j = lane_; j < count; j += lanes_) {
          logits[j] = category.ignored ? acc_t(0) : categorical_gradient(logits[j], reciprocal, j == category.value);
        }
      }

      const bool counts = valid && lane_ == 0 && !category.ignored;
      const acc_t nll = category.in_range ? categorical_nll(logit_of_code, max, sum) : kNaN<acc_t>;
      const double warp_nll = sum_over_groups(counts ? static_cast<double>(nll) : 0.0, lanes_);
      const int warp_count = __popc(__ballot_sync(kAllLanes, counts));
      if (threadIdx.x % kWarp == 0) {
        sums_.add(warp_, code, warp_nll);
        sums_.add_count(warp_, code, warp_count);
      }
    }
  }

  // Four codes to a lane, as many as a Philox block gives.
  __device__ __forceinline__ void continuous_codes(int64_t row, bool valid) {
    const int count = static_cast<int>(args_.layout.continuous);
    acc_t* means = tile_ + row_in_tile_ * shape_.pitch + args_.layout.logits;
    acc_t* scales = means + count;
    for (int first = 0; first < count; first += lanes_ * static_cast<int>(kRealsPerBlock)) {
      const int block = first / static_cast<int>(kRealsPerBlock) + lane_;
      acc_t values[kRealsPerBlock] = {};
      if (valid && block * kRealsPerBlock < count) {
        codes_.continuous(row, block, values);
      }
#pragma unroll
      for (int k = 0; k < kRealsPerBlock; ++k) {
        const int i = block * static_cast<int>(kRealsPerBlock) + k;
        double nll = 0.0;
        if (valid && i < count) {
          const auto term = variance_.term(means[i], variance_.learned() ? scales[i] : acc_t(0), values[k]);
          nll = static_cast<double>(term.nll);
          means[i] = term.d_mean;
          if (variance_.learned()) {
            scales[i] = term.d_scale;
          }
        }
        nll = sum_over_groups(nll, lanes_);
        if (static_cast<int>(threadIdx.x) % kWarp < lanes_ && i < count) {
          sums_.add(warp_, args_.layout.categorical + i, nll);
        }
      }
    }
  }

  const InfoLossArgs<head_t>& args_;
  const Codes<head_t> codes_;
  const VarianceModel<acc_t> variance_;
  const int lanes_;
  const TileShape shape_;
  acc_t* const tile_;
  Sums<head_t>& sums_;
  const int warp_;
  const int lane_;         // among the lanes of the row
  const int row_in_tile_;  // the row that this thread works on
};

template <typename head_t>
__global__ void __launch_bounds__(kTileThreads)
    info_loss_tile_kernel(const __grid_constant__ InfoLossArgs<head_t> args, const InfoLossPlan plan) {
  using acc_t = accumulate_t<head_t>;
  constexpr int kWarps = kTileThreads / kWarp;
  INFOGAN_SHARED(acc_t, tile, kTileBytes / sizeof(acc_t));
  INFOGAN_SHARED(double, shared_sums, kSharedSlots* kWarps);
  INFOGAN_SHARED(double, weighted, kWarps);
  INFOGAN_SHARED(int, last, 1);
  Sums<head_t> sums(args, plan, shared_sums);
  sums.clear();
  TileWorker<head_t>(args, plan, tile, sums).run();
  sums.finish(last, weighted);
}

}  // namespace infogan_fast::cuda
