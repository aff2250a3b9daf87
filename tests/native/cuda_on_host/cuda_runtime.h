#pragma once

// Stands in for the CUDA toolkit's header of this name, so that a C++20 compiler for the host compiles kernels and runs
// them on the CPU, under its sanitizers: g++ -x c++ -I tests/native/cuda_on_host kernel.cu. GCC 12 needs
// -Wno-unknown-pragmas for `#pragma unroll`.
//
// Every thread of a block is a fiber. A thread runs until it waits for others or exits; blocks run one after the other.
// schedule.h says in which order, launch.h how kernels are launched and declare shared memory, and what is logged of
// it.
//
// A launch throws KernelError where a kernel breaks CUDA's rules for its collective functions: all threads of the block
// reach the same __syncthreads, in the same line; all lanes that a mask names call the same function, in the same line,
// with the same mask; a mask names the caller, and no lane that has exited or that the block does not have. These are
// stricter than the hardware, and __activemask() is left out since no rule follows from it.
//
// What the host cannot show:
// - the order in which other blocks or warps see writes to memory: fences do nothing, and a shuffle orders memory as
//   __syncwarp does;
// - blocks that run at the same time: one that waits for another to write, or a thread that waits for another without a
//   collective function, never ends;
// - calls of one helper from different lines count as the same line, that of the collective function inside it;
// - shared arrays that no thread has come across do not count towards the 48 KiB;
// - races between blocks, and how well accesses to memory coalesce.

#include "atomics.h"
#include "collectives.h"
#include "intrinsics.h"
#include "launch.h"
#include "schedule.h"
#include "vector_types.h"

// __shared__ is left out: CUDA_ON_HOST_SHARED takes its place.
#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorInvalidConfiguration = 9 };

// A launch that fails throws, so there is no error to be asked for later.
inline cudaError_t cudaGetLastError() {
  return cudaSuccess;
}
inline cudaError_t cudaPeekAtLastError() {
  return cudaSuccess;
}

inline const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
  }
  return "unrecognized error code";
}
