#pragma once

#include <bit>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

// The order in which a launch runs its blocks and the threads of a block.

namespace cuda_on_host {

enum class Order { kForward, kBackward, kShuffled };

// blocks: run to completion one after the other, in this order.
// threads: every thread runs until its next collective point. Forward and backward, a warp goes on until it waits for
// another one, the lowest or the highest that can; shuffled, the warps and their lanes take turns by chance.
struct Schedule {
  Order blocks = Order::kForward;
  Order threads = Order::kForward;
  uint64_t seed = 0;  // of what is shuffled
};

inline std::string to_string(const Schedule& schedule) {
  const auto name = [](Order order) {
    return order == Order::kForward ? "forward" : (order == Order::kBackward ? "backward" : "shuffled");
  };
  return std::string("blocks ") + name(schedule.blocks) + ", threads " + name(schedule.threads) + ", seed " +
         std::to_string(schedule.seed);
}

inline Schedule current_schedule;

// For all launches from here on.
inline void set_schedule(const Schedule& schedule) {
  current_schedule = schedule;
}

// The schedules that a kernel should pass under. Whatever the direction in which data flows between two threads without
// a barrier, one of the first two runs the reader before the writer.
inline const std::vector<Schedule>& schedules() {
  static const std::vector<Schedule> standard{
      {Order::kForward, Order::kForward, 0},
      {Order::kBackward, Order::kBackward, 0},
      {Order::kForward, Order::kBackward, 0},
      {Order::kShuffled, Order::kShuffled, 1},
      {Order::kShuffled, Order::kShuffled, 2},
      {Order::kShuffled, Order::kShuffled, 3},
  };
  return standard;
}

// Calls run() under each of schedules(), and goes back to the schedule that was set before.
template <typename Run>
void under_every_schedule(const Run& run) {
  struct Restore {
    Schedule before = current_schedule;
    ~Restore() { set_schedule(before); }
  } restore;
  for (const Schedule& schedule : schedules()) {
    set_schedule(schedule);
    run();
  }
}

// SplitMix64 (Steele, Lea and Flood 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // In [0, bound), near enough to uniform.
  uint64_t below(uint64_t bound) {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % bound;
  }

 private:
  uint64_t state_;
};

// The bit of a non-empty set that comes next.
inline int pick(uint32_t set, Order order, Random& random) {
  if (order == Order::kBackward) {
    return 31 - std::countl_zero(set);
  }
  if (order == Order::kShuffled) {
    for (uint64_t skip = random.below(static_cast<uint64_t>(std::popcount(set))); skip > 0; --skip) {
      set &= set - 1;
    }
  }
  return std::countr_zero(set);
}

// Calls visit(i) for all i in [0, count), in order.
template <typename Visit>
void for_each_in(Order order, uint64_t count, Random& random, const Visit& visit) {
  if (order != Order::kShuffled) {
    for (uint64_t i = 0; i < count; ++i) {
      visit(order == Order::kForward ? i : count - 1 - i);
    }
    return;
  }
  std::vector<uint64_t> shuffled(count);
  std::iota(shuffled.begin(), shuffled.end(), uint64_t{0});
  for (uint64_t left = count; left > 0; --left) {
    std::swap(shuffled[left - 1], shuffled[random.below(left)]);
    visit(shuffled[left - 1]);
  }
}

}  // namespace cuda_on_host
