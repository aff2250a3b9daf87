#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "block_thread.h"
#include "fibers.h"
#include "kernel_error.h"
#include "schedule.h"
#include "shared_memory.h"
#include "vector_types.h"

namespace cuda_on_host {

// Runs the threads of one block, each in a fiber, and lets them wait for one another. Threads are numbered x first, as
// in CUDA.
//
// A thread runs until it waits or exits, and itself switches to the next one; what throws, or finds that nobody can go
// on, switches back to the host.
class Block {
 public:
  static constexpr int kMaxThreads = 1024;

  // What a lane brings to a warp collective, and takes from it.
  struct Lane {
    uint64_t value;
    int source;  // a lane of the warp, for shuffles
    uint64_t result;
  };

  // Of the blocks to come.
  void begin_launch(const std::string& kernel, const std::function<void()>& body) {
    kernel_ = kernel;
    body_ = &body;
    schedule_ = current_schedule;
    random_ = Random(schedule_.seed);
    count_ = static_cast<int>(block_size.x * block_size.y * block_size.z);
    shared_bytes_ = 0;
    while (static_cast<int>(threads_.size()) < count_) {
      threads_.push_back(std::make_unique<Thread>());
      threads_.back()->fiber.restart(&Block::thread_main);
    }
    for (int i = 0; i < count_; ++i) {
      const unsigned n = static_cast<unsigned>(i);
      threads_[i]->number = i;
      threads_[i]->index = {n % block_size.x, n / block_size.x % block_size.y, n / block_size.x / block_size.y};
    }
  }

  // Runs the block that block_index names. Throws what a thread throws, and KernelError if threads wait in vain.
  void run() {
    waiting_ = 0;
    true_predicates_ = 0;
    exited_ = 0;
    lanes_in_pass_ = 0;
    error_ = nullptr;
    make_all_ready();
    in_kernel_ = true;
    switch_to(next());
    in_kernel_ = false;
    shared_bytes_ = std::max(shared_bytes_, shared_.bytes());
    if (error_ == nullptr && exited_ < count_) {
      error_ = std::make_exception_ptr(KernelError(message("no thread can go on: " + what_threads_wait_for())));
    }
    if (error_ != nullptr) {
      for (int i = 0; i < count_; ++i) {
        if (threads_[i]->state != Thread::State::kExited) {
          threads_[i]->fiber.restart(&Block::thread_main);
        }
      }
    }
    shared_.clear();
    if (error_ != nullptr) {
      std::rethrow_exception(std::exchange(error_, nullptr));
    }
  }

  bool in_kernel() const { return in_kernel_; }
  const Schedule& schedule() const { return schedule_; }
  Random& random() { return random_; }

  // The most that a block of this launch has had.
  size_t shared_bytes() const { return shared_bytes_; }

  // What follows is called by the threads.

  // Throws KernelError on behalf of the running thread.
  [[noreturn]] void fail(const std::string& what) const { throw KernelError(message(what)); }

  int thread() const { return current_->number; }
  int lane() const { return current_->lane(); }

  // Waits for all threads of the block; returns how many came with a true predicate.
  int barrier(const Site& site, bool predicate) {
    Thread& self = *current_;
    self.wait_at(Thread::State::kAtBarrier, site, 0);
    if (exited_ > 0) {
      fail("divergent barrier: " + what_threads_wait_for() + "; " + exited_threads());
    }
    if (waiting_ > 0 && !(barrier_site_ == site)) {
      fail("divergent barrier: " + what_threads_wait_for());
    }
    barrier_site_ = site;
    ++waiting_;
    true_predicates_ += predicate;
    if (waiting_ == count_) {
      barrier_result_ = true_predicates_;
      waiting_ = 0;
      true_predicates_ = 0;
      make_all_ready();
    }
    wait();
    return barrier_result_;
  }

  // Waits for all lanes in the mask. The last one calls complete(lanes), which turns the values and sources of those in
  // the mask into results. Returns this lane's result.
  template <typename Complete>
  uint64_t warp_collective(const Site& site, uint32_t mask, uint64_t value, int source, const Complete& complete) {
    Thread& self = *current_;
    const int warp = self.warp();
    self.wait_at(Thread::State::kAtWarpCollective, site, mask);
    check_mask(mask);
    Lane* const lanes = lanes_[warp];
    lanes[lane()] = {value, source, 0};
    waiting_lanes_[warp] |= bit(lane());
    bool complete_now = (mask & ~waiting_lanes_[warp]) == 0;
    for (uint32_t others = mask & waiting_lanes_[warp]; others != 0; others &= others - 1) {
      const Thread& other = *threads_[warp * warpSize + std::countr_zero(others)];
      if (other.mask != mask || !(other.site == site)) {
        if ((other.mask & bit(lane())) != 0) {
          fail("warp collectives that cannot meet: " + what_threads_wait_for(warp));
        }
        complete_now = false;
      }
    }
    if (complete_now) {
      complete(lanes);
      for (uint32_t all = mask; all != 0; all &= all - 1) {
        threads_[warp * warpSize + std::countr_zero(all)]->state = Thread::State::kReady;
      }
      waiting_lanes_[warp] &= ~mask;
      ready_lanes_[warp] |= mask;
      ready_warps_ |= bit(warp);
    }
    wait();
    return lanes[lane()].result;
  }

  void* shared_array(const void* declaration, const char* name, size_t bytes, size_t alignment) {
    void* const data = shared_.array(declaration, bytes, alignment);
    if (data == nullptr) {
      fail(
          "shared memory: " + std::string(name) + " needs " + std::to_string(bytes) + " bytes, and " +
          std::to_string(shared_.bytes()) + " of " + std::to_string(SharedMemory::kCapacity) + " are taken");
    }
    return data;
  }

