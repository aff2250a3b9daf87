#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "../kernel/categorical.h"
#include "../kernel/precision.h"
#include "info_loss_codes.h"
#include "info_loss_sums.h"
#include "memory.h"
#include "warp.h"

// Wide heads: a block per row. Each warp takes narrow categorical codes in turn; a wide one is taken by the whole
// block. The softmax is online (Milakov and Gimelshein 2018): one pass finds the largest logit and the sum together.
// What fits in registers is read once; of wider codes the rest is read again for the gradient, backwards, so that what
// was read last, and is still in the caches, comes first.

namespace infogan_fast::cuda {

// Threads that work on a code together. Every one of them gets the result of a reduction.
struct WarpGroup {
  __device__ __forceinline__ int size() const { return kWarp; }
  __device__ __forceinline__ int rank() const { return static_cast<int>(threadIdx.x) % kWarp; }
  template <typename T>
  __device__ __forceinline__ T max(T value) const {
    return group_max(value, kWarp);
  }
  template <typename T>
  __device__ __forceinline__ T sum(T value) const {
    return group_sum(value, kWarp);
  }
};

struct BlockGroup {
  static constexpr int kWarps = kWideThreads / kWarp;
  double* per_warp;  // [kWarps], shared

  __device__ __forceinline__ int size() const { return kWideThreads; }
  __device__ __forceinline__ int rank() const { return static_cast<int>(threadIdx.x); }
  template <typename T>
  __device__ __forceinline__ T max(T value) const {
    return group_max(exchange(group_max(value, kWarp)), kWarps);
  }
  template <typename T>
  __device__ __forceinline__ T sum(T value) const {
    return group_sum(exchange(group_sum(value, kWarp)), kWarps);
  }

 private:
  // From one value per warp to one value per lane, repeated every kWarps lanes.
  template <typename T>
  __device__ __forceinline__ T exchange(T value) const {
    __syncthreads();  // the values of the reduction before have been read
    if (threadIdx.x % kWarp == 0) {
      per_warp[threadIdx.x / kWarp] = static_cast<double>(value);
    }
    __syncthreads();
    return static_cast<T>(per_warp[threadIdx.x % kWarps]);
  }
};

// The logits of one code in one row, in packets of 16 bytes that begin at a boundary; the first and the last may reach
// beyond the code.
template <typename head_t>
struct Segment {
  static constexpr int kWidth = kPacket<head_t>;

  const head_t* logits;
  int64_t stride;
  int64_t count;
  int past;  // elements of the first packet that lie before the code
  int64_t packets;

  __device__ __forceinline__ Segment(const head_t* first, int64_t column_stride, int64_t cardinality)
      : logits(first),
        stride(column_stride),
        count(cardinality),
        past(column_stride == 1 ? elements_past_boundary(first) : 0),
        packets((cardinality + past + kWidth - 1) / kWidth) {}

  // The code's element at which a packet begins; negative for the first of an unaligned code.
  __device__ __forceinline__ int64_t begin(int64_t packet) const { return packet * kWidth - past; }

  __device__ __forceinline__ bool whole(int64_t begin) const { return begin >= 0 && begin + kWidth <= count; }

  // Minus infinity where there is no element.
  __device__ __forceinline__ Packet<head_t> load(int64_t packet) const {
    const int64_t first = begin(packet);
    if (stride == 1 && whole(first)) {
      return load_packet(logits + first);
    }
    Packet<head_t> values;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const int64_t j = first + k;
      values.value[k] = j >= 0 && j < count ? logits[j * stride] : static_cast<head_t>(-kInfinity<float>);
    }
    return values;
  }
};

template <typename head_t>
class WideWorker {
 public:
  using acc_t = accumulate_t<head_t>;

  __device__ __forceinline__ WideWorker(const InfoLossArgs<head_t>& args, double* per_warp, Sums<head_t>& sums)
      : args_(args),
        codes_(args),
        variance_(args),
        width_(args.layout.head_dim(args.variance)),
        block_{per_warp},
        sums_(sums) {}

