// What is done with every point: which exist, which are chosen, what their bounds are, to which object they go.
//
// What a camera sees lies in runs of neighbours: points are copied run by run.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "spans.h"

namespace vision_service {
namespace {

constexpr Index kBlock = 1024;  // points that are looked at at once

// The points of a cloud, with or without colours.
struct Points {
  Span<const float> xyz;
  Span<const std::uint8_t> rgb;  // none if its length is 0

  Index count() const { return xyz.length / 3; }
};

// Where points are copied to, one behind the other.
class Copy {
 public:
  Copy(const Points& from, Span<float> xyz, Span<std::uint8_t> rgb) : from_(from), xyz_(xyz), rgb_(rgb) {
    require(xyz.length % 3 == 0 && (from.rgb.length == 0 || from.rgb.length == from.xyz.length));
    require(from.rgb.length == 0 ? rgb.length == 0 : rgb.length == xyz.length);
  }

  // Copies the points from a first one up to an end, to a place.
  void to(Index place, Index first, Index end) {
    const Index numbers = 3 * (end - first);
    require(place >= 0 && place <= xyz_.length / 3 - (end - first));
    std::memcpy(xyz_.data + 3 * place, from_.xyz.data + 3 * first, sizeof(float) * numbers);
    if (rgb_.length) std::memcpy(rgb_.data + 3 * place, from_.rgb.data + 3 * first, numbers);
  }

  // Copies them behind those that are there.
  void add(Index first, Index end) {
    to(count_, first, end);
    count_ += end - first;
  }

  Index count() const { return count_; }

