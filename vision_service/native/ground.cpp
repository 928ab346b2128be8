// What is done with every point for a ground of patches: vision_service/pointcloud/ground/patches.py says what it is.
//
// A map has (H, W) patches, whose middles are at whole numbers; `cells` are the patches that points are in, by number.

#include <algorithm>
#include <cmath>
#include <vector>

#include "spans.h"

namespace vision_service {
namespace {

// Writes coordinates along three axes, the columns of a matrix whose rows are one behind the other.
FOR_WIDE_PROCESSORS
void along(const float* xyz, Index count, const float* axes, float* x, float* y, float* z) {
  const float xx = axes[0], xy = axes[1], xz = axes[2], yx = axes[3], yy = axes[4], yz = axes[5], zx = axes[6],
              zy = axes[7], zz = axes[8];
  for (Index point = 0; point < count; ++point) {
    const float px = xyz[3 * point], py = xyz[3 * point + 1], pz = xyz[3 * point + 2];
    x[point] = px * xx + py * yx + pz * zx;
    y[point] = px * xy + py * yy + pz * zy;
    z[point] = px * xz + py * yz + pz * zz;
  }
}

FOR_WIDE_PROCESSORS
void places(const float* coordinates, Index count, float first, float size, float* found) {
  for (Index point = 0; point < count; ++point) found[point] = (coordinates[point] - first) / size;
}

// Returns the nearest whole number of one from 0 to 2^22, of halves the even one: what is added leaves no other digits.
ALWAYS_INLINE float rounded(float number) { return (number + 12582912.0f) - 12582912.0f; }

// Writes the cells of places, whose greatest column and row are told.
FOR_WIDE_PROCESSORS
void cells_of(const float* across, const float* down, Index count, float last_column, float last_row,
              std::int32_t width, std::int32_t* found) {
  for (Index point = 0; point < count; ++point) {
    float column = across[point] > 0 ? across[point] : 0, row = down[point] > 0 ? down[point] : 0;  // NaN as well
    column = column < last_column ? column : last_column;
    row = row < last_row ? row : last_row;
    found[point] = static_cast<std::int32_t>(rounded(row)) * width + static_cast<std::int32_t>(rounded(column));
  }
}

// Heights at the middles of patches, and between them in proportion; there are at least two patches along each side.
class Surface {
 public:
  Surface(Span<const float> heights, Index width, Index height)
      : heights_(heights.data), width_(static_cast<std::int32_t>(width)), height_(static_cast<std::int32_t>(height)) {
    require(width >= 2 && height >= 2 && width <= (1 << 15) && height <= (1 << 15));
    require(heights.length == width * height);
  }

  // Returns the height at a place. In the outer half of the outermost patches the slope goes on; beyond, it ends.
  ALWAYS_INLINE float at(float across, float down) const {
    float x, y;
    const std::int32_t column = before(across, width_, x), row = before(down, height_, y);
    const float* const first = heights_ + row * width_ + column;
    const float upper = first[0] + (first[1] - first[0]) * x;
    const float lower = first[width_] + (first[width_ + 1] - first[width_]) * x;
    return upper + (lower - upper) * y;
  }

 private:
  // Returns the patch whose middle is before a place, and how far that is behind it.
  static ALWAYS_INLINE std::int32_t before(float place, std::int32_t count, float& rest) {
    const float last = static_cast<float>(count) - 0.5f;
    place = place > -0.5f ? place : -0.5f;  // NaN as well
    place = place < last ? place : last;
    std::int32_t whole = static_cast<std::int32_t>(place);  // -0.5 is rounded up to 0
    whole = whole < count - 2 ? whole : count - 2;
    rest = place - static_cast<float>(whole);
    return whole;
  }

