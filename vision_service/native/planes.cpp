// The plane that most points lie on: vision_service/pointcloud/planes.py says how it is found.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "spans.h"

namespace vision_service {
namespace {

constexpr Index kFirstLook = 256;  // points by which candidates are judged before the best of them meet all of them
constexpr std::size_t kFinalists = 64;
constexpr Index kPart = 512;   // points after which a candidate that is worse than another one is given up
constexpr Index kBlock = 256;  // points whose products are summed up in single precision
constexpr int kRounds = 4;     // of least squares with the sample
constexpr double kLeastSine = 1e-3;  // of the angle between two sides of three points: below, they lie on a line
constexpr double kSpreads = 4.0;     // standard deviations of the points' distances that an automatic tolerance covers
constexpr double kToDeviation = 1.4826;  // from the median of absolute distances to their standard deviation
constexpr double kLeastTolerance = 1e-6;  // of an automatic tolerance, as a part of the cloud's size

using Vector = std::array<double, 3>;

double dot(const Vector& one, const Vector& other) {
  return one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
}

Vector minus(const Vector& one, const Vector& other) {
  return {one[0] - other[0], one[1] - other[1], one[2] - other[2]};
}

Vector cross(const Vector& one, const Vector& other) {
  return {one[1] * other[2] - one[2] * other[1], one[2] * other[0] - one[0] * other[2],
          one[0] * other[1] - one[1] * other[0]};
}

double length(const Vector& vector) { return std::sqrt(dot(vector, vector)); }

struct Plane {
  Vector normal;
  double offset;
  double tolerance;
};

// What is looked for.
struct Search {
  double tolerance;  // 0 = automatic
  Index min_points;
  Vector direction;  // a unit vector, or zeros
  double least_cosine;
  Vector sensor;

  bool suits(const Vector& normal) const { return std::fabs(dot(normal, direction)) >= least_cosine; }

  // Returns the plane with its upper side up.
  Plane oriented(const Plane& plane) const {
    const bool any = direction[0] != 0 || direction[1] != 0 || direction[2] != 0;
    const bool down = any ? dot(plane.normal, direction) < 0 : plane.offset > dot(plane.normal, sensor);
    if (!down) return plane;
    return {{-plane.normal[0], -plane.normal[1], -plane.normal[2]}, -plane.offset, plane.tolerance};
  }
};

// A plane in single precision, as points are.
struct Candidate {
  float x, y, z, offset;

  Candidate(const Vector& normal, double distance)
      : x(static_cast<float>(normal[0])), y(static_cast<float>(normal[1])), z(static_cast<float>(normal[2])),
        offset(static_cast<float>(distance)) {}
  explicit Candidate(const Plane& plane) : Candidate(plane.normal, plane.offset) {}

  ALWAYS_INLINE float height(float px, float py, float pz) const { return (px * x + py * y + pz * z) - offset; }
};

// A sample of points, counted from its centre: the coordinates of one axis one behind the other.
struct Sample {
  std::vector<float> x, y, z;
  Vector center;

  explicit Sample(Span<const float> xyz) : x(xyz.length / 3), y(x.size()), z(x.size()), center{} {
    for (Index place = 0; place < xyz.length; ++place) center[place % 3] += xyz[place];
    for (double& coordinate : center) coordinate /= static_cast<double>(x.size());
    for (std::size_t point = 0; point < x.size(); ++point) {
      x[point] = static_cast<float>(xyz[3 * point] - center[0]);
      y[point] = static_cast<float>(xyz[3 * point + 1] - center[1]);
      z[point] = static_cast<float>(xyz[3 * point + 2] - center[2]);
    }
  }

