#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fibers.h"
#include "kernel_error.h"
#include "vector_types.h"

namespace cuda_on_host {

constexpr uint32_t bit(int i) {
  return uint32_t{1} << i;
}

// A thread of a block, and where it waits.
struct Thread {
  enum class State { kReady, kAtBarrier, kAtWarpCollective, kExited };

  StackedFiber fiber;
  int number = 0;  // in the block, x first
  uint3 index{};
  State state = State::kReady;
  Site site{};
  uint32_t mask = 0;  // of a warp collective

  void wait_at(State what, const Site& where, uint32_t lanes) {
    state = what;
    site = where;
    mask = lanes;
  }

  int warp() const { return number / warpSize; }
  int lane() const { return number % warpSize; }
  bool waits() const { return state == State::kAtBarrier || state == State::kAtWarpCollective; }

  bool waits_for(const Thread& other) const {
    return state == State::kAtBarrier ||
           (state == State::kAtWarpCollective && other.warp() == warp() && (mask & bit(other.lane())) != 0);
  }

  bool waits_together_with(const Thread& other) const {
    return waits() && state == other.state && mask == other.mask && site == other.site &&
           (state == State::kAtBarrier || other.warp() == warp());
  }
};

// For messages: at which collective points the threads numbered from `begin` to `end` wait, and which threads have yet
// to come there.
inline std::string what_threads_wait_for(std::span<const std::unique_ptr<Thread>> threads, int begin, int end) {
  std::string text;
  for (int i = begin; i < end; ++i) {
    const Thread& thread = *threads[i];
    std::vector<int> here, missing;
    for (const auto& other : threads) {
      if (thread.waits_together_with(*other)) {
        here.push_back(other->number);
      } else if (thread.waits_for(*other)) {
        missing.push_back(other->number);
      }
    }
    if (!here.empty() && std::max(here.front(), begin) == i) {  // the first of those that wait together
      text += (text.empty() ? "" : "; ") + threads_to_string(here) + (here.size() == 1 ? " waits at " : " wait at ") +
              to_string(thread.site);
      text += thread.state == Thread::State::kAtWarpCollective ? " with mask " + mask_to_string(thread.mask) : "";
      text += missing.empty() ? "" : " for " + threads_to_string(missing);
    }
  }
  return text;
}

inline std::string exited_threads(std::span<const std::unique_ptr<Thread>> threads) {
  std::vector<int> exited;
  for (const auto& thread : threads) {
    if (thread->state == Thread::State::kExited) {
      exited.push_back(thread->number);
    }
  }
  return threads_to_string(exited) + (exited.size() == 1 ? " has exited" : " have exited");
}

}  // namespace cuda_on_host
