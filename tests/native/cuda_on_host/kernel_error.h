#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "vector_types.h"

namespace cuda_on_host {

// What a launch throws: the kernel broke a rule of CUDA, or could not be launched.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A collective point: a place of the source where threads wait for one another.
struct Site {
  const char* name;  // of the function: __syncthreads, ...
  const char* file;
  int line;

  bool operator==(const Site& other) const {
    const auto same = [](const char* a, const char* b) { return a == b || std::strcmp(a, b) == 0; };
    return line == other.line && same(name, other.name) && same(file, other.file);
  }
};

inline std::string to_string(const Site& site) {
  return std::string(site.name) + " (" + site.file + ":" + std::to_string(site.line) + ")";
}

inline std::string to_string(const dim3& v) {
  return "(" + std::to_string(v.x) + ", " + std::to_string(v.y) + ", " + std::to_string(v.z) + ")";
}

inline std::string mask_to_string(uint32_t mask) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%08X", mask);
  return text;
}

// "thread 3", "threads 0-31, 40"; the numbers in ascending order.
inline std::string threads_to_string(const std::vector<int>& threads) {
  std::string text = threads.size() == 1 ? "thread " : "threads ";
  for (size_t i = 0; i < threads.size();) {
    size_t last = i;
    while (last + 1 < threads.size() && threads[last + 1] == threads[last] + 1) {
      ++last;
    }
    text += (i == 0 ? "" : ", ") + std::to_string(threads[i]);
    if (last > i) {
      text += "-" + std::to_string(threads[last]);
    }
    i = last + 1;
  }
  return text;
}

}  // namespace cuda_on_host
