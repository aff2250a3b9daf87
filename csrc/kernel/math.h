#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "macros.h"

// Elementary functions that give the same bits on every device: only operations that IEEE 754 rounds correctly, fused
// multiply-adds written out (the build forbids the compiler to fuse others). Polynomials: Moshier, Cephes (public
// domain), expf.c, logf.c and sinf.c.

namespace infogan_fast {

INFOGAN_HOST_DEVICE uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}

INFOGAN_HOST_DEVICE float bits_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

// Natural logarithm of a positive, normal, finite x; within 1.5 ulp.
INFOGAN_HOST_DEVICE float portable_log(float x) {
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  const uint32_t shifted = float_bits(x) - 0x3F3504F3u;
  const int32_t exponent = static_cast<int32_t>(shifted) >> 23;
  const float m = bits_float((shifted & 0x007FFFFFu) + 0x3F3504F3u);
  const float e = static_cast<float>(exponent);
  const float r = m - 1.0f;
  const float r2 = r * r;
  float p = 7.0376836292e-2f;
  p = fmaf(p, r, -1.1514610310e-1f);
  p = fmaf(p, r, 1.1676998740e-1f);
  p = fmaf(p, r, -1.2420140846e-1f);
  p = fmaf(p, r, 1.4249322787e-1f);
  p = fmaf(p, r, -1.6668057665e-1f);
  p = fmaf(p, r, 2.0000714765e-1f);
  p = fmaf(p, r, -2.4999993993e-1f);
  p = fmaf(p, r, 3.3333331174e-1f);
  // log(1 + r) = r - r^2 / 2 + r^3 p(r); ln 2 in two parts.
  float tail = r2 * r * p;
  tail = fmaf(e, -2.12194440e-4f, tail);
  tail = fmaf(-0.5f, r2, tail);
  return fmaf(e, 0.693359375f, r + tail);
}

// exp(x), within 1.5 ulp; 0 and infinity beyond float's range, with gradual underflow; NaN stays NaN. No branches, so
// that loops over it become vector code.
INFOGAN_HOST_DEVICE float portable_exp(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  // x = n ln 2 + r with |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
  constexpr float kRound = 12582912.0f;
  const float shifted = fmaf(x, 1.44269504088896341f, kRound);
  const float n = shifted - kRound;
  const uint32_t exponent = float_bits(shifted) - float_bits(kRound);
  float r = fmaf(n, -0.693359375f, x);
  r = fmaf(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = fmaf(p, r, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  const float value = fmaf(p, r * r, r) + 1.0f;
  // Times 2^n in two factors, each of which is a normal number.
  const uint32_t half = static_cast<uint32_t>(static_cast<int32_t>(exponent) >> 1);
  return value * bits_float((half + 127u) << 23) * bits_float((exponent - half + 127u) << 23);
}

struct SinCos {
  float sin;
  float cos;
};

// Sine and cosine of 2 pi * turns, for turns in [0, 1] given as a multiple of 2^-24.
INFOGAN_HOST_DEVICE SinCos portable_sincos_turns(float turns) {
  // Nearest quarter turn, and what remains of it: exact, in [-1/8, 1/8].
  const int32_t quadrant = static_cast<int32_t>(fmaf(turns, 4.0f, 0.5f));
  const float rest = fmaf(static_cast<float>(quadrant), -0.25f, turns);
  const float a = rest * 6.283185307179586f;
  const float a2 = a * a;
  float s = -1.9515295891e-4f;
  s = fmaf(s, a2, 8.3321608736e-3f);
  s = fmaf(s, a2, -1.6666654611e-1f);
  const float sine = fmaf(s * a2, a, a);
  float c = 2.443315711809948e-5f;
  c = fmaf(c, a2, -1.388731625493765e-3f);
  c = fmaf(c, a2, 4.166664568298827e-2f);
  const float cosine = fmaf(c * a2, a2, fmaf(-0.5f, a2, 1.0f));
  // Rotate by the quarter turns.
  const bool swap = (quadrant & 1) != 0;
  const float s1 = swap ? cosine : sine;
  const float c1 = swap ? sine : cosine;
  return {(quadrant & 2) != 0 ? -s1 : s1, ((quadrant + 1) & 2) != 0 ? -c1 : c1};
}

}  // namespace infogan_fast
