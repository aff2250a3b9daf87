#include "check.h"
#include "kernel/philox.h"

using infogan_fast::Philox4;
using infogan_fast::philox4x32;
using infogan_fast::PhiloxKey;

namespace {

void check_words(Philox4 got, Philox4 expected) {
  for (int i = 0; i < 4; ++i) {
    CHECK_EQUAL(got.word[i], expected.word[i]);
  }
}

}  // namespace

// The three vectors of philox4x32 with 10 rounds in Random123's kat_vectors.
TEST(known_answers) {
  check_words(
      philox4x32(Philox4{{0, 0, 0, 0}}, PhiloxKey{{0, 0}}), Philox4{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  check_words(
      philox4x32(Philox4{{~0u, ~0u, ~0u, ~0u}}, PhiloxKey{{~0u, ~0u}}),
      Philox4{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  check_words(
      philox4x32(Philox4{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, PhiloxKey{{0xa4093822, 0x299f31d0}}),
      Philox4{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}