 private:
  Points from_;
  Span<float> xyz_;
  Span<std::uint8_t> rgb_;
  Index count_ = 0;
};

// Returns the first place from one on at which a byte is not 0; the count, if there is none.
Index next_chosen(const std::uint8_t* chosen, Index place, Index count) {
  std::uint64_t eight = 0;
  for (; place + 8 <= count; place += 8) {
    std::memcpy(&eight, chosen + place, sizeof eight);
    if (eight) break;
  }
  while (place < count && !chosen[place]) ++place;
  return place;
}

// Calls a job with the first and the end of each run of bytes that are not 0.
template <class Job>
void each_run(const std::uint8_t* chosen, Index count, const Job& job) {
  for (Index end = 0, first = next_chosen(chosen, 0, count); first < count; first = next_chosen(chosen, end, count)) {
    const void* const zero = std::memchr(chosen + first, 0, static_cast<std::size_t>(count - first));
    end = zero ? static_cast<const std::uint8_t*>(zero) - chosen : count;
    job(first, end);
  }
}

// Whether a point was measured: the sum of its coordinates' amounts is below `farthest`, and above `least`, which is 0
// where the sensor is at 0, 0, 0, as no sensor sees itself, else below 0. NaN does neither.
template <class Real>
ALWAYS_INLINE bool measured(Real x, Real y, Real z, Real least, Real farthest) {
  const Real sum = std::fabs(x) + std::fabs(y) + std::fabs(z);
  return (sum > least) & (sum < farthest);
}

FOR_WIDE_PROCESSORS
void measured(const float* xyz, Index count, float least, float farthest, std::uint8_t* found) {
  for (Index point = 0; point < count; ++point)
    found[point] = measured(xyz[3 * point], xyz[3 * point + 1], xyz[3 * point + 2], least, farthest);
}

FOR_WIDE_PROCESSORS
void measured(const double* xyz, Index count, double least, double farthest, std::uint8_t* found) {
  for (Index point = 0; point < count; ++point)
    found[point] = measured(xyz[3 * point], xyz[3 * point + 1], xyz[3 * point + 2], least, farthest);
}

// The same, of points whose distance from a place has at least a square.
FOR_WIDE_PROCESSORS
void far_enough(const float* xyz, Index count, const float* place, float least_square, float least, float farthest,
                std::uint8_t* found) {
  const float x0 = place[0], y0 = place[1], z0 = place[2];
  for (Index point = 0; point < count; ++point) {
    const float x = xyz[3 * point], y = xyz[3 * point + 1], z = xyz[3 * point + 2];
    const float square = (x - x0) * (x - x0) + (y - y0) * (y - y0) + (z - z0) * (z - z0);
    found[point] = measured(x, y, z, least, farthest) & (square >= least_square);
  }
}

Index existing(const Points& points, Span<const float> sensors, float least_square, float least, float farthest,
               Copy& copy) {
  require(points.xyz.length % 3 == 0 && sensors.length % 3 == 0);
  std::uint8_t known[kBlock], near[kBlock];
  bool copies = false;  // not until a point is missing: most clouds of lidars are complete
  for (Index start = 0; start < points.count(); start += kBlock) {
    const Index count = std::min(kBlock, points.count() - start);
    const float* xyz = points.xyz.data + 3 * start;
    if (sensors.length == 0) measured(xyz, count, least, farthest, known);
    for (Index sensor = 0; sensor < sensors.length; sensor += 3) {
      far_enough(xyz, count, sensors.data + sensor, least_square, least, farthest, sensor ? near : known);
      if (sensor)
        for (Index point = 0; point < count; ++point) known[point] &= near[point];
    }
    if (!copies) {
      if (!std::memchr(known, 0, count)) continue;
      copies = true;
      copy.add(0, start);
    }
    each_run(known, count, [&](Index first, Index end) { copy.add(start + first, start + end); });
  }
  return copies ? copy.count() : points.count();
}

FOR_WIDE_PROCESSORS
void widen(const float* xyz, Index numbers, float* low, float* high) {
  // Eight points side by side, in three times eight numbers: each is of the same axis in every turn.
  constexpr int kSide = 3;
  Lanes least[kSide], most[kSide];
  for (int lane = 0; lane < kSide * kLanes; ++lane) {
    least[lane / kLanes][lane % kLanes] = low[lane % 3];
    most[lane / kLanes][lane % kLanes] = high[lane % 3];
  }
  Index place = 0;
  for (; place + kSide * kLanes <= numbers; place += kSide * kLanes)
    for (int side = 0; side < kSide; ++side) {
      Lanes value;
      std::memcpy(&value, xyz + place + side * kLanes, sizeof value);
      least[side] = value < least[side] ? value : least[side];
      most[side] = value > most[side] ? value : most[side];
    }
  for (int lane = 0; lane < kSide * kLanes; ++lane) {
    low[lane % 3] = std::min(low[lane % 3], least[lane / kLanes][lane % kLanes]);
    high[lane % 3] = std::max(high[lane % 3], most[lane / kLanes][lane % kLanes]);
  }
  for (; place < numbers; ++place) {
    low[place % 3] = std::min(low[place % 3], xyz[place]);
    high[place % 3] = std::max(high[place % 3], xyz[place]);
  }
}

FOR_WIDE_PROCESSORS
void heights(const float* xyz, Index count, float x, float y, float z, float offset, float* found) {
  for (Index point = 0; point < count; ++point)
    found[point] = (xyz[3 * point] * x + xyz[3 * point + 1] * y + xyz[3 * point + 2] * z) - offset;
}

// Which heights belong to what is above the ground, and how many of them to the ground itself.
struct Bands {
  float tolerance;  // up to how far from the ground points are its own
  float low, high;  // between these they are above it
  float below;      // and below this one too