  const float* heights_;
  std::int32_t width_, height_;
};

FOR_WIDE_PROCESSORS
void above(const float* across, const float* down, const float* heights, Index count, const Surface surface,
           float* __restrict found) {
  for (Index point = 0; point < count; ++point)
    found[point] = heights[point] - surface.at(across[point], down[point]);
}

Index lowest(Span<const std::int32_t> cells, Span<const float> heights, double share, Index most, Span<float> found) {
  require(heights.length == cells.length && share >= 0 && share < 1 && most >= 0);
  std::vector<Index> ends(found.length + 1);
  for (Index point = 0; point < cells.length; ++point) {
    require(cells[point] >= 0 && cells[point] < found.length);
    ++ends[cells[point] + 1];
  }
  for (Index cell = 0; cell < found.length; ++cell) ends[cell + 1] += ends[cell];
  std::vector<float> sorted(heights.length);
  std::vector<Index> next(ends.begin(), ends.end() - 1);
  for (Index point = 0; point < cells.length; ++point) sorted[next[cells[point]]++] = heights[point];
  for (Index cell = 0; cell < found.length; ++cell) {
    const Index size = ends[cell + 1] - ends[cell];
    if (size == 0) {
      found[cell] = std::nanf("");
      continue;
    }
    const auto first = sorted.begin() + ends[cell];
    const auto chosen = first + std::min(static_cast<Index>(share * static_cast<double>(size)), most);
    std::partial_sort(first, chosen + 1, first + size);  // of so few, faster than std::nth_element
    found[cell] = *chosen;
  }
  return 0;
}

}  // namespace

// Writes the (3, N) coordinates of (N, 3) points along axes, the columns of a (3, 3) matrix.
VISION_SERVICE_EXPORT Index along_axes(const float* xyz, Index xyz_length, const float* axes, Index axes_length,
                                       float* found, Index found_length) {
  return guarded([&] {
    require(xyz_length == found_length && xyz_length % 3 == 0 && axes_length == 9);
    const Index points = xyz_length / 3;
    along(xyz, points, axes, found, found + points, found + 2 * points);
    return Index{0};
  });
}

// Writes the places of points on a map of so many patches, and their cells.
VISION_SERVICE_EXPORT Index patch_places(const float* x, Index x_length, const float* y, Index y_length, double first_x,
                                         double first_y, double size, Index width, Index height, float* across,
                                         Index across_length, float* down, Index down_length, std::int32_t* cells,
                                         Index cells_length) {
  return guarded([&] {
    const Index points = x_length;
    require(y_length == points && across_length == points && down_length == points && cells_length == points);
    require(size > 0 && width >= 1 && height >= 1 && width <= (1 << 15) && height <= (1 << 15));
    places(x, points, static_cast<float>(first_x), static_cast<float>(size), across);
    places(y, points, static_cast<float>(first_y), static_cast<float>(size), down);
    cells_of(across, down, points, static_cast<float>(width - 1), static_cast<float>(height - 1),
             static_cast<std::int32_t>(width), cells);
    return Index{0};
  });
}

// Writes of each patch the height below which so large a share of its points lies, at most so many; NaN if it has none.
VISION_SERVICE_EXPORT Index lowest_heights(const std::int32_t* cells, Index cells_length, const float* heights,
                                           Index heights_length, double share, Index most, float* found,
                                           Index found_length) {
  return guarded([&] {
    return lowest({cells, cells_length}, {heights, heights_length}, share, most, {found, found_length});
  });
}

// Writes how far points are above a surface.
VISION_SERVICE_EXPORT Index above_surface(const float* across, Index across_length, const float* down,
                                          Index down_length, const float* heights, Index heights_length,
                                          const float* surface, Index surface_length, Index width, Index height,
                                          float* found, Index found_length) {
  return guarded([&] {
    require(across_length == found_length && down_length == found_length && heights_length == found_length);
    above(across, down, heights, found_length, Surface({surface, surface_length}, width, height), found);
    return Index{0};
  });
}

// Adds up, by patch, the points within a band around the ground: how many, and how far above they are; (2, H * W).
VISION_SERVICE_EXPORT Index band_sums(const std::int32_t* cells, Index cells_length, const float* above,
                                      Index above_length, double band, double* sums, Index sums_length) {
  return guarded([&] {
    require(above_length == cells_length && sums_length % 2 == 0);
    const Index count = sums_length / 2;
    const float limit = static_cast<float>(band);
    std::fill(sums, sums + sums_length, 0.0);
    for (Index point = 0; point < cells_length; ++point) {
      if (!(std::fabs(above[point]) <= limit)) continue;
      const Index cell = cells[point];
      require(cell >= 0 && cell < count);
      sums[cell] += 1;
      sums[count + cell] += above[point];
    }
    return Index{0};
  });
}

// Adds up, by patch, over the points within `reach` of a surface: 1, x, y, xx, xy, yy, z, xz and yz; (9, H * W). x and y
// are counted from a middle, z from `level`. Points whose `above` is more than `far` are left out.
VISION_SERVICE_EXPORT Index surface_sums(const std::int32_t* cells, Index cells_length, const float* across,
                                         Index across_length, const float* down, Index down_length,
                                         const float* heights, Index heights_length, const float* above,
                                         Index above_length, double far, const float* surface, Index surface_length,
                                         Index width, Index height, double reach, double middle_x, double middle_y,
                                         double level, double* sums, Index sums_length) {
  return guarded([&] {
    require(across_length == cells_length && down_length == cells_length && heights_length == cells_length);
    require(above_length == cells_length && sums_length % 9 == 0);
    const Index count = sums_length / 9;
    const Surface ground({surface, surface_length}, width, height);
    const float limit = static_cast<float>(far), near = static_cast<float>(reach);
    std::fill(sums, sums + sums_length, 0.0);
    std::vector<double> totals(sums_length);  // those of a patch side by side
    for (Index point = 0; point < cells_length; ++point) {
      if (!(std::fabs(above[point]) <= limit)) continue;
      if (!(std::fabs(heights[point] - ground.at(across[point], down[point])) <= near)) continue;
      const Index cell = cells[point];
      require(cell >= 0 && cell < count);
      const double x = across[point] - middle_x, y = down[point] - middle_y, z = heights[point] - level;
      double* const own = totals.data() + 9 * cell;
      own[0] += 1, own[1] += x, own[2] += y;
      own[3] += x * x, own[4] += x * y, own[5] += y * y;
      own[6] += z, own[7] += x * z, own[8] += y * z;
    }
    for (Index cell = 0; cell < count; ++cell)
      for (Index term = 0; term < 9; ++term) sums[term * count + cell] = totals[9 * cell + term];
    return Index{0};
  });
}

}  // namespace vision_service
