// Of what a detector found the best that means something, brought to the image: vision_service/mlmodel/suppression.py
// says how it is called.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

#include "rows.h"
#include "spans.h"

namespace vision_service {
namespace {

constexpr double kUnlikely = 2147483648.0;  // no class number and no coordinate is as great
constexpr Index kTurned = 5;                // centre x, centre y, width, height and angle

// Whether a row means something; not a number is on neither side of any.
bool is_sane(const Row& row) {
  return -kUnlikely < row.left && row.left < row.right && row.right < kUnlikely && -kUnlikely < row.top &&
         row.top < row.bottom && row.bottom < kUnlikely && 0 <= row.number && row.number < kUnlikely &&
         std::isfinite(row.score);
}

// Boxes of one class that stay, side by side.
struct Staying {
  std::vector<double> left, top, right, bottom, area;

  bool cover(const Row& row, double own_area, double threshold) const {
    for (std::size_t place = 0; place < left.size(); ++place) {
      const double width = std::min(right[place], row.right) - std::max(left[place], row.left);
      const double height = std::min(bottom[place], row.bottom) - std::max(top[place], row.top);
      if (width <= 0 || height <= 0) continue;
      const double common = width * height;
      if (common > threshold * (area[place] + own_area - common)) return true;
    }
    return false;
  }
  void add(const Row& row, double own_area) {
    left.push_back(row.left), top.push_back(row.top), right.push_back(row.right), bottom.push_back(row.bottom);
    area.push_back(own_area);
  }
};

// Leaves the places of boxes that no better one of their class that stays covers, as many as `limit` at most.
void suppress_upright(const double* rows, bool per_class, double threshold, std::size_t limit,
                      std::vector<Index>& places) {
  std::unordered_map<std::int64_t, Staying> staying;
  std::size_t left = 0;
  for (const Index place : places) {
    if (left == limit) break;
    const Row row = Row::read(rows + kRow * place);
    Staying& same = staying[per_class ? static_cast<std::int64_t>(row.number) : 0];
    const double area = row.area();
    if (same.cover(row, area, threshold)) continue;
    same.add(row, area);
    places[left++] = place;
  }
  places.resize(left);
}

// A Gaussian that stands for a turned box.
struct Gaussian {
  double x, y, across, down, both;  // its centre, and its covariances xx, yy and xy

