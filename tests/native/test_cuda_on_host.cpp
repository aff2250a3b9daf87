// The harness that runs CUDA kernels on the host: what its functions return, what it reports, and that it finds faults.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "cuda_on_host/cuda_runtime.h"

using cuda_on_host::Order;
using cuda_on_host::under_every_schedule;

namespace {

constexpr unsigned kAll = 0xFFFFFFFFu;
constexpr cudaStream_t kStream = nullptr;

// What the KernelError says that run() throws; empty if it throws none.
template <typename Run>
std::string error_of(const Run& run) {
  try {
    run();
  } catch (const cuda_on_host::KernelError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Shuffles ---------------------------------------------------------------------------------------------------------

template <typename T>
__global__ void shuffles_kernel(T* out) {
  const int lane = static_cast<int>(threadIdx.x) % warpSize;
  const T value = static_cast<T>(lane);
  T* row = out + threadIdx.x * 12;
  row[0] = __shfl_sync(kAll, value, 5);
  row[1] = __shfl_sync(kAll, value, 11, 8);
  row[2] = __shfl_sync(kAll, value, -1, 8);
  row[3] = __shfl_sync(kAll, value, 31 - lane);
  row[4] = __shfl_up_sync(kAll, value, 3);
  row[5] = __shfl_up_sync(kAll, value, 3, 8);
  row[6] = __shfl_down_sync(kAll, value, 3);
  row[7] = __shfl_down_sync(kAll, value, 3, 8);
  row[8] = __shfl_xor_sync(kAll, value, 5);
  row[9] = __shfl_xor_sync(kAll, value, 5, 4);
  row[10] = __shfl_xor_sync(kAll, value, 32 + 1);
  row[11] = __shfl_sync(kAll, value, lane, 1);
}

template <typename T>
void check_shuffles() {
  under_every_schedule([] {
    std::vector<T> out(64 * 12, T(99));
    CUDA_ON_HOST_LAUNCH((shuffles_kernel<T>), 1, 64, kStream, out.data());
    for (int thread = 0; thread < 64; ++thread) {
      const std::vector<double> row(out.begin() + thread * 12, out.begin() + (thread + 1) * 12);
      const int lane = thread % 32;
      const int group = lane / 8 * 8;
      CHECK_EQUAL(row[0], 5);
      CHECK_EQUAL(row[1], group + 3);
      CHECK_EQUAL(row[2], group + 7);
      CHECK_EQUAL(row[3], 31 - lane);
      CHECK_EQUAL(row[4], lane >= 3 ? lane - 3 : lane);
      CHECK_EQUAL(row[5], lane - group >= 3 ? lane - 3 : lane);
      CHECK_EQUAL(row[6], lane + 3 < 32 ? lane + 3 : lane);
      CHECK_EQUAL(row[7], lane + 3 < group + 8 ? lane + 3 : lane);
      CHECK_EQUAL(row[8], lane ^ 5);
      // Bit 2 leads to the group before or the group after; only the one before can be read.
      CHECK_EQUAL(row[9], lane % 8 >= 4 ? lane ^ 5 : lane);
      CHECK_EQUAL(row[10], lane ^ 1);
      CHECK_EQUAL(row[11], lane);
    }
  });
}

TEST(shuffles_of_every_type_and_width) {
  check_shuffles<int>();
  check_shuffles<unsigned>();
  check_shuffles<int64_t>();
  check_shuffles<unsigned long long>();
  check_shuffles<float>();
  check_shuffles<double>();
}

__global__ void all_bits_kernel(double* out) {
  out[threadIdx.x] = __shfl_xor_sync(kAll, 1.0 / (threadIdx.x + 3), 1);
}

TEST(shuffles_move_all_eight_bytes) {
  double out[32];
  CUDA_ON_HOST_LAUNCH(all_bits_kernel, 1, 32, kStream, out);
  CHECK_EQUAL(out[6], 1.0 / 10);  // of lane 7
}

__global__ void half_warps_kernel(float* out) {
  const int lane = static_cast<int>(threadIdx.x);
  if (lane < 16) {
    out[lane] = __shfl_down_sync(0x0000FFFFu, float(lane), 8);
  } else {
    out[lane] = __shfl_xor_sync(0xFFFF0000u, float(lane), 1);
  }
}

TEST(halves_of_a_warp_go_their_own_ways) {
  under_every_schedule([] {
    float out[32];
    CUDA_ON_HOST_LAUNCH(half_warps_kernel, 1, 32, kStream, out);
    for (int lane = 0; lane < 8; ++lane) {
      CHECK_EQUAL(out[lane], lane + 8);
      CHECK(std::isnan(out[lane + 8]));  // from a lane that the mask does not name: undefined
      CHECK_EQUAL(out[lane + 16], (lane + 16) ^ 1);
    }
  });
}

__global__ void width_kernel() {
  __shfl_sync(kAll, 1, 0, 12);
}

TEST(width_must_be_a_power_of_two) {
  CHECK(contains(error_of([] { CUDA_ON_HOST_LAUNCH(width_kernel, 1, 32, kStream); }), "has width 12"));
}

// Votes and reductions ---------------------------------------------------------------------------------------------

__global__ void votes_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  unsigned* row = out + lane * 10;
  row[0] = __ballot_sync(kAll, lane % 3 == 0);
  row[1] = static_cast<unsigned>(__any_sync(kAll, lane == 7));
  row[2] = static_cast<unsigned>(__any_sync(kAll, lane == 32));
  row[3] = static_cast<unsigned>(__all_sync(kAll, lane != 7));
  row[4] = static_cast<unsigned>(__all_sync(kAll, lane != 32));
  row[5] = __reduce_add_sync(kAll, lane + 0x80000000u);
  row[6] = static_cast<unsigned>(__reduce_add_sync(kAll, -static_cast<int>(lane)));
  row[7] = static_cast<unsigned>(__reduce_min_sync(kAll, 5 - static_cast<int>(lane)));
  row[8] = static_cast<unsigned>(__reduce_max_sync(kAll, 5 - static_cast<int>(lane)));
  row[9] = lane < 4 ? __ballot_sync(0xFu, lane != 1) : 0;
}

TEST(votes_and_reductions) {
  under_every_schedule([] {
    std::vector<unsigned> out(32 * 10);
    CUDA_ON_HOST_LAUNCH(votes_kernel, 1, 32, kStream, out.data());
    for (int lane = 0; lane < 32; ++lane) {
      const unsigned* row = out.data() + lane * 10;
      CHECK_EQUAL(row[0], 0x49249249u);
      CHECK_EQUAL(row[1], 1u);
      CHECK_EQUAL(row[2], 0u);
      CHECK_EQUAL(row[3], 0u);
      CHECK_EQUAL(row[4], 1u);
      CHECK_EQUAL(row[5], 496u);
      CHECK_EQUAL(static_cast<int>(row[6]), -496);
      CHECK_EQUAL(static_cast<int>(row[7]), -26);
      CHECK_EQUAL(static_cast<int>(row[8]), 5);
      CHECK_EQUAL(row[9], lane < 4 ? 0xDu : 0u);
    }
  });
}

__global__ void block_votes_kernel(int* out) {
  const int thread = static_cast<int>(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
  out[5 * thread] = __syncthreads_count(thread % 2);
  out[5 * thread + 1] = __syncthreads_and(thread != 70);
  out[5 * thread + 2] = __syncthreads_and(thread != 71) + 2;
  out[5 * thread + 3] = __syncthreads_or(thread == 70);
  out[5 * thread + 4] = __syncthreads_or(thread == 72) + 2;
}

TEST(block_votes_in_a_partial_warp_of_a_three_dimensional_block) {
  under_every_schedule([] {
    std::vector<int> out(5 * 72);
    CUDA_ON_HOST_LAUNCH(block_votes_kernel, 1, dim3(3, 4, 6), kStream, out.data());
    for (int thread = 0; thread < 72; ++thread) {
      CHECK_EQUAL(out[5 * thread], 36);
      CHECK_EQUAL(out[5 * thread + 1], 0);
      CHECK_EQUAL(out[5 * thread + 2], 2);
      CHECK_EQUAL(out[5 * thread + 3], 1);
      CHECK_EQUAL(out[5 * thread + 4], 2);
    }
  });
}

// Functions of one thread ------------------------------------------------------------------------------------------

TEST(bits) {
  CHECK_EQUAL(__popc(0xF0F0u), 8);
  CHECK_EQUAL(__popcll(0xF0F0ull << 40), 8);
  CHECK_EQUAL(__ffs(0), 0);
  CHECK_EQUAL(__ffs(8), 4);
  CHECK_EQUAL(__ffs(INT32_MIN), 32);
  CHECK_EQUAL(__clz(0), 32);
  CHECK_EQUAL(__clz(1), 31);
  CHECK_EQUAL(__clz(-1), 0);
  CHECK_EQUAL(__umulhi(0x80000000u, 6u), 3u);
  CHECK_EQUAL(__umul64hi(1ull << 63, 6ull), 3ull);
  CHECK_EQUAL(__float_as_uint(1.0f), 0x3F800000u);
  CHECK_EQUAL(__uint_as_float(0x3F800000u), 1.0f);
  CHECK_EQUAL(__longlong_as_double(__double_as_longlong(-2.5)), -2.5);
  CHECK_EQUAL(min(int64_t{3}, int64_t{-4}), -4);
  CHECK_EQUAL(max(3.0f, std::nanf("")), 3.0f);
}

TEST(loads_and_stores) {
  float4 value{1, 2, 3, 4};
  float4 copy{};
  __stcg(&copy, __ldg(&value));
  CHECK_EQUAL(copy.w, 4);
  __stcs(&copy.x, __ldcg(&value.y) + __ldcs(&value.z));
  CHECK_EQUAL(copy.x, 5);
  CHECK_EQUAL(sizeof(uint4) + alignof(uint4) + alignof(float4) + alignof(float2) + alignof(double2), 72u);
}

TEST(atomics) {
  int i = INT32_MAX;
  CHECK_EQUAL(atomicAdd(&i, 1), INT32_MAX);
  CHECK_EQUAL(i, INT32_MIN);
  CHECK_EQUAL(atomicMax(&i, -3), INT32_MIN);
  CHECK_EQUAL(atomicMin(&i, 8), -3);
  CHECK_EQUAL(atomicExch(&i, 12), -3);
  CHECK_EQUAL(atomicCAS(&i, 11, 1), 12);
  CHECK_EQUAL(atomicCAS(&i, 12, 6), 12);
  CHECK_EQUAL(atomicOr(&i, 9), 6);
  CHECK_EQUAL(atomicAnd(&i, 3), 15);
  CHECK_EQUAL(i, 3);
  double d = 0.5;
  CHECK_EQUAL(atomicAdd(&d, 1), 0.5);
  CHECK_EQUAL(d, 1.5);
  unsigned long long u = ~0ull;
  CHECK(atomicAdd(&u, 3) == ~0ull);
  CHECK_EQUAL(u, 2u);
  unsigned counter = 1;
  CHECK_EQUAL(atomicInc(&counter, 2), 1u);
  CHECK_EQUAL(atomicInc(&counter, 2), 2u);
  CHECK_EQUAL(counter, 0u);
  CHECK_EQUAL(atomicDec(&counter, 2), 0u);
  CHECK_EQUAL(atomicDec(&counter, 2), 2u);
  CHECK_EQUAL(counter, 1u);
  counter = 7;
  CHECK_EQUAL(atomicDec(&counter, 2), 7u);
  CHECK_EQUAL(counter, 2u);
}

// Shared memory ----------------------------------------------------------------------------------------------------

template <typename T>
T* scratch() {
  CUDA_ON_HOST_SHARED(T, storage, 3);
  return storage;
}

__global__ void shared_kernel(int* fresh, int* distinct) {
  CUDA_ON_HOST_SHARED(float, values, 64);
  if (threadIdx.x == 0) {
    fresh[blockIdx.x] = 0;
    for (const float value : values) {
      fresh[blockIdx.x] += std::isnan(value);
    }
  }
  __syncthreads();
  values[threadIdx.x] = static_cast<float>(threadIdx.x + blockIdx.x);
  __syncthreads();
  const bool mine = values[63 - threadIdx.x] == static_cast<float>(63 - threadIdx.x + blockIdx.x);
  // One array per function and type, wherever it is called from, on a boundary of 16 bytes.
  const bool same = scratch<char>() == scratch<char>() &&
                    static_cast<void*>(scratch<char>()) != static_cast<void*>(scratch<int>()) &&
                    reinterpret_cast<uintptr_t>(scratch<char>()) % 16 == 0;
  atomicAdd(&distinct[blockIdx.x], mine && same);
}

TEST(shared_memory_belongs_to_the_block_and_is_poisoned) {
  under_every_schedule([] {
    cuda_on_host::reset_launches();
    int fresh[3] = {};
    int distinct[3] = {};
    CUDA_ON_HOST_LAUNCH(shared_kernel, 3, 64, kStream, fresh, distinct);
    for (int block = 0; block < 3; ++block) {
      CHECK_EQUAL(fresh[block], 64);
      CHECK_EQUAL(distinct[block], 64);
    }
    CHECK_EQUAL(cuda_on_host::launches().at(0).shared_bytes, 64 * sizeof(float) + 16 + 3 * sizeof(int));
  });
}

template <int kBytes>
__global__ void large_kernel() {
  CUDA_ON_HOST_SHARED(char, half, 24576);
  CUDA_ON_HOST_SHARED(char, rest, kBytes);
  half[0] = rest[0] = 0;
}

TEST(shared_memory_has_48_kib) {
  CHECK(error_of([] { CUDA_ON_HOST_LAUNCH((large_kernel<24576>), 1, 32, kStream); }).empty());
  CHECK(contains(
      error_of([] { CUDA_ON_HOST_LAUNCH((large_kernel<24577>), 1, 32, kStream); }), "shared memory: rest needs 24577"));
}

// Whole kernels ----------------------------------------------------------------------------------------------------

// The sum of a block's values, in its thread 0. Threads: a multiple of 32.
__device__ float block_sum(float value) {
  CUDA_ON_HOST_SHARED(float, partial, 32);
  for (int offset = 16; offset > 0; offset /= 2) {
    value += __shfl_down_sync(kAll, value, static_cast<unsigned>(offset));
  }
  if (threadIdx.x % 32 == 0) {
    partial[threadIdx.x / 32] = value;
  }
  __syncthreads();
  value = threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0.0f;
  if (threadIdx.x < 32) {
    for (int offset = 16; offset > 0; offset /= 2) {
      value += __shfl_xor_sync(kAll, value, offset);
    }
  }
  __syncthreads();
  return value;
}

// Every block writes its sum; the last one to finish adds them up.
__global__ void sum_kernel(const float* x, int count, float* sums, unsigned* ticket, float* total) {
  float value = 0.0f;
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < static_cast<unsigned>(count);
       i += gridDim.x * blockDim.x) {
    value += x[i];
  }
  value = block_sum(value);
  CUDA_ON_HOST_SHARED(bool, last, 1);
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = value;
    __threadfence();
    last[0] = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (last[0]) {
    value = block_sum(threadIdx.x < gridDim.x ? __ldcg(&sums[threadIdx.x]) : 0.0f);
    if (threadIdx.x == 0) {
      *total = value;
    }
  }
}

TEST(block_sums_and_the_last_block) {
  std::vector<float> x(5000);
  std::iota(x.begin(), x.end(), 1.0f);
  under_every_schedule([&] {
    unsigned ticket = 0;
    for (const unsigned threads : {32u, 96u, 1024u}) {
      float sums[7];
      float total = 0.0f;
      CUDA_ON_HOST_LAUNCH(sum_kernel, 7, threads, kStream, x.data(), 5000, sums, &ticket, &total);
      CHECK_EQUAL(total, 12502500.0f);
      CHECK_EQUAL(ticket, 0u);
    }
  });
}

// Planted faults: each must show under one of the schedules at least.
enum class Fault { kNone, kOffByOneRow, kNoBarrierBeforeReading, kNoBarrierBeforeWriting, kWrongLane };

// Blocks take rows in turn, of up to 64 elements; 64 threads.
template <Fault kFault>
__global__ void row_sum_kernel(const float* x, int rows, int width, float* out) {
  CUDA_ON_HOST_SHARED(float, row_values, 64);
  const int thread = static_cast<int>(threadIdx.x);
  for (int row = static_cast<int>(blockIdx.x); row < rows; row += static_cast<int>(gridDim.x)) {
    const int source = row + (kFault == Fault::kOffByOneRow);
    row_values[thread] = thread < width ? x[source * width + thread] : 0.0f;
    if (kFault != Fault::kNoBarrierBeforeReading) {
      __syncthreads();
    }
    if (thread < 32) {
      float sum = row_values[thread] + row_values[thread + 32];
      for (unsigned offset = 16; offset > 0; offset /= 2) {
        sum += __shfl_down_sync(kAll, sum, kFault == Fault::kWrongLane && offset == 4 ? 5 : offset);
      }
      if (thread == 0) {
        out[row] = sum;
      }
    }
    if (kFault != Fault::kNoBarrierBeforeWriting) {
      __syncthreads();
    }
  }
}

// In how many of the standard schedules the kernel ends and is right.
template <Fault kFault>
int schedules_passed() {
  constexpr int kRows = 5;
  constexpr int kWidth = 50;
  std::vector<float> x((kRows + 1) * kWidth);  // a row more, so that one too far is no fault of memory
  std::iota(x.begin(), x.end(), 1.0f);
  int passed = 0;
  under_every_schedule([&] {
    float out[kRows] = {};
    bool right = error_of([&] {
                   CUDA_ON_HOST_LAUNCH((row_sum_kernel<kFault>), 2, 64, kStream, x.data(), kRows, kWidth, out);
                 }).empty();
    for (int row = 0; row < kRows; ++row) {
      right = right && out[row] == std::accumulate(x.begin() + row * kWidth, x.begin() + (row + 1) * kWidth, 0.0f);
    }
    passed += right;
  });
  return passed;
}

TEST(planted_faults_are_found) {
  const int all = static_cast<int>(cuda_on_host::schedules().size());
  CHECK_EQUAL(schedules_passed<Fault::kNone>(), all);
  CHECK_EQUAL(schedules_passed<Fault::kOffByOneRow>(), 0);
  CHECK(schedules_passed<Fault::kNoBarrierBeforeReading>() < all);
  CHECK(schedules_passed<Fault::kNoBarrierBeforeWriting>() < all);
  CHECK_EQUAL(schedules_passed<Fault::kWrongLane>(), 0);
}

// Schedules --------------------------------------------------------------------------------------------------------

__global__ void order_kernel(int* order, int* count) {
  const int id = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  order[atomicAdd(count, 1)] = id;
  __syncthreads();
  order[atomicAdd(count, 1)] = id;
}

std::vector<int> order_under(const cuda_on_host::Schedule& schedule) {
  std::vector<int> order(2 * 3 * 48, -1);
  int count = 0;
  cuda_on_host::set_schedule(schedule);
  CUDA_ON_HOST_LAUNCH(order_kernel, 3, 48, kStream, order.data(), &count);
  cuda_on_host::set_schedule({});
  return order;
}

TEST(schedules_order_blocks_and_threads) {
  const std::vector<int> forward = order_under({});
  const std::vector<int> backward = order_under({Order::kBackward, Order::kBackward});
  const std::vector<int> mixed = order_under({Order::kForward, Order::kBackward});
  for (int block = 0; block < 3; ++block) {
    for (int i = 0; i < 96; ++i) {
      CHECK_EQUAL(forward[block * 96 + i], block * 48 + i % 48);
      CHECK_EQUAL(backward[block * 96 + i], (2 - block) * 48 + 47 - i % 48);
      CHECK_EQUAL(mixed[block * 96 + i], block * 48 + 47 - i % 48);
    }
  }
  const auto shuffled = [](uint64_t seed) { return order_under({Order::kShuffled, Order::kShuffled, seed}); };
  CHECK(shuffled(1) == shuffled(1));
  CHECK(shuffled(1) != shuffled(2));
  // Each round of a block has all of its threads, in another order.
  const std::vector<int> order = shuffled(1);
  for (int round = 0; round < 6; ++round) {
    std::vector<int> threads(order.begin() + round * 48, order.begin() + (round + 1) * 48);
    const bool in_order = std::is_sorted(threads.begin(), threads.end());
    std::sort(threads.begin(), threads.end());
    CHECK(!in_order);
    CHECK_EQUAL(threads.back() - threads.front(), 47);
    CHECK(std::adjacent_find(threads.begin(), threads.end()) == threads.end());
  }
}

// Errors -----------------------------------------------------------------------------------------------------------

constexpr int kExitLine = __LINE__ + 5;
__global__ void early_exit_kernel(unsigned thread) {
  if (threadIdx.x == thread) {
    return;
  }
  __syncthreads();
}

__global__ void two_barriers_kernel() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void barrier_and_warp_kernel() {
  if (threadIdx.x == 9) {
    __syncthreads();
  }
  __syncwarp();
}

TEST(divergent_barriers_are_reported) {
  under_every_schedule([] {
    // Whether the thread exits before the others wait or after.
    for (const unsigned thread : {0u, 5u, 63u}) {
      const std::string exit = error_of([&] { CUDA_ON_HOST_LAUNCH(early_exit_kernel, 2, 64, kStream, thread); });
      CHECK(contains(exit, "kernel early_exit_kernel, grid (2, 1, 1), block ("));
      CHECK(contains(exit, "divergent barrier"));
      CHECK(contains(exit, "test_cuda_on_host.cpp:" + std::to_string(kExitLine)));
      CHECK(contains(exit, "thread " + std::to_string(thread) + " has exited"));
    }
    const std::string two = error_of([] { CUDA_ON_HOST_LAUNCH(two_barriers_kernel, 1, 64, kStream); });
    CHECK(contains(two, "divergent barrier"));
    CHECK(contains(two, "test_cuda_on_host.cpp:" + std::to_string(kExitLine + 5)));
    CHECK(contains(two, "test_cuda_on_host.cpp:" + std::to_string(kExitLine + 7)));
    const std::string stuck = error_of([] { CUDA_ON_HOST_LAUNCH(barrier_and_warp_kernel, 1, 32, kStream); });
    CHECK(contains(stuck, "no thread can go on"));
    CHECK(contains(stuck, "thread 9 waits at __syncthreads"));
    CHECK(contains(stuck, "threads 0-8, 10-31 wait at __syncwarp"));
    CHECK(contains(stuck, "with mask 0xFFFFFFFF for thread 9"));
  });
}

__global__ void missing_lane_kernel(int* out) {
  if (threadIdx.x % 32 != 3) {
    out[threadIdx.x] = __shfl_xor_sync(kAll, 1, 1);
  }
}

__global__ void two_shuffles_kernel(int* out) {
  if (threadIdx.x % 2 == 0) {
    out[threadIdx.x] = __shfl_xor_sync(kAll, 1, 1);
  } else {
    out[threadIdx.x] = __shfl_xor_sync(kAll, 2, 1);
  }
}

__global__ void masks_kernel(unsigned even, unsigned odd) {
  __syncwarp(threadIdx.x % 2 == 0 ? even : odd);
}

TEST(divergent_warp_collectives_are_reported) {
  under_every_schedule([] {
    int out[64];
    const std::string missing = error_of([&] { CUDA_ON_HOST_LAUNCH(missing_lane_kernel, 1, 64, kStream, out); });
    CHECK(contains(missing, "__shfl_xor_sync"));
    CHECK(contains(missing, "thread 3 has exited") || contains(missing, "thread 35 has exited"));
    const std::string lines = error_of([&] { CUDA_ON_HOST_LAUNCH(two_shuffles_kernel, 1, 32, kStream, out); });
    CHECK(contains(lines, "cannot meet"));
    const auto masks = [](unsigned threads, unsigned even, unsigned odd) {
      return error_of([&] { CUDA_ON_HOST_LAUNCH(masks_kernel, 1, threads, kStream, even, odd); });
    };
    CHECK(masks(16, 0x5555u, 0xAAAAu).empty());
    CHECK(contains(masks(48, 0x5555u, 0xAAAAu), "does not name its own lane"));
    CHECK(contains(masks(32, kAll, 0xFFFFFFFEu), "cannot meet"));
    CHECK(contains(masks(16, 0x5555u, 0xFFFFu), "a lane is missing"));
    CHECK(contains(masks(16, 0x1FFFFu, 0x1FFFFu), "the block has no lane 16"));
  });
}

__global__ void throw_kernel(int thread) {
  __syncthreads();
  if (static_cast<int>(threadIdx.x) == thread) {
    throw std::out_of_range("from thread " + std::to_string(threadIdx.x));
  }
  __syncthreads();
}

__global__ void trap_kernel() {
  if (threadIdx.x == 2) {
    __trap();
  }
}

TEST(exceptions_leave_the_launch_and_the_next_one_works) {
  under_every_schedule([] {
    for (const int thread : {0, 40, 99}) {
      std::string caught;
      try {
        CUDA_ON_HOST_LAUNCH(throw_kernel, 3, 100, kStream, thread);
      } catch (const std::out_of_range& error) {
        caught = error.what();
      }
      CHECK(caught == "from thread " + std::to_string(thread));
      std::vector<int> out(5 * 72);
      CUDA_ON_HOST_LAUNCH(block_votes_kernel, 1, dim3(3, 4, 6), kStream, out.data());
      CHECK_EQUAL(out[0], 36);
      CUDA_ON_HOST_LAUNCH(throw_kernel, 3, 100, kStream, -1);
    }
    CHECK(contains(error_of([] { CUDA_ON_HOST_LAUNCH(trap_kernel, 1, 4, kStream); }), "thread 2 called __trap"));
  });
}

__global__ void nested_kernel() {
  CUDA_ON_HOST_LAUNCH(trap_kernel, 1, 1, kStream);
}

__global__ void nothing_kernel() {}

TEST(impossible_configurations_throw) {
  cuda_on_host::reset_launches();
  const auto launch = [](dim3 grid, dim3 block) {
    return error_of([&] { CUDA_ON_HOST_LAUNCH(nothing_kernel, grid, block, kStream); });
  };
  CHECK(
      contains(launch(1, 1025), "kernel nothing_kernel cannot be launched with grid (1, 1, 1) and block (1025, 1, 1)"));
  CHECK(contains(launch(1, dim3(32, 33)), "more than 1024 threads"));
  CHECK(contains(launch(1, dim3(1, 1, 65)), "larger than"));
  CHECK(contains(launch(1, 0), "the block is empty"));
  CHECK(contains(launch(0, 1), "the grid is empty"));
  CHECK(contains(launch(0x80000000u, 1), "the grid is larger"));
  CHECK(contains(launch(dim3(1, 65536), 1), "the grid is larger"));
  CHECK(contains(launch(dim3(1, 1, 65536), 1), "the grid is larger"));
  CHECK(cuda_on_host::launches().empty());
  CHECK(launch(dim3(2, 3, 4), dim3(4, 4, 64)).empty());
  CHECK(contains(error_of([] { CUDA_ON_HOST_LAUNCH(nested_kernel, 1, 1, kStream); }), "a kernel is running"));
}

// The log ----------------------------------------------------------------------------------------------------------

template <typename T, int kStep>
__global__ void __launch_bounds__(128) indices_kernel(const __grid_constant__ T step, int64_t* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  atomicAdd(reinterpret_cast<unsigned long long*>(out), 1);
  out[1 + block * blockDim.x * blockDim.y * blockDim.z + thread] = static_cast<int64_t>(step) * kStep;
}

TEST(launches_are_logged) {
  cuda_on_host::reset_launches();
  CHECK(cuda_on_host::launches().empty());
  std::vector<int64_t> out(1 + 24 * 30, 0);
  int stream;  // any address
  CUDA_ON_HOST_LAUNCH(
      (indices_kernel<double, 2>), dim3(2, 3, 4), dim3(5, 6), reinterpret_cast<cudaStream_t>(&stream), 3, out.data());
  CUDA_ON_HOST_LAUNCH(nothing_kernel, 1, 1, kStream);
  CHECK(cudaGetLastError() == cudaSuccess && cudaPeekAtLastError() == cudaSuccess);
  CHECK(std::string(cudaGetErrorString(cudaSuccess)) == "no error");
  CHECK_EQUAL(out[0], 24 * 30);
  CHECK_EQUAL(std::count(out.begin() + 1, out.end(), 6), 24 * 30);
  CHECK_EQUAL(cuda_on_host::launches().size(), 2u);
  const cuda_on_host::Launch& launch = cuda_on_host::launches().front();
  CHECK(launch.kernel == "indices_kernel<double, 2>");
  CHECK_EQUAL(launch.grid.z, 4u);
  CHECK_EQUAL(launch.block.y, 6u);
  CHECK(launch.stream == reinterpret_cast<cudaStream_t>(&stream));
  CHECK_EQUAL(launch.shared_bytes, 0u);
}

}  // namespace
