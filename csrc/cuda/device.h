#pragma once

#include <cuda_runtime.h>

// The two things that the kernels say through macros, so that the very same files also run on the host, with the
// cuda_runtime.h of tests/native/cuda_on_host: a launch, and an array shared by the threads of a block.

#if defined(__CUDACC__)
#define INFOGAN_LAUNCH(kernel, grid, block, stream, ...) kernel<<<grid, block, 0, stream>>>(__VA_ARGS__)
#define INFOGAN_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#else
#define INFOGAN_LAUNCH(kernel, grid, block, stream, ...) CUDA_ON_HOST_LAUNCH(kernel, grid, block, stream, __VA_ARGS__)
#define INFOGAN_SHARED(type, name, count) CUDA_ON_HOST_SHARED(type, name, count)
#endif

namespace infogan_fast::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

}  // namespace infogan_fast::cuda
