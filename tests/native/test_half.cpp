// Float16 and BFloat16: every value there and back, and the rounding of every interval between two values.

#include <cmath>
#include <cstdint>

#include "check.h"
#include "kernel/half.h"

using namespace infogan_fast;

namespace {

// The value of 16 bits from the definition of the format: sign, exponent and mantissa bits.
double value_of(uint16_t bits, int mantissa_bits, int bias) {
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  const int exponent = (bits & 0x7FFF) >> mantissa_bits;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  const int largest = (1 << (15 - mantissa_bits)) - 1;
  if (exponent == largest) {
    return mantissa == 0 ? sign * INFINITY : NAN;
  }
  return exponent == 0 ? sign * std::ldexp(mantissa, 1 - bias - mantissa_bits)
                       : sign * std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

template <typename half_t>
half_t from_bits(uint32_t bits) {
  half_t half;
  half.bits = static_cast<uint16_t>(bits);
  return half;
}

template <typename half_t>
void check_format(int mantissa_bits, int bias) {
  const uint32_t infinity = 0x7FFFu >> mantissa_bits << mantissa_bits;
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const double expected = value_of(static_cast<uint16_t>(bits), mantissa_bits, bias);
    const float value = static_cast<float>(from_bits<half_t>(bits));
    if (std::isnan(expected)) {
      CHECK(std::isnan(value));
      CHECK(std::isnan(static_cast<float>(half_t(value))));
      continue;
    }
    CHECK_EQUAL(value, expected);
    CHECK_EQUAL(half_t(value).bits, bits);
  }
  // Between two neighbours: to the nearer, from the middle to the even one. Infinity stands for the next power of two.
  for (uint32_t bits = 0; bits < infinity; ++bits) {
    const double low = value_of(static_cast<uint16_t>(bits), mantissa_bits, bias);
    const double high = bits + 1 == infinity ? 2 * low - value_of(static_cast<uint16_t>(bits - 1), mantissa_bits, bias)
                                             : value_of(static_cast<uint16_t>(bits + 1), mantissa_bits, bias);
    const float middle = static_cast<float>((low + high) / 2);
    for (const float sign : {1.0f, -1.0f}) {
      const uint32_t sign_bit = sign < 0 ? 0x8000u : 0u;
      CHECK_EQUAL(half_t(sign * middle).bits, (bits + (bits & 1u)) | sign_bit);
      CHECK_EQUAL(half_t(sign * std::nextafter(middle, -1.0f)).bits, bits | sign_bit);
      CHECK_EQUAL(half_t(sign * std::nextafter(middle, INFINITY)).bits, (bits + 1) | sign_bit);
    }
  }
  CHECK_EQUAL(half_t(INFINITY).bits, infinity);
  CHECK_EQUAL(half_t(-INFINITY).bits, infinity | 0x8000u);
  CHECK_EQUAL(half_t(3.4e38f).bits, infinity);
  CHECK_EQUAL(half_t(-0.0f).bits, 0x8000u);
}

}  // namespace

TEST(float16_is_binary16_rounded_to_nearest_even) {
  check_format<Float16>(10, 15);
}

TEST(bfloat16_is_half_a_float_rounded_to_nearest_even) {
  check_format<BFloat16>(7, 127);
}
