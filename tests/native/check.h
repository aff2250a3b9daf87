#pragma once

// What the native tests need of a test library: CHECK, CHECK_NEAR, and a main that runs every TEST, or those whose
// names contain the argument.

#include <cmath>
#include <cstdio>
#include <string_view>
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

template <typename A, typename B>
void equal(const A& got, const B& expected, const char* file, int line, const char* what) {
  expect(got == expected, file, line, what, double(got), double(expected));
}

}  // namespace check

#define TEST(name)                                                            \
  static void name();                                                         \
  static const bool name##_added [[maybe_unused]] = check::add(#name, &name); \
  static void name()

#define CHECK(condition) check::expect((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQUAL(got, expected) check::equal((got), (expected), __FILE__, __LINE__, #got " == " #expected)
#define CHECK_NEAR(got, expected, tolerance)                    \
  check::expect(                                                \
      std::fabs(double(got) - double(expected)) <= (tolerance), \
      __FILE__,                                                 \
      __LINE__,                                                 \
      #got " is near " #expected,                               \
      double(got),                                              \
      double(expected))

int main(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  int run = 0;
  for (const check::Test& test : check::tests()) {
    if (std::string_view(test.name).find(wanted) == std::string_view::npos) {
      continue;
    }
    const int before = check::failures;
    test.run();
    std::printf("%s %s\n", check::failures == before ? "passed" : "FAILED", test.name);
    ++run;
  }
  std::printf("%d tests, %d failed checks\n", run, check::failures);
  return check::failures == 0 && run > 0 ? 0 : 1;
}