  explicit Gaussian(const double* turned) : x(turned[0]), y(turned[1]) {
    const double one = turned[2] * turned[2] / 12, other = turned[3] * turned[3] / 12;
    const double cos = std::cos(turned[4]), sin = std::sin(turned[4]);
    across = one * (cos * cos) + other * (sin * sin);
    down = one * (sin * sin) + other * (cos * cos);
    both = (one - other) * cos * sin;
  }
  double determinant() const { return std::max(across * down - both * both, 0.0); }
};

// Returns 1 - the Hellinger distance of two Gaussians.
double prob_iou(const Gaussian& one, const Gaussian& other) {
  constexpr double kTiny = 1e-7;
  const double a = one.across + other.across, b = one.down + other.down, c = one.both + other.both;
  const double x = one.x - other.x, y = other.y - one.y;
  const double determinant = a * b - c * c;
  const double first = (a * (y * y) + b * (x * x)) / (determinant + kTiny) * 0.25;
  const double second = c * x * y / (determinant + kTiny) * 0.5;
  const double each = std::sqrt(one.determinant() * other.determinant());
  const double third = std::log(determinant / (4 * each + kTiny) + kTiny) * 0.5;
  const double distance = std::min(std::max(first + second + third, kTiny), 100.0);
  return 1 - std::sqrt(1 - std::exp(-distance) + kTiny);
}

// Leaves the places of turned boxes that no better one of their class covers, whether that one stays or not.
//
// Only boxes whose centres are near each other are compared: of two Gaussians that overlap so much, the centres'
// distance is at most a part of the larger box.
void suppress_turned(const double* rows, const double* turned, bool per_class, double threshold,
                     std::vector<Index>& places) {
  std::vector<Gaussian> gaussians;
  double longest = 0;
  for (const Index place : places) {
    const double* const box = turned + kTurned * place;
    gaussians.emplace_back(box);
    longest = std::max({longest, box[2], box[3]});
  }
  const double nearness = threshold > 0 ? -std::log(1 - (1 - threshold) * (1 - threshold))
                                        : std::numeric_limits<double>::infinity();
  const double radius = longest * std::sqrt(8 * nearness / 12) * (1 + 1e-6) + 1e-9;
  std::vector<Index> from_left(places.size());  // ranks, by x
  for (std::size_t rank = 0; rank < places.size(); ++rank) from_left[rank] = static_cast<Index>(rank);
  std::sort(from_left.begin(), from_left.end(), [&](Index one, Index other) {
    return gaussians[one].x < gaussians[other].x;
  });
  std::vector<char> gone(places.size(), 0);
  const auto number = [&](Index rank) { return rows[kRow * places[rank] + 5]; };
  for (std::size_t first = 0; first < from_left.size(); ++first) {
    for (std::size_t second = first + 1; second < from_left.size(); ++second) {
      const Index better = std::min(from_left[first], from_left[second]);
      const Index worse = std::max(from_left[first], from_left[second]);
      const Gaussian &one = gaussians[better], &other = gaussians[worse];
      if (std::fabs(one.x - other.x) > radius) break;
      if (std::fabs(one.y - other.y) > radius || gone[worse] || (per_class && number(better) != number(worse)))
        continue;
      gone[worse] = prob_iou(one, other) >= threshold;
    }
  }
  std::size_t left = 0;
  for (std::size_t rank = 0; rank < places.size(); ++rank)
    if (!gone[rank]) places[left++] = places[rank];
  places.resize(left);
}

}  // namespace

std::vector<Index> best_of(const double* rows, Index count, const double* turned, const Suppression& suppression) {
  const auto [mode, threshold, limit] = suppression;
  std::vector<Index> left;
  left.reserve(static_cast<std::size_t>(count));
  bool falling = true;
  for (Index place = 0; place < count; ++place) {
    if (!is_sane(Row::read(rows + kRow * place))) continue;
    falling = falling && (left.empty() || rows[kRow * left.back() + 4] >= rows[kRow * place + 4]);
    left.push_back(place);
  }
  if (!falling)
    std::stable_sort(left.begin(), left.end(), [&](Index one, Index other) {
      return rows[kRow * one + 4] > rows[kRow * other + 4];
    });
  const std::size_t most = limit > 0 ? static_cast<std::size_t>(limit) : left.size();
  if (mode != kNone && threshold < 1 && left.size() > 1) {
    if (turned != nullptr) {
      suppress_turned(rows, turned, mode == kPerClass, threshold, left);
    } else {
      suppress_upright(rows, mode == kPerClass, threshold, most, left);
    }
  }
  if (left.size() > most) left.resize(most);
  return left;
}

Index bring_to_source(const double* rows, const std::vector<Index>& best, const Placement& placement, double* found,
                      Index* places) {
  Index kept = 0;
  for (const Index place : best) {
    Row row = Row::read(rows + kRow * place);
    if (placement.width > 0) {
      row = placement.to_source(row);
      if (!(row.left < row.right && row.top < row.bottom)) continue;  // in a letterbox's border
    }
    if (places != nullptr) places[kept] = place;
    row.write(found + kRow * kept++);
  }
  return kept;
}

// Writes which rows are kept, best first, and these rows with their boxes in the image. `turned` is empty if the boxes
// are upright.
VISION_SERVICE_EXPORT Index kept(const double* rows, Index rows_length, const double* turned, Index turned_length,
                                 Index mode, double threshold, Index limit, double x, double y, double across,
                                 double down, double width, double height, double* found, Index found_length,
                                 Index* places, Index places_length) {
  return guarded([&] {
    const Index count = places_length;
    require(rows_length == kRow * count && found_length == rows_length);
    require(turned_length == 0 || turned_length == kTurned * count);
    const Suppression suppression{mode, threshold, limit};
    suppression.require_valid();
    const auto best = best_of(rows, count, turned_length > 0 ? turned : nullptr, suppression);
    return bring_to_source(rows, best, {x, y, across, down, width, height}, found, places);
  });
}

}  // namespace vision_service
