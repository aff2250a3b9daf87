#pragma once

// Loops on several threads, cut as at::parallel_for cuts them, and the comparison with one thread bit for bit.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

// Calls body(begin, end) for one range after the other, on a thread each: as many ranges as there are threads, but none
// smaller than the grain.
class ParallelFor {
 public:
  explicit ParallelFor(int64_t threads) : threads_(threads) {}

  template <typename Body>
  void operator()(int64_t begin, int64_t end, int64_t grain, const Body& body) const {
    const int64_t threads = std::min(threads_, (end - begin + grain - 1) / grain);
    if (threads <= 1) {
      if (begin < end) {
        body(begin, end);
      }
      return;
    }
    const int64_t chunk = (end - begin + threads - 1) / threads;
    std::vector<std::thread> pool;
    for (int64_t first = begin; first < end; first += chunk) {
      pool.emplace_back([&body, first, last = std::min(end, first + chunk)] { body(first, last); });
    }
    for (std::thread& thread : pool) {
      thread.join();
    }
  }

 private:
  int64_t threads_;
};

// Calls body(i) for i = 0 ... threads - 1, each on a thread of its own, and all at once.
template <typename Body>
void all_at_once(int64_t threads, const Body& body) {
  std::atomic<int64_t> waiting{threads};
  std::vector<std::thread> pool;
  for (int64_t i = 0; i < threads; ++i) {
    pool.emplace_back([&body, &waiting, i] {
      // Relaxed, so that it orders nothing between the threads but their start.
      waiting.fetch_sub(1, std::memory_order_relaxed);
      while (waiting.load(std::memory_order_relaxed) > 0) {
        std::this_thread::yield();
      }
      body(i);
    });
  }
  for (std::thread& thread : pool) {
    thread.join();
  }
}

template <typename T>
bool same_bits(const std::vector<T>& first, const std::vector<T>& second) {
  return first.size() == second.size() &&
         (first.empty() || std::memcmp(first.data(), second.data(), first.size() * sizeof(T)) == 0);
}
