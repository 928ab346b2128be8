// From the pixels that are looked at to all pixels of a cloud: vision_service/pointcloud/touching says what they are
// (widening.py, filling.py). All images are rows one after the other; of a cloud's, a rectangle is worked on.

#include <algorithm>
#include <cmath>
#include <vector>

#include "spans.h"

namespace vision_service {
namespace {

struct Rectangle {
  Index top, bottom, left, right;  // the last row and column are not in it

  void require_in(Index width, Index pixels) const {
    require(width > 0 && pixels % width == 0);
    require(0 <= top && top <= bottom && bottom <= pixels / width && 0 <= left && left <= right && right <= width);
  }
};

// The pixels that are looked at, and their planes.
struct Looked {
  Span<const std::int32_t> labels;
  Span<const float> depth;
  Span<const std::int32_t> numbers;  // of each its place among the planes
  Span<const float> planes;          // all a, then all b, then all c of the inverse depth
  Index width, stride;

  Index height() const { return labels.length / width; }
  Index count() const { return planes.length / 3; }
};

// Returns the label of the one of four neighbours whose plane a point lies on, 0 if it is on none.
std::int32_t label_on_plane(const Looked& grid, Index row, Index column, const float* point, float most_off) {
  const float inverse = 1.0f / point[2], alpha = point[0] * inverse, beta = point[1] * inverse;
  const float near = std::min(point[2], 1.0f), weight = near * near;
  const Index rows[2] = {row, std::min(row + 1, grid.height() - 1)};
  const Index columns[2] = {column, std::min(column + 1, grid.width - 1)};
  float least = most_off;
  std::int32_t found = 0;
  for (const Index down : rows) {
    for (const Index right : columns) {
      const Index pixel = down * grid.width + right;
      const std::int32_t label = grid.labels[pixel];
      if (label == 0) continue;
      const Index plane = grid.numbers[pixel], count = grid.count();
      require(0 <= plane && plane < count);
      const float a = grid.planes[plane], b = grid.planes[count + plane], c = grid.planes[2 * count + plane];
      const float off = std::fabs(a * alpha + b * beta + c - inverse) * weight;
      if (off < least) least = off, found = label;
    }
  }
  return found;
}

Index widened(const Looked& grid, Span<const float> xyz, Span<const std::uint8_t> foreground, Index width,
              const Rectangle& part, float step, float most_off, Span<std::int32_t> labels) {
  require(grid.width > 0 && grid.stride > 0 && grid.labels.length % grid.width == 0 && grid.planes.length % 3 == 0);
  require(grid.depth.length == grid.labels.length && grid.numbers.length == grid.labels.length);
  require(xyz.length == 3 * foreground.length && labels.length == foreground.length);
  part.require_in(width, foreground.length);
  require(part.bottom - part.top <= grid.height() * grid.stride && part.right - part.left <= grid.width * grid.stride);
  for (Index row = part.top; row < part.bottom; ++row) {
    const Index down = (row - part.top) / grid.stride;
    Index right = 0, within = 0;  // the grid's column, and how many of the cloud's are done in it
    for (Index column = part.left; column < part.right; ++column) {
      const Index place = row * width + column, pixel = down * grid.width + right;
      if (foreground[place]) {
        const std::int32_t label = grid.labels[pixel];
        const float* point = xyz.data + 3 * place;
        const bool sure = label != 0 && std::fabs(grid.depth[pixel] - point[2]) <= step;
        labels[place] = sure ? label : label_on_plane(grid, down, right, point, most_off);
      }
      if (++within == grid.stride) within = 0, ++right;
    }
  }
  return 0;
}

// Takes the labels of fewer pixels away.
void remove_small(Span<std::int32_t> labels, Index width, const Rectangle& part, Index min_points) {
  std::vector<Index> sizes(1, 0);
  for (Index row = part.top; row < part.bottom; ++row) {
    for (Index place = row * width + part.left; place < row * width + part.right; ++place) {
      const std::int32_t label = labels[place];
      require(label >= 0);
      if (static_cast<std::size_t>(label) >= sizes.size()) sizes.resize(label + 1, 0);
      ++sizes[label];
    }
  }
  for (Index row = part.top; row < part.bottom; ++row) {
    for (Index place = row * width + part.left; place < row * width + part.right; ++place)
      if (sizes[labels[place]] < min_points) labels[place] = 0;
  }
}

Index filled(Span<std::int32_t> labels, Span<const float> xyz, Span<const std::uint8_t> foreground, Index width,
             const Rectangle& part, Index min_points, Index rounds, float near) {
  require(xyz.length == 3 * foreground.length && labels.length == foreground.length);
  part.require_in(width, foreground.length);
  remove_small(labels, width, part, min_points);
  constexpr std::int32_t kQueued = -1;  // without a label, and looked at next
  const Index ways[4] = {1, -1, width, -width};
  const auto there = [&](Index place, int way) {
    const Index row = place / width, column = place % width;
    return way == 0 ? column + 1 < part.right : way == 1 ? column > part.left
         : way == 2 ? row + 1 < part.bottom : row > part.top;
  };
  std::vector<Index> places, labelled;
  std::vector<std::int32_t> taken;
  // Most pixels without a label are specks that no label ever reaches: only those beside one are looked at.
  for (Index row = part.top; row < part.bottom; ++row) {
    for (Index column = part.left; column < part.right; ++column) {
      const Index place = row * width + column;
      if (labels[place] != 0 || !foreground[place]) continue;
      const bool beside = (column + 1 < part.right && labels[place + 1] > 0) ||
                          (column > part.left && labels[place - 1] > 0) ||
                          (row + 1 < part.bottom && labels[place + width] > 0) ||
                          (row > part.top && labels[place - width] > 0);
      if (beside) places.push_back(place);
    }
  }
  for (Index round = 0; round < rounds && !places.empty(); ++round) {
    labelled.clear();
    taken.clear();
    for (const Index place : places) {
      labels[place] = 0;
      for (int way = 0; way < 4; ++way) {
        if (!there(place, way)) continue;
        const Index other = place + ways[way];
        const bool joins = std::fabs(xyz[3 * other + 2] - xyz[3 * place + 2]) < near;
        if (labels[other] > 0 && joins) {
          labelled.push_back(place);
          taken.push_back(labels[other]);
          break;
        }
      }
    }
    for (std::size_t number = 0; number < labelled.size(); ++number) labels[labelled[number]] = taken[number];
    places.clear();
    for (const Index place : labelled) {
      for (int way = 0; way < 4; ++way) {
        if (!there(place, way)) continue;
        const Index other = place + ways[way];
        if (labels[other] != 0 || !foreground[other]) continue;
        labels[other] = kQueued;
        places.push_back(other);
      }
    }
  }
  for (const Index place : places) labels[place] = 0;
  return 0;
}

}  // namespace
}  // namespace vision_service

