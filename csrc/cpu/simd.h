#pragma once

// Function multiversioning: one source, compiled for several instruction sets, the best of which is picked at run time.
// A wheel built anywhere is fast anywhere. The bits do not depend on the choice: sums have fixed lanes, multiply-adds
// are written out, and the compiler is forbidden to fuse others.

#include <cstdlib>
#include <cstring>
#include <vector>

#include "../kernel/macros.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define INFOGAN_X86_TARGETS 1
#if defined(__clang__)
#define INFOGAN_AVX512 "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"
#else
#define INFOGAN_AVX512 "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,prefer-vector-width=512"
#endif
#endif

namespace infogan_fast {

enum class Simd { kBaseline, kAvx2, kAvx512 };

inline const char* simd_name(Simd level) {
  return level == Simd::kAvx512 ? "avx512" : (level == Simd::kAvx2 ? "avx2" : "baseline");
}

// The levels that this machine can run, the best last.
inline std::vector<Simd> simd_levels() {
  std::vector<Simd> levels = {Simd::kBaseline};
#ifdef INFOGAN_X86_TARGETS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    levels.push_back(Simd::kAvx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
      levels.push_back(Simd::kAvx512);
    }
  }
#endif
  return levels;
}

// "intel", "amd" or "other".
inline const char* processor_vendor() {
#ifdef INFOGAN_X86_TARGETS
  return __builtin_cpu_is("intel") ? "intel" : (__builtin_cpu_is("amd") ? "amd" : "other");
#else
  return "other";
#endif
}

// AVX512_BF16; processors with AMX have it too.
inline bool has_bfloat16_instructions() {
#ifdef INFOGAN_X86_TARGETS
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

// The level in use: the best, or the one that the environment variable INFOGAN_FAST_SIMD names.
inline Simd simd_level() {
  static const Simd level = [] {
    const std::vector<Simd> levels = simd_levels();
    if (const char* wanted = std::getenv("INFOGAN_FAST_SIMD")) {
      for (const Simd candidate : levels) {
        if (std::strcmp(wanted, simd_name(candidate)) == 0) {
          return candidate;
        }
      }
    }
    return levels.back();
  }();
  return level;
}

#ifdef INFOGAN_X86_TARGETS
template <typename Body>
__attribute__((target("avx2,fma"))) void run_avx2(const Body& body) {
  body();
}

template <typename Body>
__attribute__((target(INFOGAN_AVX512))) void run_avx512(const Body& body) {
  body();
}
#endif

// Runs body, whose code and that of the INFOGAN_SIMD functions that it calls is compiled for each level. body is a
// lambda marked INFOGAN_SIMD.
template <typename Body>
void with_simd(const Body& body) {
#ifdef INFOGAN_X86_TARGETS
  switch (simd_level()) {
    case Simd::kAvx512:
      return run_avx512(body);
    case Simd::kAvx2:
      return run_avx2(body);
    case Simd::kBaseline:
      break;
  }
#endif
  body();
}

}  // namespace infogan_fast

// On a function or lambda: becomes part of its caller, and so is compiled for the caller's instruction set.
#if defined(__GNUC__)
#define INFOGAN_SIMD __attribute__((always_inline))
#else
#define INFOGAN_SIMD
#endif