  // The block's share of the rows.
  __device__ __forceinline__ void run() {
    for (int64_t row = blockIdx.x; row < args_.batch; row += gridDim.x) {
      categorical_codes(row);
      continuous_codes(row);
    }
  }

 private:
  static constexpr int kInFlight = 4;  // packets that a thread holds at a time

  // Categories up to which a code is a single warp's work: fewer if there are not codes enough for all warps.
  __device__ __forceinline__ int64_t warp_codes() const {
    return args_.layout.categorical >= BlockGroup::kWarps ? 2048 : 256;
  }

  __device__ __forceinline__ void categorical_codes(int64_t row) {
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    for (int64_t code = warp; code < args_.layout.categorical; code += BlockGroup::kWarps) {
      if (codes_.columns(code).count <= warp_codes()) {
        categorical_code(WarpGroup{}, row, code);
      }
    }
    for (int64_t code = 0; code < args_.layout.categorical; ++code) {
      if (codes_.columns(code).count > warp_codes()) {
        categorical_code(block_, row, code);
      }
    }
  }

  template <typename Group>
  __device__ __forceinline__ void categorical_code(const Group& group, int64_t row, int64_t code) {
    const Columns columns = codes_.columns(code);
    const head_t* logits = args_.head + row * args_.head_row_stride + columns.first * args_.head_column_stride;
    const Segment<head_t> segment(logits, args_.head_column_stride, columns.count);
    const int64_t per_chunk = static_cast<int64_t>(group.size()) * kInFlight;
    const int64_t chunks = (segment.packets + per_chunk - 1) / per_chunk;

    Packet<head_t> held[kInFlight];
    acc_t max = -kInfinity<acc_t>;
    acc_t sum = 0;  // of exp(logit - max)
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      load(segment, chunk * per_chunk + group.rank(), group.size(), held);
      add_chunk(held, max, sum);
    }
    const acc_t row_max = group.max(max);
    const acc_t row_sum = group.sum(sum * std::exp(max - finite_shift(row_max)));

