// The instruction set is chosen once for the process, by whichever of its threads comes first. This has to be the first
// use in the process, so the file has one test.

#include <vector>

#include "check.h"
#include "cpu/philox_lanes.h"
#include "cpu/simd.h"
#include "threads.h"

using namespace infogan_fast;

TEST(the_first_use_is_from_all_threads_at_once) {
  constexpr int64_t kThreads = 8;
  constexpr PhiloxKey kKey = {{1, 2}};
  std::vector<Simd> levels(kThreads);
  std::vector<LaneWords> words(kThreads, LaneWords{});
  all_at_once(kThreads, [&](int64_t thread) {
    with_simd([&]() INFOGAN_SIMD { philox_lanes(words[thread], kKey); });
    levels[thread] = simd_level();
  });
  for (int64_t thread = 0; thread < kThreads; ++thread) {
    CHECK(levels[thread] == simd_level());
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const Philox4 expected = philox4x32({{0, 0, 0, 0}}, kKey);
      for (int i = 0; i < 4; ++i) {
        CHECK_EQUAL(words[thread].word[i][lane], expected.word[i]);
      }
    }
  }
}
