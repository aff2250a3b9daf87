#pragma once

#include <cstdint>

#include "../kernel/code_mean.h"
#include "info_loss.h"
#include "warp.h"

// From the terms of every row to the loss, in one launch and in a fixed order: a block adds up its rows, writes its
// sums to the workspace, and the block that finishes last adds the sums of all of them.

namespace infogan_fast::cuda {

// One counter per launch that may be running; zero between launches, since the last block makes it wrap around.
static __device__ unsigned tickets[kTickets];

template <typename head_t>
class Sums {
 public:
  // shared: kSharedSlots * plan.accumulators doubles of the block.
  __device__ __forceinline__ Sums(const InfoLossArgs<head_t>& args, const InfoLossPlan& plan, double* shared)
      : args_(args),
        codes_(args.layout.codes()),
        slots_(info_loss_slots(args.layout)),
        accumulators_(plan.accumulators),
        accumulator_(
            slots_ <= kSharedSlots ? shared
                                   : args.workspace + slots_ * gridDim.x + slots_ * accumulators_ * blockIdx.x) {}

  // The block's sums become zero.
  __device__ __forceinline__ void clear() {
    for (int64_t i = threadIdx.x; i < slots_ * accumulators_; i += blockDim.x) {
      accumulator_[i] = 0.0;
    }
    __syncthreads();
  }

  // Adds to a code's sum. An accumulator's sum of a code belongs to one thread.
  __device__ __forceinline__ void add(int accumulator, int64_t code, double nll) {
    accumulator_[slots_ * accumulator + code] += nll;
  }
  __device__ __forceinline__ void add_count(int accumulator, int64_t code, int count) {
    accumulator_[slots_ * accumulator + codes_ + code] += count;
  }

  // Called by all threads of every block when the rows are done. last: one int of shared memory; weighted: one double
  // per warp.
  __device__ __forceinline__ void finish(int* last, double* weighted) {
    __syncthreads();
    const unsigned blocks = gridDim.x;
    for (int64_t slot = threadIdx.x; slot < slots_; slot += blockDim.x) {
      double sum = accumulator_[slot];
      for (int i = 1; i < accumulators_; ++i) {
        sum += accumulator_[slots_ * i + slot];
      }
      args_.workspace[slot * blocks + blockIdx.x] = sum;
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
      unsigned* counter = args_.counter != nullptr ? args_.counter : &tickets[args_.ticket];
      *last = blocks == 1 || atomicInc(counter, blocks - 1) == blocks - 1;
    }
    __syncthreads();
    if (*last != 0) {
      __threadfence();
      write_results(weighted);
    }
  }

 private:
  // The sum of one slot over all blocks, in every lane of the warp.
  __device__ __forceinline__ double total(int64_t slot) const {
    const double* sums = args_.workspace + slot * gridDim.x;
    double sum = 0.0;
#pragma unroll 8
    for (unsigned block = threadIdx.x % kWarp; block < gridDim.x; block += kWarp) {
      sum += __ldcg(sums + block);
    }
    return group_sum(sum, kWarp);
  }

  __device__ __forceinline__ double weight(int64_t code) const {
    const double weight = __longlong_as_double(args_.table.word(args_.layout.categorical + 1 + code));
    return args_.weight_scale == nullptr ? weight : weight * args_.weight_scale[code * args_.weight_scale_stride];
  }

  // A warp per code, in turn.
  __device__ __forceinline__ void write_results(double* weighted) const {
    using acc_t = accumulate_t<head_t>;
    const int warps = static_cast<int>(blockDim.x) / kWarp;
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    const bool leads = threadIdx.x % kWarp == 0;
    double loss = 0.0;
    for (int64_t code = warp; code < codes_; code += warps) {
      const double sum = total(code);
      const double count = code < args_.layout.categorical ? total(codes_ + code) : static_cast<double>(args_.batch);
      if (leads) {
        const double code_weight = weight(code);
        const CodeMean mean = code_mean(sum, count, code_weight);
        args_.nll[code] = static_cast<acc_t>(mean.nll);
        args_.factor[code] = static_cast<acc_t>(code_factor(count, code_weight));
        loss += mean.weighted;
      }
    }
    if (leads) {
      weighted[warp] = loss;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      for (int i = 1; i < warps; ++i) {
        loss += weighted[i];
      }
      *args_.loss = static_cast<acc_t>(loss);
    }
  }

  const InfoLossArgs<head_t>& args_;
  const int64_t codes_;
  const int64_t slots_;
  const int accumulators_;
  double* const accumulator_;
};

}  // namespace infogan_fast::cuda
