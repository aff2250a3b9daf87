#pragma once

#include <cstdint>
#include <cstring>

#include "device.h"

// 16-byte accesses to global memory, wherever the data begins.

namespace infogan_fast::cuda {

// Elements in 16 bytes.
template <typename T>
constexpr int kPacket = 16 / static_cast<int>(sizeof(T));

template <typename T>
struct alignas(16) Packet {
  T value[kPacket<T>];
};

// Elements from the last 16-byte boundary to the pointer.
template <typename T>
__device__ __forceinline__ int elements_past_boundary(const T* pointer) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(pointer) % 16 / sizeof(T));
}

template <typename T>
__device__ __forceinline__ bool on_boundary(const T* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % 16 == 0;
}

template <typename T>
__device__ __forceinline__ Packet<T> load_packet(const T* source) {
  return *reinterpret_cast<const Packet<T>*>(source);
}

template <typename T>
__device__ __forceinline__ void store_packet(T* target, const Packet<T>& packet) {
  uint4 words;
  memcpy(&words, &packet, sizeof(words));
  __stcg(reinterpret_cast<uint4*>(target), words);  // the compiler splits an assignment of the whole packet
}

// How a run of elements splits into whole packets and the elements before and after them.
struct Run {
  int lead;     // elements before the first boundary
  int packets;  // whole packets from there
  int tail;     // the first element after them

  template <typename T>
  __device__ __forceinline__ Run(const T* pointer, int count) {
    const int past = elements_past_boundary(pointer);
    lead = min(count, past == 0 ? 0 : kPacket<T> - past);
    packets = (count - lead) / kPacket<T>;
    tail = lead + packets * kPacket<T>;
  }

  // The elements outside the packets, numbered from 0, and where they lie.
  __device__ __forceinline__ int loose(int count) const { return lead + count - tail; }
  __device__ __forceinline__ int loose_element(int i) const { return i < lead ? i : tail + (i - lead); }
};

// Calls store(i, source[i]) for every i in [0, count), spread over the threads of the block.
template <typename T, typename Store>
__device__ __forceinline__ void load_run(const T* __restrict__ source, int count, const Store& store) {
  constexpr int kInFlight = 4;  // loads that a thread waits for together
  const Run run(source, count);
  const int threads = static_cast<int>(blockDim.x);
  for (int first = threadIdx.x; first < run.packets; first += kInFlight * threads) {
    Packet<T> packet[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      if (first + u * threads < run.packets) {
        packet[u] = load_packet(source + run.lead + (first + u * threads) * kPacket<T>);
      }
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      if (first + u * threads < run.packets) {
#pragma unroll
        for (int k = 0; k < kPacket<T>; ++k) {
          store(run.lead + (first + u * threads) * kPacket<T> + k, packet[u].value[k]);
        }
      }
    }
  }
  for (int i = threadIdx.x; i < run.loose(count); i += threads) {
    const int element = run.loose_element(i);
    store(element, source[element]);
  }
}

// target[i] = value(i) for every i in [0, count), spread over the threads of the block.
template <typename T, typename Value>
__device__ __forceinline__ void store_run(T* __restrict__ target, int count, const Value& value) {
  const Run run(target, count);
  const int threads = static_cast<int>(blockDim.x);
  for (int p = threadIdx.x; p < run.packets; p += threads) {
    const int first = run.lead + p * kPacket<T>;
    Packet<T> packet;
#pragma unroll
    for (int k = 0; k < kPacket<T>; ++k) {
      packet.value[k] = value(first + k);
    }
    store_packet(target + first, packet);
  }
  for (int i = threadIdx.x; i < run.loose(count); i += threads) {
    const int element = run.loose_element(i);
    target[element] = value(element);
  }
}

}  // namespace infogan_fast::cuda
