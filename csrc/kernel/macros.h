#pragma once

// Functions of this folder compile for the host and, under nvcc, for the device: one source for the mathematics.
#if defined(__CUDACC__)
#define INFOGAN_HOST_DEVICE __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define INFOGAN_HOST_DEVICE inline __attribute__((always_inline))
#else
#define INFOGAN_HOST_DEVICE inline
#endif
