#pragma once

#include <cstdint>

#include "macros.h"
#include "math.h"

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

// The half-precision types of a head, for code without torch: layout and rounding (to nearest, ties to even) of
// c10::Half and c10::BFloat16.

namespace infogan_fast {

// IEEE 754 binary16.
struct Float16 {
  uint16_t bits;

  Float16() = default;
  INFOGAN_HOST_DEVICE explicit Float16(float value) : bits(round(value)) {}

  INFOGAN_HOST_DEVICE explicit operator float() const {
#if defined(__CUDA_ARCH__)
    return __half2float(__ushort_as_half(bits));
#else
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
    const uint32_t exponent = (bits >> 10) & 31u;
    const uint32_t mantissa = bits & 0x03FFu;
    if (exponent == 0) {  // zero or subnormal: a multiple of 2^-24
      return bits_float(float_bits(static_cast<float>(mantissa) * 0x1p-24f) | sign);
    }
    const uint32_t biased = exponent == 31 ? 255u : exponent + 112u;
    return bits_float(sign | (biased << 23) | (mantissa << 13));
#endif
  }

 private:
  static INFOGAN_HOST_DEVICE uint16_t round(float value) {
#if defined(__CUDA_ARCH__)
    return __half_as_ushort(__float2half_rn(value));
#else
    const uint32_t sign = (float_bits(value) >> 16) & 0x8000u;
    const uint32_t magnitude = float_bits(value) & 0x7FFFFFFFu;
    uint32_t half;
    if (magnitude > 0x7F800000u) {
      half = 0x7E00u;  // NaN
    } else if (magnitude >= 0x47800000u) {
      half = 0x7C00u;  // 2^16 and more
    } else if (magnitude < 0x38800000u) {
      // Below 2^-14: adding 1/2 rounds to a multiple of 2^-24 and leaves it in the low bits.
      half = float_bits(bits_float(magnitude) + 0.5f) - 0x3F000000u;
    } else {
      half = (magnitude - (112u << 23) + 0x0FFFu + ((magnitude >> 13) & 1u)) >> 13;
    }
    return static_cast<uint16_t>(sign | half);
#endif
  }
};

// The upper half of a float.
struct BFloat16 {
  uint16_t bits;

  BFloat16() = default;
  INFOGAN_HOST_DEVICE explicit BFloat16(float value) : bits(round(value)) {}

  INFOGAN_HOST_DEVICE explicit operator float() const { return bits_float(static_cast<uint32_t>(bits) << 16); }

 private:
  static INFOGAN_HOST_DEVICE uint16_t round(float value) {
#if defined(__CUDA_ARCH__)
    return __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
    const uint32_t bits = float_bits(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) {
      return 0x7FC0u;  // NaN
    }
    return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
#endif
  }
};

}  // namespace infogan_fast