using vision_service::Index;

VISION_SERVICE_EXPORT Index widened(const std::int32_t* labels, Index pixels, const float* depth, Index depths,
                                    const std::int32_t* numbers, Index numbered, const float* planes, Index terms,
                                    Index grid_width, Index stride, const float* xyz, Index coordinates,
                                    const std::uint8_t* foreground, Index foreground_count, Index width, Index top,
                                    Index bottom, Index left, Index right, double step, double most_off,
                                    std::int32_t* found, Index found_count) {
  return vision_service::guarded([&] {
    return vision_service::widened(
        {{labels, pixels}, {depth, depths}, {numbers, numbered}, {planes, terms}, grid_width, stride},
        {xyz, coordinates}, {foreground, foreground_count}, width, {top, bottom, left, right}, static_cast<float>(step),
        static_cast<float>(most_off), {found, found_count});
  });
}

VISION_SERVICE_EXPORT Index filled(std::int32_t* labels, Index pixels, const float* xyz, Index coordinates,
                                   const std::uint8_t* foreground, Index foreground_count, Index width, Index top, Index bottom,
                                   Index left, Index right, Index min_points, Index rounds, double near) {
  return vision_service::guarded([&] {
    return vision_service::filled({labels, pixels}, {xyz, coordinates}, {foreground, foreground_count}, width,
                                  {top, bottom, left, right}, min_points, rounds, static_cast<float>(near));
  });
}
