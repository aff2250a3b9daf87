#pragma once

#include <limits>
#include <type_traits>

namespace infogan_fast {

// What a head's element type is computed in.
template <typename head_t>
using accumulate_t = std::conditional_t<std::is_same_v<head_t, double>, double, float>;

// As constants, since device code may not call the functions that give them.
template <typename T>
inline constexpr T kInfinity = std::numeric_limits<T>::infinity();
template <typename T>
inline constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

}  // namespace infogan_fast
