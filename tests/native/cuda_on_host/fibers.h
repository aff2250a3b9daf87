#pragma once

#include <sys/mman.h>
#include <ucontext.h>

#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define CUDA_ON_HOST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CUDA_ON_HOST_ASAN 1
#endif
#endif
#if defined(CUDA_ON_HOST_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// Fibers: stacks that one thread of the host switches between. AddressSanitizer is told of every switch, so its warning
// that it does not fully support swapcontext, printed once, does not apply.

namespace cuda_on_host {

struct Fiber {
  ucontext_t context{};
  const void* stack = nullptr;  // its lowest byte; of the host thread's own fiber, known once it has been left
  size_t stack_bytes = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's, while the fiber does not run
};

inline Fiber host_fiber;
inline Fiber* running_fiber = &host_fiber;
inline Fiber* left_fiber = nullptr;  // the one that ran before

inline void finish_switch() {
#if defined(CUDA_ON_HOST_ASAN)
  __sanitizer_finish_switch_fiber(running_fiber->fake_stack, &left_fiber->stack, &left_fiber->stack_bytes);
#endif
}

// Returns when another fiber switches back.
inline void switch_to(Fiber& next) {
  Fiber& self = *running_fiber;
  left_fiber = &self;
  running_fiber = &next;
#if defined(CUDA_ON_HOST_ASAN)
  __sanitizer_start_switch_fiber(&self.fake_stack, next.stack, next.stack_bytes);
#endif
  swapcontext(&self.context, &next.context);
  finish_switch();
}

// A fiber with a stack of its own, which ends at a page that cannot be touched.
class StackedFiber {
 public:
  StackedFiber() {
    mapping_ = mmap(
        nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping_ == MAP_FAILED) {
      throw std::bad_alloc();
    }
    mprotect(mapping_, kGuardBytes, PROT_NONE);
  }
  ~StackedFiber() { munmap(mapping_, kGuardBytes + kStackBytes); }
  StackedFiber(const StackedFiber&) = delete;
  StackedFiber& operator=(const StackedFiber&) = delete;

  // The next switch to the fiber calls run(), which must not return. What was on its stack is forgotten: no destructors
  // run.
  void restart(void (*run)()) {
    char* const stack = static_cast<char*>(mapping_) + kGuardBytes;
#if defined(CUDA_ON_HOST_ASAN)
    __asan_unpoison_memory_region(stack, kStackBytes);
#endif
    fiber_.stack = stack;
    fiber_.stack_bytes = kStackBytes;
    fiber_.fake_stack = nullptr;
    getcontext(&fiber_.context);
    fiber_.context.uc_stack.ss_sp = stack;
    fiber_.context.uc_stack.ss_size = kStackBytes;
    fiber_.context.uc_link = nullptr;
    makecontext(&fiber_.context, run, 0);
    // Only makecontext needs the size. AddressSanitizer's swapcontext would, knowing it, take every check off the stack
    // on each switch.
    fiber_.context.uc_stack.ss_size = 0;
  }

  Fiber& fiber() { return fiber_; }

 private:
  static constexpr size_t kStackBytes = 256 * 1024;
  static constexpr size_t kGuardBytes = 64 * 1024;  // a whole number of pages on every platform

  void* mapping_;
  Fiber fiber_;
};

}  // namespace cuda_on_host
