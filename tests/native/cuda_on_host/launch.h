#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "block.h"

using cudaStream_t = struct CUstream_st*;

namespace cuda_on_host {

struct Launch {
  std::string kernel;  // as spelt in CUDA_ON_HOST_LAUNCH, without parentheses around it
  dim3 grid;
  dim3 block;
  cudaStream_t stream;
  size_t shared_bytes;  // the most that a block has had
};

inline std::vector<Launch> launch_log;

// Since reset_launches(), in order; those that failed within the kernel too.
inline const std::vector<Launch>& launches() {
  return launch_log;
}

inline void reset_launches() {
  launch_log.clear();
}

inline void check_configuration(const std::string& kernel, const dim3& grid, const dim3& block) {
  const auto fail = [&](const char* what) {
    throw KernelError(
        "kernel " + kernel + " cannot be launched with grid " + to_string(grid) + " and block " + to_string(block) +
        ": " + what);
  };
  if (the_block.in_kernel()) {
    fail("a kernel is running");
  }
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
    fail("the grid is empty");
  }
  if (grid.x > 0x7FFFFFFFu || grid.y > 65535 || grid.z > 65535) {
    fail("the grid is larger than (2^31 - 1, 65535, 65535)");
  }
  if (block.x == 0 || block.y == 0 || block.z == 0) {
    fail("the block is empty");
  }
  if (block.x > 1024 || block.y > 1024 || block.z > 64 || uint64_t{block.x} * block.y * block.z > Block::kMaxThreads) {
    fail("the block is larger than (1024, 1024, 64) or has more than 1024 threads");
  }
}

// Runs the kernel to its end. Throws KernelError, and what the kernel throws.
template <typename... Parameter, typename... Argument>
void launch(
    const char* spelling,
    void (*kernel)(Parameter...),
    const dim3& grid,
    const dim3& block,
    cudaStream_t stream,
    Argument&&... arguments) {
  static_assert((!std::is_reference_v<Parameter> && ...), "a kernel takes its parameters by value");
  std::string name(spelling);
  if (name.front() == '(') {
    name = name.substr(1, name.size() - 2);
  }
  check_configuration(name, grid, block);
  const std::tuple<Parameter...> parameters(std::forward<Argument>(arguments)...);
  const std::function<void()> body = [&] { std::apply(kernel, parameters); };
  block_size = block;
  grid_size = grid;
  the_block.begin_launch(name, body);
  const size_t entry = launch_log.size();
  launch_log.push_back({name, grid, block, stream, 0});
  struct LogShared {
    size_t entry;
    ~LogShared() { launch_log[entry].shared_bytes = the_block.shared_bytes(); }
  } log_shared{entry};
  for_each_in(the_block.schedule().blocks, uint64_t{grid.x} * grid.y * grid.z, the_block.random(), [&](uint64_t i) {
    block_index = {
        static_cast<unsigned>(i % grid.x),
        static_cast<unsigned>(i / grid.x % grid.y),
        static_cast<unsigned>(i / grid.x / grid.y)};
    the_block.run();
  });
}

template <typename T, size_t kCount>
T (&shared_array(const void* declaration, const char* name))
[kCount] {
  static_assert(std::is_trivially_default_constructible_v<T>, "shared memory is not initialised");
  constexpr size_t kAlignment = alignof(T) > 16 ? alignof(T) : 16;
  return *static_cast<T(*)[kCount]>(the_block.shared_array(declaration, name, sizeof(T[kCount]), kAlignment));
}

}  // namespace cuda_on_host

// kernel<<<grid, block, 0, stream>>>(...), synchronous. kernel: a name or, in parentheses, a template-id.
#define CUDA_ON_HOST_LAUNCH(kernel, grid, block, stream, ...) \
  cuda_on_host::launch(#kernel, kernel, grid, block, stream __VA_OPT__(, ) __VA_ARGS__)

// __shared__ type name[count], 16-byte aligned.
#define CUDA_ON_HOST_SHARED(type, name, count) \
  static char name##_declaration;              \
  type(&name)[count] = cuda_on_host::shared_array<type, (count)>(&name##_declaration, #name)
