#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <vector>

namespace cuda_on_host {

// The shared arrays of one block. Each is a heap object of its own and exactly as long as declared, so that
// AddressSanitizer sees an access past its ends, or after the block has ended.
class SharedMemory {
 public:
  static constexpr size_t kCapacity = 48 * 1024;

  SharedMemory() = default;
  ~SharedMemory() { clear(); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // The array that a declaration stands for; new ones are full of 0xFF, NaN as floating-point numbers. Null if there is
  // no room for it.
  void* array(const void* declaration, size_t bytes, size_t alignment) {
    for (const Array& array : arrays_) {
      if (array.declaration == declaration) {
        return array.data;
      }
    }
    const size_t begin = (bytes_ + alignment - 1) / alignment * alignment;
    if (bytes > kCapacity || begin > kCapacity - bytes) {
      return nullptr;
    }
    bytes_ = begin + bytes;
    void* const data = ::operator new(bytes, std::align_val_t(alignment));
    std::memset(data, 0xFF, bytes);
    arrays_.push_back({declaration, data, alignment});
    return data;
  }

  void clear() {
    for (const Array& array : arrays_) {
      ::operator delete(array.data, std::align_val_t(array.alignment));
    }
    arrays_.clear();
    bytes_ = 0;
  }

  size_t bytes() const { return bytes_; }

 private:
  struct Array {
    const void* declaration;
    void* data;
    size_t alignment;
  };

  std::vector<Array> arrays_;
  size_t bytes_ = 0;
};

}  // namespace cuda_on_host
