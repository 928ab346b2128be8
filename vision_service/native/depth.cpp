// Depth images: raw numbers to metres, metres to points. What is no distance, above 0 and below `farthest`, is NaN.

#include <algorithm>
#include <cmath>
#include <limits>

#include "spans.h"

namespace vision_service {
namespace {

constexpr float kNoPoint = std::numeric_limits<float>::quiet_NaN();

ALWAYS_INLINE float distance(float depth, float farthest) {
  return ((depth > 0.0f) & (depth < farthest)) ? depth : kNoPoint;
}

FOR_WIDE_PROCESSORS
void metres(const std::uint16_t* raw, Index count, float unit, float farthest, float* found) {
  for (Index pixel = 0; pixel < count; ++pixel) found[pixel] = distance(static_cast<float>(raw[pixel]) * unit, farthest);
}

FOR_WIDE_PROCESSORS
void metres(const float* raw, Index count, float unit, float farthest, float* found) {
  for (Index pixel = 0; pixel < count; ++pixel) found[pixel] = distance(raw[pixel] * unit, farthest);
}

// Of a row of pixels whose rays are (x, y, 1).
FOR_WIDE_PROCESSORS
void points_of_row(const float* depth, Index count, const float* x, float y, float farthest, float* xyz) {
  for (Index pixel = 0; pixel < count; ++pixel) {
    const float z = distance(depth[pixel], farthest);
    xyz[3 * pixel] = z * x[pixel];
    xyz[3 * pixel + 1] = z * y;
    xyz[3 * pixel + 2] = z;
  }
}

// Of pixels whose rays are (x, y, 1); NaN instead of 1 where there is none.
FOR_WIDE_PROCESSORS
void points_of_rays(const float* depth, Index count, const float* x, const float* y, const float* one, float farthest,
                    float* xyz) {
  for (Index pixel = 0; pixel < count; ++pixel) {
    const float z = distance(depth[pixel] * one[pixel], farthest);
    xyz[3 * pixel] = z * x[pixel];
    xyz[3 * pixel + 1] = z * y[pixel];
    xyz[3 * pixel + 2] = z;
  }
}

}  // namespace

// Writes the distances that raw depth means, of which a unit is so many metres.
VISION_SERVICE_EXPORT Index metres_of_whole(const std::uint16_t* raw, Index raw_length, double unit, double farthest,
                                            float* found, Index found_length) {
  return guarded([&] {
    require(raw_length == found_length);
    metres(raw, raw_length, static_cast<float>(unit), static_cast<float>(farthest), found);
    return Index{0};
  });
}

VISION_SERVICE_EXPORT Index metres_of_float(const float* raw, Index raw_length, double unit, double farthest,
                                            float* found, Index found_length) {
  return guarded([&] {
    require(raw_length == found_length);
    metres(raw, raw_length, static_cast<float>(unit), static_cast<float>(farthest), found);
    return Index{0};
  });
}

// Writes the points that (H, W) depth shows: with the rays' x of each column and y of each row; or, if there is `one` of
// each pixel, with those of each pixel, where that is NaN if there is no ray.
VISION_SERVICE_EXPORT Index points_of_depth(const float* depth, Index depth_length, const float* x, Index x_length,
                                            const float* y, Index y_length, const float* one, Index one_length,
                                            double farthest, float* xyz, Index xyz_length) {
  return guarded([&] {
    require(xyz_length == 3 * depth_length);
    const float limit = static_cast<float>(farthest);
    if (one_length > 0) {
      require(one_length == depth_length && x_length == depth_length && y_length == depth_length);
      points_of_rays(depth, depth_length, x, y, one, limit, xyz);
      return Index{0};
    }
    require(x_length > 0 ? depth_length % x_length == 0 && y_length == depth_length / x_length : depth_length == 0);
    for (Index row = 0; row < y_length; ++row)
      points_of_row(depth + row * x_length, x_length, x, y[row], limit, xyz + 3 * row * x_length);
    return Index{0};
  });
}

}  // namespace vision_service
