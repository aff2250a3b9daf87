#pragma once

#include <type_traits>

// CUDA's atomic functions, for the types that it has them for. All return the value before. Threads give way only at
// collective points, so plain reads and writes are atomic.

namespace cuda_on_host {

template <typename T, typename... Types>
concept OneOf = (std::is_same_v<T, Types> || ...);

template <typename T>
concept AtomicInteger = OneOf<T, int, unsigned, unsigned long long>;

template <typename T, typename Update>
T update(T* address, const Update& new_value) {
  const T before = *address;
  *address = new_value(before);
  return before;
}

}  // namespace cuda_on_host

template <typename T>
  requires cuda_on_host::OneOf<T, int, unsigned, unsigned long long, float, double>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return cuda_on_host::update(address, [=](T before) {
    if constexpr (std::is_integral_v<T>) {
      using unsigned_t = std::make_unsigned_t<T>;
      return static_cast<T>(static_cast<unsigned_t>(before) + static_cast<unsigned_t>(value));
    } else {
      return before + value;
    }
  });
}

inline unsigned atomicInc(unsigned* address, unsigned last) {
  return cuda_on_host::update(address, [=](unsigned before) { return before >= last ? 0u : before + 1; });
}

inline unsigned atomicDec(unsigned* address, unsigned last) {
  return cuda_on_host::update(
      address, [=](unsigned before) { return before == 0 || before > last ? last : before - 1; });
}

template <typename T>
  requires(cuda_on_host::AtomicInteger<T> || std::is_same_v<T, long long>)
T atomicMax(T* address, std::type_identity_t<T> value) {
  return cuda_on_host::update(address, [=](T before) { return before < value ? value : before; });
}

template <typename T>
  requires(cuda_on_host::AtomicInteger<T> || std::is_same_v<T, long long>)
T atomicMin(T* address, std::type_identity_t<T> value) {
  return cuda_on_host::update(address, [=](T before) { return value < before ? value : before; });
}

template <cuda_on_host::AtomicInteger T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return cuda_on_host::update(address, [=](T before) { return before == expected ? value : before; });
}

template <typename T>
  requires(cuda_on_host::AtomicInteger<T> || std::is_same_v<T, float>)
T atomicExch(T* address, std::type_identity_t<T> value) {
  return cuda_on_host::update(address, [=](T) { return value; });
}

template <cuda_on_host::AtomicInteger T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return cuda_on_host::update(address, [=](T before) { return before | value; });
}

template <cuda_on_host::AtomicInteger T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  return cuda_on_host::update(address, [=](T before) { return before & value; });
}