 private:
  int lanes_in_warp(int warp) const { return std::min(warpSize, count_ - warp * warpSize); }

  static void thread_main();

  // Runs the kernel once for every time that the fiber is switched to after it has exited.
  [[noreturn]] void run_threads() {
    finish_switch();
    for (;;) {
      // The exception is left behind in the catch block: the host knows of one that is being handled, not of fibers.
      try {
        (*body_)();
        exit_thread();
      } catch (...) {
        error_ = std::current_exception();
        current_->state = Thread::State::kExited;
      }
      switch_to(error_ == nullptr ? next() : host_fiber);
    }
  }

  void exit_thread() {
    const int warp = current_->warp();
    current_->state = Thread::State::kExited;
    ++exited_;
    if (waiting_ > 0) {
      fail("divergent barrier: " + what_threads_wait_for() + "; " + exited_threads());
    }
    for (uint32_t others = waiting_lanes_[warp]; others != 0; others &= others - 1) {
      if ((threads_[warp * warpSize + std::countr_zero(others)]->mask & bit(lane())) != 0) {
        fail("a lane is missing: " + what_threads_wait_for(warp) + "; " + exited_threads());
      }
    }
  }

  // Others run until the current thread is ready and has its turn.
  void wait() {
    Fiber& self = current_->fiber.fiber();
    Fiber& other = next();
    if (&other != &self) {
      switch_to(other);
    }
  }

  // The fiber whose turn it is; the host's if no thread is ready. A pass runs every lane of a warp that was ready at
  // its beginning.
  Fiber& next() {
    if (lanes_in_pass_ == 0) {
      if (ready_warps_ == 0) {
        return host_fiber;
      }
      warp_in_pass_ = pick(ready_warps_, schedule_.threads, random_);
      lanes_in_pass_ = ready_lanes_[warp_in_pass_];
      ready_lanes_[warp_in_pass_] = 0;
      ready_warps_ &= ~bit(warp_in_pass_);
    }
    const int lane = pick(lanes_in_pass_, schedule_.threads, random_);
    lanes_in_pass_ &= ~bit(lane);
    current_ = threads_[warp_in_pass_ * warpSize + lane].get();
    thread_index = current_->index;
    return current_->fiber.fiber();
  }

  void make_all_ready() {
    ready_warps_ = 0;
    for (int warp = 0; warp * warpSize < count_; ++warp) {
      ready_lanes_[warp] = ~uint32_t{0} >> (warpSize - lanes_in_warp(warp));
      waiting_lanes_[warp] = 0;
      ready_warps_ |= bit(warp);
    }
    for (int i = 0; i < count_; ++i) {
      threads_[i]->state = Thread::State::kReady;
    }
  }

  void check_mask(uint32_t mask) const {
    const int warp = current_->warp();
    if ((mask & bit(lane())) == 0) {
      fail(
          "wrong mask: " + what_threads_wait_for(warp) + "; the mask of thread " + std::to_string(thread()) +
          " does not name its own lane " + std::to_string(lane()));
    }
    for (uint32_t named = mask; named != 0; named &= named - 1) {
      const int other = std::countr_zero(named);
      if (other >= lanes_in_warp(warp)) {
        fail(
            "wrong mask: " + what_threads_wait_for(warp) + "; the block has no lane " + std::to_string(other) +
            " in this warp");
      }
      if (threads_[warp * warpSize + other]->state == Thread::State::kExited) {
        fail("wrong mask: " + what_threads_wait_for(warp) + "; " + exited_threads());
      }
    }
  }

  std::span<const std::unique_ptr<Thread>> threads() const {
    return std::span(threads_).first(static_cast<size_t>(count_));
  }
  std::string what_threads_wait_for() const { return cuda_on_host::what_threads_wait_for(threads(), 0, count_); }
  std::string what_threads_wait_for(int warp) const {
    return cuda_on_host::what_threads_wait_for(threads(), warp * warpSize, warp * warpSize + lanes_in_warp(warp));
  }
  std::string exited_threads() const { return cuda_on_host::exited_threads(threads()); }

  std::string message(const std::string& what) const {
    return "kernel " + kernel_ + ", grid " + to_string(grid_size) + ", block " + to_string(block_index) + " of " +
           to_string(block_size) + " threads, schedule: " + to_string(schedule_) + ": " + what;
  }

  std::string kernel_;
  const std::function<void()>* body_ = nullptr;
  Schedule schedule_;
  Random random_{0};
  std::vector<std::unique_ptr<Thread>> threads_;  // as many as the largest block so far had
  int count_ = 0;                                 // of this launch
  SharedMemory shared_;
  size_t shared_bytes_ = 0;
  bool in_kernel_ = false;
  std::exception_ptr error_;

  Thread* current_ = nullptr;
  uint32_t ready_warps_ = 0;
  uint32_t ready_lanes_[kMaxThreads / warpSize] = {};
  int warp_in_pass_ = 0;
  uint32_t lanes_in_pass_ = 0;

  int exited_ = 0;
  int waiting_ = 0;  // at the barrier
  int true_predicates_ = 0;
  int barrier_result_ = 0;
  Site barrier_site_{};

  uint32_t waiting_lanes_[kMaxThreads / warpSize] = {};  // at a warp collective
  Lane lanes_[kMaxThreads / warpSize][warpSize] = {};
};

// The one that runs: launches are synchronous, and made by one host thread at a time.
inline Block the_block;

inline void Block::thread_main() {
  the_block.run_threads();
}

}  // namespace cuda_on_host
