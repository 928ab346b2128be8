// What all functions of the library share: arrays with their lengths, and the numbers that stand for failures.
//
// An exported function is plain C: each array is a pointer and the number of its items, and what is returned is a
// number from 0 on, or one of Failure. No exception gets out, and no item is read or written beyond an array:
// a function checks with require() that its arrays' lengths belong together.

#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#define VISION_SERVICE_EXPORT extern "C" __attribute__((visibility("default")))

// Compiles a function twice, and chooses when the library is loaded: for every x86-64 processor, and for those with
// AVX2. Only where that was measured to help. Both give the same numbers, as no sum changes its order.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_WIDE_PROCESSORS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_PROCESSORS
#endif
#define ALWAYS_INLINE inline __attribute__((always_inline))

namespace vision_service {

using Index = std::int64_t;

// Eight numbers that are computed with side by side; the compiler uses what the processor has. Never a parameter.
constexpr int kLanes = 8;
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::int32_t WholeLanes __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

// library.py says what they mean.
enum Failure : Index { kNoMemory = -1, kWrongLengths = -2, kFailed = -3 };

class WrongLengths {};

inline void require(bool condition) {
  if (!condition) throw WrongLengths();
}

template <class Item>
struct Span {
  Item* data;
  Index length;

  Item& operator[](Index place) const { return data[place]; }
};

// Returns what a job returns; an exception as a number.
template <class Job>
Index guarded(const Job& job) noexcept {
  try {
    return job();
  } catch (const std::bad_alloc&) {
    return kNoMemory;
  } catch (const WrongLengths&) {
    return kWrongLengths;
  } catch (...) {
    return kFailed;
  }
}

}  // namespace vision_service
