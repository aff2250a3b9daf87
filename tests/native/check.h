#pragma once

// What the native tests need of a test library: CHECK, CHECK_NEAR, and a main that runs every TEST.

#include <cmath>
#include <cstdio>
#include <vector>

namespace check {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int failures = 0;

inline bool add(const char* name, void (*run)()) {
  tests().push_back({name, run});
  return true;
}

inline void expect(bool passed, const char* file, int line, const char* what, double got = 0.0, double wanted = 0.0) {
  if (!passed && ++failures <= 20) {
    std::fprintf(stderr, "%s:%d: %s (got %.17g, expected %.17g)\n", file, line, what, got, wanted);
  }
}

}  // namespace check

#define TEST(name)                                                            \
  static void name();                                                         \
  static const bool name##_added [[maybe_unused]] = check::add(#name, &name); \
  static void name()

#define CHECK(condition) check::expect((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQUAL(got, expected) \
  check::expect((got) == (expected), __FILE__, __LINE__, #got " == " #expected, double(got), double(expected))
#define CHECK_NEAR(got, expected, tolerance)                    \
  check::expect(                                                \
      std::fabs(double(got) - double(expected)) <= (tolerance), \
      __FILE__,                                                 \
      __LINE__,                                                 \
      #got " is near " #expected,                               \
      double(got),                                              \
      double(expected))

int main() {
  for (const check::Test& test : check::tests()) {
    const int before = check::failures;
    test.run();
    std::printf("%s %s\n", check::failures == before ? "passed" : "FAILED", test.name);
  }
  std::printf("%zu tests, %d failed checks\n", check::tests().size(), check::failures);
  return check::failures == 0 && !check::tests().empty() ? 0 : 1;
}