  Index count() const { return static_cast<Index>(x.size()); }
  Vector point(std::int64_t place) const { return {x[place], y[place], z[place]}; }
};

// Returns what of the distances of points from a plane is within reach, summed up: the less, the better it suits.
FOR_WIDE_PROCESSORS
float cost(const float* x, const float* y, const float* z, Index count, const Candidate& plane, float reach) {
  float lanes[kLanes] = {};
  Index point = 0;
  for (; point + kLanes <= count; point += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) {
      const float away = std::fabs(plane.height(x[point + lane], y[point + lane], z[point + lane]));
      lanes[lane] += away < reach ? away : reach;
    }
  float sum = 0;
  for (; point < count; ++point) {
    const float away = std::fabs(plane.height(x[point], y[point], z[point]));
    sum += away < reach ? away : reach;
  }
  for (const float lane : lanes) sum += lane;
  return sum;
}

// Returns the planes through three chosen points each that suit; three points on a line give none.
std::vector<Candidate> candidates(const Sample& sample, Span<const std::int64_t> chosen, const Search& search) {
  std::vector<Candidate> found;
  found.reserve(chosen.length / 3);
  for (Index place = 0; place < chosen.length; place += 3) {
    const Vector first = sample.point(chosen[place]);
    const Vector one = minus(sample.point(chosen[place + 1]), first);
    const Vector other = minus(sample.point(chosen[place + 2]), first);
    Vector normal = cross(one, other);
    const double size = length(normal);
    if (!(size > kLeastSine * length(one) * length(other))) continue;
    for (double& coordinate : normal) coordinate /= size;
    if (search.suits(normal)) found.emplace_back(normal, dot(normal, first));
  }
  return found;
}

// Returns the candidate that suits the sample best (MSAC): those that suit the first points best meet all of them.
Candidate best_of(const Sample& sample, const std::vector<Candidate>& planes, float reach) {
  const float *x = sample.x.data(), *y = sample.y.data(), *z = sample.z.data();
  const Index first = std::min(kFirstLook, sample.count());
  std::vector<float> costs(planes.size());
  for (std::size_t plane = 0; plane < planes.size(); ++plane)
    costs[plane] = cost(x, y, z, first, planes[plane], reach);
  std::vector<std::size_t> order(planes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t finalists = std::min(kFinalists, order.size());
  std::partial_sort(order.begin(), order.begin() + finalists, order.end(), [&](std::size_t one, std::size_t other) {
    return costs[one] != costs[other] ? costs[one] < costs[other] : one < other;
  });
  std::size_t best = order[0];
  float least = HUGE_VALF;
  for (std::size_t place = 0; place < finalists; ++place) {
    float sum = 0;
    for (Index start = 0; start < sample.count() && sum < least; start += kPart)
      sum += cost(x + start, y + start, z + start, std::min(kPart, sample.count() - start), planes[order[place]], reach);
    if (sum < least) least = sum, best = order[place];
  }
  return planes[best];
}

FOR_WIDE_PROCESSORS
Index near_count(const float* xyz, Index count, const Candidate& plane, float tolerance) {
  Index near = 0;
  for (Index point = 0; point < count; ++point)
    near += std::fabs(plane.height(xyz[3 * point], xyz[3 * point + 1], xyz[3 * point + 2])) <= tolerance;
  return near;
}

// Sums over the points near a plane, counted from a place: how many, also within half of the tolerance, of coordinates,
// and of their products.
struct Sums {
  enum { kCount, kHalf, kX, kY, kZ, kXX, kXY, kXZ, kYY, kYZ, kZZ, kSums };
  double sums[kSums] = {};
  float farthest = 0;  // the greatest square of a distance from the place
};

// Adds up to kBlock points: sums of so few are exact enough in single precision.
FOR_WIDE_PROCESSORS
void add_near(const float* xyz, Index count, const Candidate plane, float tolerance, const float* place, Sums& total) {
  float near[kBlock], half[kBlock], x[kBlock], y[kBlock], z[kBlock];
  const float x0 = place[0], y0 = place[1], z0 = place[2];
  for (Index point = 0; point < count; ++point) {
    const float px = xyz[3 * point], py = xyz[3 * point + 1], pz = xyz[3 * point + 2];
    const float away = std::fabs(plane.height(px, py, pz));
    const float is_near = away <= tolerance ? 1.0f : 0.0f;
    near[point] = is_near;
    half[point] = away <= 0.5f * tolerance ? 1.0f : 0.0f;
    x[point] = (px - x0) * is_near;
    y[point] = (py - y0) * is_near;
    z[point] = (pz - z0) * is_near;
  }
  const Index padded = (count + kLanes - 1) / kLanes * kLanes;
  for (Index point = count; point < padded; ++point) near[point] = half[point] = x[point] = y[point] = z[point] = 0.0f;
  Lanes lanes[Sums::kSums] = {}, farthest = {};
  for (Index point = 0; point < padded; point += kLanes) {
    Lanes n, h, px, py, pz;
    std::memcpy(&n, near + point, sizeof n);
    std::memcpy(&h, half + point, sizeof h);
    std::memcpy(&px, x + point, sizeof px);
    std::memcpy(&py, y + point, sizeof py);
    std::memcpy(&pz, z + point, sizeof pz);
    lanes[Sums::kCount] += n;
    lanes[Sums::kHalf] += h;
    lanes[Sums::kX] += px;
    lanes[Sums::kY] += py;
    lanes[Sums::kZ] += pz;
    lanes[Sums::kXX] += px * px;
    lanes[Sums::kXY] += px * py;
    lanes[Sums::kXZ] += px * pz;
    lanes[Sums::kYY] += py * py;
    lanes[Sums::kYZ] += py * pz;
    lanes[Sums::kZZ] += pz * pz;
    const Lanes square = px * px + py * py + pz * pz;
    farthest = square > farthest ? square : farthest;
  }
  for (int sum = 0; sum < Sums::kSums; ++sum)
    for (int lane = 0; lane < kLanes; ++lane) total.sums[sum] += lanes[sum][lane];
  for (int lane = 0; lane < kLanes; ++lane) total.farthest = std::max(total.farthest, farthest[lane]);
}

// Returns the unit eigenvector of a symmetric matrix that belongs to its least eigenvalue (Jacobi's rotations).
Vector least_axis(double matrix[3][3]) {
  double axes[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};  // the columns
  for (int sweep = 0; sweep < 30; ++sweep) {
    const double off = std::fabs(matrix[0][1]) + std::fabs(matrix[0][2]) + std::fabs(matrix[1][2]);
    if (!(off > 0)) break;
    for (int row = 0; row < 2; ++row)
      for (int column = row + 1; column < 3; ++column) {
        if (matrix[row][column] == 0) continue;
        const double theta = (matrix[column][column] - matrix[row][row]) / (2 * matrix[row][column]);
        const double tangent = (theta < 0 ? -1 : 1) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        const double cosine = 1 / std::sqrt(tangent * tangent + 1), sine = tangent * cosine;
        for (int other = 0; other < 3; ++other) {
          const double one = matrix[other][row], two = matrix[other][column];
          matrix[other][row] = cosine * one - sine * two;
          matrix[other][column] = sine * one + cosine * two;
        }
        for (int other = 0; other < 3; ++other) {
          const double one = matrix[row][other], two = matrix[column][other];
          matrix[row][other] = cosine * one - sine * two;
          matrix[column][other] = sine * one + cosine * two;
          const double first = axes[other][row], second = axes[other][column];
          axes[other][row] = cosine * first - sine * second;
          axes[other][column] = sine * first + cosine * second;
        }
        matrix[row][column] = matrix[column][row] = 0;
      }
  }
  int least = 0;
  for (int axis = 1; axis < 3; ++axis)
    if (matrix[axis][axis] < matrix[least][least]) least = axis;
  const Vector found = {axes[0][least], axes[1][least], axes[2][least]};
  const double size = length(found);
  return {found[0] / size, found[1] / size, found[2] / size};
}

// Returns the median of values, which it reorders; there is at least one.
float median(std::vector<float>& values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

// The plane of least squares through the points near another one, and how many points are near it at least: 0 = unknown.
struct Refined {
  Plane plane{};
  Index least_points = 0;
};

// Computes it; false if the points are too few.
//
// Its tolerance is that of the plane; or, if there is a least one, it is told from the points.
bool refine(Span<const float> xyz, const Plane& plane, const Vector& center, double least, Refined& refined) {
  Plane& found = refined.plane;
  const Candidate before(plane);
  const float tolerance = static_cast<float>(plane.tolerance);
  const float place[3] = {static_cast<float>(center[0]), static_cast<float>(center[1]), static_cast<float>(center[2])};
  const Vector middle = {place[0], place[1], place[2]};
  const Index points = xyz.length / 3;
  Sums total;
  for (Index start = 0; start < points; start += kBlock)
    add_near(xyz.data + 3 * start, std::min(kBlock, points - start), before, tolerance, place, total);
  const double* sums = total.sums;
  const double count = sums[Sums::kCount];
  if (count < 3) return false;
  const Vector mean = {sums[Sums::kX] / count, sums[Sums::kY] / count, sums[Sums::kZ] / count};
  double scatter[3][3];
  for (int row = 0, sum = Sums::kXX; row < 3; ++row)
    for (int column = row; column < 3; ++column, ++sum)
      scatter[row][column] = scatter[column][row] = sums[sum] - count * mean[row] * mean[column];
  found.normal = least_axis(scatter);
  found.offset = dot(found.normal, {mean[0] + place[0], mean[1] + place[1], mean[2] + place[2]});
  found.tolerance = plane.tolerance;
  if (!(least > 0)) {
    // Points within half of the tolerance of the one plane are near the other, if these are nowhere farther apart.
    const double sign = dot(found.normal, plane.normal) < 0 ? -1 : 1;
    const Vector turned = {sign * found.normal[0], sign * found.normal[1], sign * found.normal[2]};
    const double apart = std::fabs((dot(plane.normal, middle) - plane.offset) -
                                   (dot(turned, middle) - sign * found.offset)) +
                         length(minus(plane.normal, turned)) * std::sqrt(static_cast<double>(total.farthest));
    if (apart < 0.4 * plane.tolerance) refined.least_points = static_cast<Index>(sums[Sums::kHalf]);
    return true;
  }
  const Candidate after(found);
  std::vector<float> away;
  away.reserve(static_cast<std::size_t>(count));
  for (Index point = 0; point < points; ++point) {
    const float x = xyz[3 * point], y = xyz[3 * point + 1], z = xyz[3 * point + 2];
    if (std::fabs(before.height(x, y, z)) <= tolerance) away.push_back(std::fabs(after.height(x, y, z)));
  }
  found.tolerance = std::max(kSpreads * kToDeviation * median(away), least);
  return true;
}

std::vector<std::uint8_t> near_points(Span<const float> xyz, const Plane& plane) {
  const Candidate own(plane);
  const float tolerance = static_cast<float>(plane.tolerance);
  std::vector<std::uint8_t> near(xyz.length / 3);
  for (std::size_t point = 0; point < near.size(); ++point)
    near[point] = std::fabs(own.height(xyz[3 * point], xyz[3 * point + 1], xyz[3 * point + 2])) <= tolerance;
  return near;
}

bool find_plane(Span<const float> xyz, Span<const float> points, Span<const std::int64_t> chosen, Index first_chosen,
                const Search& search, double reach, double size, double risk, Plane& plane) {
  const Sample sample(points);
  const float limit = static_cast<float>(reach);
  bool any = false;
  Candidate best({}, 0);
  for (const Index tried : {first_chosen, chosen.length / 3}) {
    const std::vector<Candidate> planes = candidates(sample, {chosen.data, 3 * tried}, search);
    if (planes.empty()) continue;
    best = best_of(sample, planes, limit);
    any = true;
    Index near = 0;
    for (Index point = 0; point < sample.count(); ++point)
      near += std::fabs(best.height(sample.x[point], sample.y[point], sample.z[point])) <= limit;
    const double share = static_cast<double>(near) / static_cast<double>(sample.count());
    // That no three were all on a plane with more points.
    if (std::pow(1 - share * share * share, static_cast<double>(tried)) <= risk) break;
  }
  if (!any) return false;
  const Vector normal = {best.x, best.y, best.z};
  plane = search.oriented({normal, best.offset + dot(normal, sample.center), reach});
  const double least = search.tolerance > 0 ? 0 : kLeastTolerance * size;
  Index least_points = 0;
  const auto improve = [&](Span<const float> some) {
    Refined better;
    if (!refine(some, plane, sample.center, least, better) || !search.suits(better.plane.normal)) return;
    plane = search.oriented(better.plane);
    least_points = better.least_points;
  };
  std::vector<std::uint8_t> before;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::uint8_t> near = near_points(points, plane);
    if (near == before) continue;  // the same points give the same plane
    improve(points);
    before = std::move(near);
  }
  least_points = 0;
  improve(xyz);  // all points are counted once, when it is clear which
  if (least_points >= search.min_points) return true;  // without another look at all points
  return near_count(xyz.data, xyz.length / 3, Candidate(plane), static_cast<float>(plane.tolerance)) >=
         search.min_points;
}

}  // namespace

// Writes the normal (3), the offset and the tolerance of the plane that most of (N, 3) points lie on, and returns 1; 0 if
// there is none.
//
// `sample` are some of the points, of which `chosen` are three each, by their places; the first so many of those are
// tried first. `search`: the direction (3) to which the plane is perpendicular, the least cosine of the angle between
// them, the place of the sensor (3), the tolerance (0 = automatic), the one that is begun with, the cloud's size, and the
// risk of missing a better plane.
VISION_SERVICE_EXPORT Index find_plane(const float* xyz, Index xyz_length, const float* sample, Index sample_length,
                                       const std::int64_t* chosen, Index chosen_length, Index first_chosen,
                                       Index min_points, const double* search, Index search_length, double* found,
                                       Index found_length) {
  return guarded([&] {
    require(xyz_length % 3 == 0 && sample_length % 3 == 0 && sample_length >= 3 && chosen_length % 3 == 0);
    require(first_chosen >= 0 && 3 * first_chosen <= chosen_length && search_length == 11 && found_length == 5);
    for (Index place = 0; place < chosen_length; ++place)
      require(chosen[place] >= 0 && chosen[place] < sample_length / 3);
    const Search wanted{search[7], min_points, {search[0], search[1], search[2]}, search[3],
                        {search[4], search[5], search[6]}};
    Plane plane{};
    if (!find_plane({xyz, xyz_length}, {sample, sample_length}, {chosen, chosen_length}, first_chosen, wanted,
                    search[8], search[9], search[10], plane))
      return Index{0};
    for (int axis = 0; axis < 3; ++axis) found[axis] = plane.normal[axis];
    found[3] = plane.offset;
    found[4] = plane.tolerance;
    return Index{1};
  });
}

}  // namespace vision_service