  ALWAYS_INLINE bool holds(float height) const { return ((height > low) & (height < high)) | (height < below); }
};

FOR_WIDE_PROCESSORS
std::uint32_t apart(const float* heights, Index count, const Bands bands, std::uint8_t* chosen) {
  std::uint32_t on = 0;
  for (Index point = 0; point < count; ++point) {
    on += std::fabs(heights[point]) <= bands.tolerance;
    chosen[point] = bands.holds(heights[point]);
  }
  return on;
}

// Takes away the places that lie outside of an edge, of up to kBlock places.
FOR_WIDE_PROCESSORS
void cut_off(const double* x, const double* y, Index count, double across, double down, double limit,
             std::uint8_t* inside) {
  for (Index place = 0; place < count; ++place) inside[place] &= x[place] * across + y[place] * down <= limit;
}

}  // namespace

// Writes which of (N, 2) places lie in a convex polygon: on the inner side of each of its K edges, or on it. An edge's
// outer side is where (K, 2) outward · place exceeds its limit.
VISION_SERVICE_EXPORT Index inside_convex(const float* places, Index places_length, const double* outward,
                                          Index outward_length, const double* limits, Index limits_length,
                                          std::uint8_t* inside, Index inside_length) {
  return guarded([&] {
    require(places_length == 2 * inside_length && outward_length == 2 * limits_length);
    double x[kBlock], y[kBlock];
    for (Index start = 0; start < inside_length; start += kBlock) {
      const Index count = std::min(kBlock, inside_length - start);
      double low_x = HUGE_VAL, high_x = -HUGE_VAL, low_y = HUGE_VAL, high_y = -HUGE_VAL;
      for (Index place = 0; place < count; ++place) {
        x[place] = places[2 * (start + place)], y[place] = places[2 * (start + place) + 1];
        low_x = std::min(low_x, x[place]), high_x = std::max(high_x, x[place]);
        low_y = std::min(low_y, y[place]), high_y = std::max(high_y, y[place]);
      }
      for (Index place = 0; place < count; ++place)  // NaN is nowhere
        inside[start + place] = (x[place] == x[place]) & (y[place] == y[place]);
      for (Index edge = 0; edge < limits_length; ++edge) {
        const double across = outward[2 * edge], down = outward[2 * edge + 1];
        // Most edges have all places on their inner side: that corner of these says it that is nearest to the edge.
        if (std::max(low_x * across, high_x * across) + std::max(low_y * down, high_y * down) <= limits[edge]) continue;
        cut_off(x, y, count, across, down, limits[edge], inside + start);
      }
    }
    return Index{0};
  });
}

// Writes which of (N, 3) points were measured: the sum of their coordinates' amounts lies between two limits.
VISION_SERVICE_EXPORT Index measured_float(const float* xyz, Index xyz_length, double least, double farthest,
                                           std::uint8_t* found, Index found_length) {
  return guarded([&] {
    require(xyz_length == 3 * found_length);
    measured(xyz, found_length, static_cast<float>(least), static_cast<float>(farthest), found);
    return Index{0};
  });
}

VISION_SERVICE_EXPORT Index measured_double(const double* xyz, Index xyz_length, double least, double farthest,
                                            std::uint8_t* found, Index found_length) {
  return guarded([&] {
    require(xyz_length == 3 * found_length);
    measured(xyz, found_length, least, farthest, found);
    return Index{0};
  });
}

// Copies the points that were measured, with their colours, and returns how many they are; if that is all, nothing is
// copied. `sensors` are the places, if any, from each of which their distance has at least a square.
VISION_SERVICE_EXPORT Index existing(const float* xyz, Index xyz_length, const std::uint8_t* rgb, Index rgb_length,
                                     const float* sensors, Index sensors_length, double least_square, double least,
                                     double farthest, float* kept_xyz, Index kept_xyz_length, std::uint8_t* kept_rgb,
                                     Index kept_rgb_length) {
  return guarded([&] {
    const Points points{{xyz, xyz_length}, {rgb, rgb_length}};
    Copy copy(points, {kept_xyz, kept_xyz_length}, {kept_rgb, kept_rgb_length});
    return existing(points, {sensors, sensors_length}, static_cast<float>(least_square), static_cast<float>(least),
                    static_cast<float>(farthest), copy);
  });
}

// Copies the points for which `chosen` is not 0, with their colours, and returns how many they are.
VISION_SERVICE_EXPORT Index chosen_points(const float* xyz, Index xyz_length, const std::uint8_t* rgb,
                                          Index rgb_length, const std::uint8_t* chosen, Index chosen_length,
                                          float* kept_xyz, Index kept_xyz_length, std::uint8_t* kept_rgb,
                                          Index kept_rgb_length) {
  return guarded([&] {
    const Points points{{xyz, xyz_length}, {rgb, rgb_length}};
    require(xyz_length == 3 * chosen_length);
    Copy copy(points, {kept_xyz, kept_xyz_length}, {kept_rgb, kept_rgb_length});
    each_run(chosen, chosen_length, [&](Index first, Index end) { copy.add(first, end); });
    return copy.count();
  });
}

// Writes the least and the greatest x, y and z of (N, 3) points, at least one, into (6,) bounds.
VISION_SERVICE_EXPORT Index bounds(const float* xyz, Index xyz_length, double* found, Index found_length) {
  return guarded([&] {
    require(xyz_length >= 3 && xyz_length % 3 == 0 && found_length == 6);
    float low[3], high[3];
    for (int axis = 0; axis < 3; ++axis) low[axis] = high[axis] = xyz[axis];
    widen(xyz, xyz_length, low, high);
    for (int axis = 0; axis < 3; ++axis) found[axis] = low[axis], found[3 + axis] = high[axis];
    return Index{0};
  });
}

// Writes how far (N, 3) points are above a plane with the unit vector x, y, z upwards.
VISION_SERVICE_EXPORT Index heights(const float* xyz, Index xyz_length, double x, double y, double z, double offset,
                                    float* found, Index found_length) {
  return guarded([&] {
    require(xyz_length == 3 * found_length);
    heights(xyz, found_length, static_cast<float>(x), static_cast<float>(y), static_cast<float>(z),
            static_cast<float>(offset), found);
    return Index{0};
  });
}

// Writes which of (N, 3) points are above a plane, or below it: those whose height is between `low` and `high`, or less
// than `below`; and returns how many are at most `tolerance` away from it.
VISION_SERVICE_EXPORT Index apart_from_plane(const float* xyz, Index xyz_length, double x, double y, double z,
                                             double offset, double tolerance, double low, double high, double below,
                                             std::uint8_t* chosen, Index chosen_length) {
  return guarded([&] {
    require(xyz_length == 3 * chosen_length);
    const Bands bands{static_cast<float>(tolerance), static_cast<float>(low), static_cast<float>(high),
                      static_cast<float>(below)};
    float own[kBlock];
    Index on = 0;
    for (Index start = 0; start < chosen_length; start += kBlock) {
      const Index count = std::min(kBlock, chosen_length - start);
      heights(xyz + 3 * start, count, static_cast<float>(x), static_cast<float>(y), static_cast<float>(z),
              static_cast<float>(offset), own);
      on += apart(own, count, bands, chosen + start);
    }
    return on;
  });
}

// The same, of heights.
VISION_SERVICE_EXPORT Index apart_by_height(const float* heights, Index heights_length, double tolerance, double low,
                                            double high, double below, std::uint8_t* chosen, Index chosen_length) {
  return guarded([&] {
    require(heights_length == chosen_length);
    const Bands bands{static_cast<float>(tolerance), static_cast<float>(low), static_cast<float>(high),
                      static_cast<float>(below)};
    Index on = 0;
    for (Index start = 0; start < chosen_length; start += kBlock)
      on += apart(heights + start, std::min(kBlock, chosen_length - start), bands, chosen + start);
    return on;
  });
}

// Counts labels from 0 on below the length of `counts`; others do not count.
VISION_SERVICE_EXPORT Index label_counts(const std::int32_t* labels, Index labels_length, std::int64_t* counts,
                                         Index counts_length) {
  return guarded([&] {
    for (Index label = 0; label < counts_length; ++label) counts[label] = 0;
    for (Index first = 0, end; first < labels_length; first = end) {
      const std::int32_t label = labels[first];
      for (end = first + 1; end < labels_length && labels[end] == label;) ++end;
      if (label >= 0 && label < counts_length) counts[label] += end - first;
    }
    return Index{0};
  });
}

// Copies the points of each label, with their colours, one behind the other from the label's start on; those of labels
// that have a negative one, or none, are left out.
VISION_SERVICE_EXPORT Index grouped(const float* xyz, Index xyz_length, const std::uint8_t* rgb, Index rgb_length,
                                    const std::int32_t* labels, Index labels_length, const std::int64_t* starts,
                                    Index starts_length, float* kept_xyz, Index kept_xyz_length,
                                    std::uint8_t* kept_rgb, Index kept_rgb_length) {
  return guarded([&] {
    const Points points{{xyz, xyz_length}, {rgb, rgb_length}};
    require(xyz_length == 3 * labels_length);
    Copy copy(points, {kept_xyz, kept_xyz_length}, {kept_rgb, kept_rgb_length});
    std::vector<Index> places(starts, starts + starts_length);
    for (Index first = 0, end; first < labels_length; first = end) {
      const std::int32_t label = labels[first];
      for (end = first + 1; end < labels_length && labels[end] == label;) ++end;
      if (label < 0 || label >= starts_length || places[label] < 0) continue;
      copy.to(places[label], first, end);
      places[label] += end - first;
    }
    return Index{0};
  });
}

}  // namespace vision_service
