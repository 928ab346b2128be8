// Rows of what a detector found: the box's corners, the score and the class number, vision_service/mlmodel/found.py.

#pragma once

#include <vector>

#include "spans.h"

namespace vision_service {

constexpr Index kRow = 6;

struct Row {
  double left, top, right, bottom, score, number;

  static Row read(const double* from) { return {from[0], from[1], from[2], from[3], from[4], from[5]}; }
  void write(double* to) const {
    to[0] = left, to[1] = top, to[2] = right, to[3] = bottom, to[4] = score, to[5] = number;
  }
  double area() const { return (right - left) * (bottom - top); }
};

enum Mode : Index { kNone = 0, kPerClass = 1, kClassAgnostic = 2 };

// Which boxes mean the same object: of those of a class, or of all, that cover each other by more than the threshold;
// and how many are kept at most, 0 = all.
struct Suppression {
  Index mode;
  double threshold;
  Index limit;

  void require_valid() const { require(kNone <= mode && mode <= kClassAgnostic && limit >= 0); }
};

// Where the image lies in the model's input: its left top corner, pixels of the input for one of the image, and the
// image's size; a width of 0 = boxes stay where they are.
struct Placement {
  double x, y, across, down, width, height;

  static double within(double value, double most) {
    return value < 0.0 ? 0.0 : most < value ? most : value;
  }
  Row to_source(const Row& row) const {
    return {within((row.left - x) / across, width), within((row.top - y) / down, height),
            within((row.right - x) / across, width), within((row.bottom - y) / down, height), row.score, row.number};
  }
};

// Returns the places of the rows that mean something and are no worse ones of the same object, best first; `turned` is
// null if the boxes are upright.
std::vector<Index> best_of(const double* rows, Index count, const double* turned, const Suppression& suppression);

// Writes the rows of these places with their boxes in the image, without those that lie beside it; and, unless that is
// null, which places are left. Returns how many.
Index bring_to_source(const double* rows, const std::vector<Index>& best, const Placement& placement, double* found,
                      Index* places);

}  // namespace vision_service