    const Category category = codes_.category(row, code, columns.count);
    if (group.rank() == 0 && !category.ignored) {
      const acc_t nll =
          category.in_range
              ? categorical_nll(static_cast<acc_t>(logits[category.value * args_.head_column_stride]), row_max, row_sum)
              : kNaN<acc_t>;
      sums_.add(0, code, static_cast<double>(nll));
      sums_.add_count(0, code, 1);
    }
    if (args_.gradient == nullptr) {
      return;
    }
    const acc_t reciprocal = category.in_range ? acc_t(1) / row_sum : kNaN<acc_t>;
    for (int64_t chunk = chunks - 1; chunk >= 0; --chunk) {
      if (chunk < chunks - 1) {
        load(segment, chunk * per_chunk + group.rank(), group.size(), held);
      }
#pragma unroll
      for (int u = 0; u < kInFlight; ++u) {
        const int64_t packet = chunk * per_chunk + u * group.size() + group.rank();
        if (packet < segment.packets) {
          store_gradient(segment, packet, held[u], row, columns.first, row_max, reciprocal, category);
        }
      }
    }
  }

  static __device__ __forceinline__ void load(
      const Segment<head_t>& segment, int64_t first, int step, Packet<head_t> (&held)[kInFlight]) {
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      held[u] = segment.load(first + u * step);
    }
  }

  // What is subtracted before exponentiation: zero where there is nothing but minus infinity so far.
  static __device__ __forceinline__ acc_t finite_shift(acc_t max) { return max == -kInfinity<acc_t> ? acc_t(0) : max; }

  static __device__ __forceinline__ void add_chunk(const Packet<head_t> (&held)[kInFlight], acc_t& max, acc_t& sum) {
    acc_t new_max = max;
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
#pragma unroll
      for (int k = 0; k < kPacket<head_t>; ++k) {
        const acc_t logit = static_cast<acc_t>(held[u].value[k]);
        new_max = logit > new_max ? logit : new_max;
      }
    }
    const acc_t shift = finite_shift(new_max);
    sum *= std::exp(max - shift);
    max = new_max;
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
#pragma unroll
      for (int k = 0; k < kPacket<head_t>; ++k) {
        sum += std::exp(static_cast<acc_t>(held[u].value[k]) - shift);
      }
    }
  }

  __device__ __forceinline__ void store_gradient(
      const Segment<head_t>& segment,
      int64_t packet,
      const Packet<head_t>& logits,
      int64_t row,
      int64_t first_column,
      acc_t max,
      acc_t reciprocal,
      const Category& category) const {
    using out_t = gradient_t<head_t>;
    constexpr int kWidth = kPacket<head_t>;
    const int64_t begin = segment.begin(packet);
    out_t* target = args_.gradient + row * width_ + first_column + begin;
    out_t gradient[kWidth];
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const acc_t exponential = std::exp(static_cast<acc_t>(logits.value[k]) - max);
      gradient[k] = static_cast<out_t>(
          category.ignored ? acc_t(0) : categorical_gradient(exponential, reciprocal, begin + k == category.value));
    }
    if (segment.whole(begin) && on_boundary(target)) {
#pragma unroll
      for (int piece = 0; piece < kWidth; piece += kPacket<out_t>) {
        Packet<out_t> out;
#pragma unroll
        for (int k = 0; k < kPacket<out_t>; ++k) {
          out.value[k] = gradient[piece + k];
        }
        store_packet(target + piece, out);
      }
      return;
    }
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      if (begin + k >= 0 && begin + k < segment.count) {
        target[k] = gradient[k];
      }
    }
  }

  // Four codes to a thread, as many as a Philox block gives.
  __device__ __forceinline__ void continuous_codes(int64_t row) {
    const int64_t count = args_.layout.continuous;
    const head_t* means = args_.head + row * args_.head_row_stride + args_.layout.logits * args_.head_column_stride;
    const head_t* scales = means + count * args_.head_column_stride;
    for (int64_t block = threadIdx.x; block * kRealsPerBlock < count; block += kWideThreads) {
      acc_t values[kRealsPerBlock] = {};
      codes_.continuous(row, block, values);
#pragma unroll
      for (int k = 0; k < kRealsPerBlock; ++k) {
        const int64_t i = block * kRealsPerBlock + k;
        if (i < count) {
          const acc_t mean = static_cast<acc_t>(means[i * args_.head_column_stride]);
          const acc_t scale = variance_.learned() ? static_cast<acc_t>(scales[i * args_.head_column_stride]) : acc_t(0);
          const auto term = variance_.term(mean, scale, values[k]);
          sums_.add(0, args_.layout.categorical + i, static_cast<double>(term.nll));
          if (args_.gradient != nullptr) {
            gradient_t<head_t>* gradient = args_.gradient + row * width_ + args_.layout.logits + i;
            gradient[0] = static_cast<gradient_t<head_t>>(term.d_mean);
            if (variance_.learned()) {
              gradient[count] = static_cast<gradient_t<head_t>>(term.d_scale);
            }
          }
        }
      }
    }
  }

  const InfoLossArgs<head_t>& args_;
  const Codes<head_t> codes_;
  const VarianceModel<acc_t> variance_;
  const int64_t width_;
  const BlockGroup block_;
  Sums<head_t>& sums_;
};

// Blocks that a multiprocessor has to hold: lets the compiler take up to 128 registers. Left to itself it chooses 64
// for float on sm_80 and spills; with this bound it would spill for double on sm_90.
template <typename head_t>
constexpr int kWideBlocksHeld = std::is_same_v<head_t, double> ? 0 : 2;

template <typename head_t>
__global__ void __launch_bounds__(kWideThreads, kWideBlocksHeld<head_t>)
    info_loss_wide_kernel(const __grid_constant__ InfoLossArgs<head_t> args, const InfoLossPlan plan) {
  INFOGAN_SHARED(double, shared_sums, kSharedSlots);
  INFOGAN_SHARED(double, per_warp, BlockGroup::kWarps);
  INFOGAN_SHARED(int, last, 1);
  Sums<head_t> sums(args, plan, shared_sums);
  sums.clear();
  WideWorker<head_t>(args, per_warp, sums).run();
  sums.finish(last, per_warp);
}

}  // namespace infogan_fast::cuda
