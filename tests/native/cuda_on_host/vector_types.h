#pragma once

// CUDA's types and the index variables of a kernel.

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;

  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};

struct alignas(8) float2 {
  float x, y;
};

struct alignas(16) float4 {
  float x, y, z, w;
};

struct alignas(16) double2 {
  double x, y;
};

struct alignas(16) int4 {
  int x, y, z, w;
};

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

constexpr int warpSize = 32;

namespace cuda_on_host {

// Of the kernel thread that runs now.
inline uint3 thread_index{};
inline uint3 block_index{};
inline dim3 block_size;
inline dim3 grid_size;

}  // namespace cuda_on_host

inline const uint3& threadIdx = cuda_on_host::thread_index;
inline const uint3& blockIdx = cuda_on_host::block_index;
inline const dim3& blockDim = cuda_on_host::block_size;
inline const dim3& gridDim = cuda_on_host::grid_size;
