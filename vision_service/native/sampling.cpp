// Samples that depend on the points alone: vision_service/pointcloud/sampling.py says what they are.

#include <algorithm>
#include <cstring>
#include <vector>

#include "sorting.h"
#include "spans.h"

namespace vision_service {
namespace {

constexpr Index kBlock = 1024;  // points whose ranks are computed at once
constexpr std::uint64_t kRanks = std::uint64_t{1} << 32;

// Computes evenly spread numbers of points (Teschner et al., Optimized Spatial Hashing, 2003).
FOR_WIDE_PROCESSORS
void ranks_of(const float* xyz, Index count, std::uint32_t* ranks) {
  constexpr std::uint32_t kPrimes[3] = {73856093u, 19349663u, 83492791u};
  for (Index point = 0; point < count; ++point) {
    std::uint32_t rank = 0;
    for (int axis = 0; axis < 3; ++axis) {
      std::uint32_t bits;
      std::memcpy(&bits, xyz + 3 * point + axis, sizeof bits);
      rank ^= bits * kPrimes[axis];
      rank ^= rank >> 15;
      rank *= 0x85EBCA6Bu;
    }
    ranks[point] = rank ^ (rank >> 13);
  }
}

// A point's rank, and its place below it.
using Ranked = std::uint64_t;

std::uint32_t place_of(Ranked ranked) { return static_cast<std::uint32_t>(ranked); }

// Returns the points whose rank is below a limit, the lowest rank first.
std::vector<Ranked> lowest(Span<const float> xyz, std::uint64_t below) {
  const Index points = xyz.length / 3;
  std::vector<Ranked> found;
  found.reserve(static_cast<std::size_t>(static_cast<double>(points) * 1.1 * static_cast<double>(below) / kRanks) + kBlock);
  std::uint32_t ranks[kBlock];
  std::uint16_t low[kBlock];
  for (Index start = 0; start < points; start += kBlock) {
    const Index block = std::min(kBlock, points - start);
    ranks_of(xyz.data + 3 * start, block, ranks);
    Index count = 0;
    for (Index point = 0; point < block; ++point) {  // without a branch that would be guessed wrongly
      low[count] = static_cast<std::uint16_t>(point);
      count += ranks[point] < below;
    }
    for (Index place = 0; place < count; ++place)
      found.push_back((Ranked{ranks[low[place]]} << 32) | static_cast<std::uint32_t>(start + low[place]));
  }
  sort_by_key(found, [](Ranked ranked) { return ranked >> 32; });
  return found;
}

bool alike(const float* one, const float* other) {
  return one[0] == other[0] && one[1] == other[1] && one[2] == other[2];
}

Index drawn(Span<const float> xyz, Span<float> sample, Span<double> differ) {
  const Index points = xyz.length / 3, count = sample.length / 3;
  require(xyz.length % 3 == 0 && sample.length % 3 == 0 && differ.length == 1 && points < (Index{1} << 31));
  require(count <= points && (count > 0 || points == 0));
  const auto at = [&](Ranked ranked) { return xyz.data + 3 * static_cast<Index>(place_of(ranked)); };
  // Of the ranks, a few more than are needed are below the first limit, if all points differ.
  for (double share = 1.25 * static_cast<double>(count) / std::max<double>(static_cast<double>(points), 1);;
       share *= 8) {
    const bool all = !(share < 1);
    const std::vector<Ranked> order = lowest(xyz, all ? kRanks : static_cast<std::uint64_t>(share * kRanks));
    if (!all && static_cast<Index>(order.size()) < count) continue;
    // Equal points follow each other; each counts once.
    Index found = 0;
    std::size_t last = 0, looked = 0;
    std::vector<Ranked> again;
    for (; looked < order.size() && found < count; ++looked) {
      if (looked && alike(at(order[looked]), at(order[looked - 1]))) {
        again.push_back(order[looked]);
        continue;
      }
      std::memcpy(sample.data + 3 * found++, at(order[looked]), 3 * sizeof(float));
      last = looked;
    }
    if (found < count && !all) continue;
    differ[0] = static_cast<double>(points);
    if (found < count) {  // then equal ones fill it up
      differ[0] = static_cast<double>(found);
      for (std::size_t place = 0; found < count; ++place)
        std::memcpy(sample.data + 3 * found++, at(again[place]), 3 * sizeof(float));
    } else if (!again.empty() && !all) {
      // That so many lie below this rank tells how many there are in all (Bar-Yossef et al. 2002).
      const double rank = static_cast<double>(std::max<std::uint64_t>(order[last] >> 32, 1));
      differ[0] = std::min(static_cast<double>(count) * static_cast<double>(kRanks) / rank, differ[0]);
    } else if (all) {
      differ[0] = static_cast<double>(found);
      for (; looked < order.size(); ++looked)
        differ[0] += looked == 0 || !alike(at(order[looked]), at(order[looked - 1]));
    }
    return found;
  }
}

}  // namespace

// Draws a sample of (N, 3) points, as many as there is room for in (M, 3), at most N; and tells about how many of the
// points differ.
VISION_SERVICE_EXPORT Index drawn(const float* xyz, Index xyz_length, float* sample, Index sample_length,
                                  double* differ, Index differ_length) {
  return guarded([&] {
    return drawn({xyz, xyz_length}, {sample, sample_length}, {differ, differ_length});
  });
}

}  // namespace vision_service
