// What a detector's outputs hold that is likely enough, as rows: the box's corners in pixels of the input, the score and
// the class number. vision_service/mlmodel/likely.py says how it is called.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "rows.h"
#include "spans.h"

namespace vision_service {
namespace {

constexpr Index kBlock = 1024;  // places whose marks stay in the cache while the classes are gone through
constexpr double kHalfStep = 1e-3;  // by which part rounding to half precision changes a number at most

using Mark = std::int32_t;  // as wide as a score, for the compiler to compare several at once

// Marks the places of which a class's score is enough, of `count` places, all scores of a class one after the other.
template <class Real>
ALWAYS_INLINE void mark_columns(const Real* scores, Index classes, Index stride, Index count, Real least, Mark* marks) {
  for (Index place = 0; place < count; ++place) marks[place] = scores[place] >= least;
  Index number = 1;
  for (; number + 4 <= classes; number += 4) {
    const Real *const a = scores + number * stride, *const b = a + stride, *const c = b + stride, *const d = c + stride;
    for (Index place = 0; place < count; ++place)
      marks[place] |= (a[place] >= least) | (b[place] >= least) | (c[place] >= least) | (d[place] >= least);
  }
  for (; number < classes; ++number) {
    const Real* const column = scores + number * stride;
    for (Index place = 0; place < count; ++place) marks[place] |= column[place] >= least;
  }
}

// Returns whether a class's score of a place is enough, all scores of the place one after the other.
template <class Real>
ALWAYS_INLINE bool is_marked(const Real* scores, Index classes, Real least, Real factor) {
  Mark lanes[kLanes] = {};
  Index number = 0;
  for (; number + kLanes <= classes; number += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] |= scores[number + lane] * factor >= least;
  Mark any = 0;
  for (const Mark lane : lanes) any |= lane;
  for (; number < classes; ++number) any |= scores[number] * factor >= least;
  return any != 0;
}

// Returns a number that is not negative as half precision has it.
float rounded_to_half(float number) {
  constexpr float kLeastNormal = 6.103515625e-5f, kSteps = 16777216.0f;  // 2^-14, and how many steps make one below it
  if (!(number >= kLeastNormal)) return std::nearbyint(number * kSteps) / kSteps;
  std::uint32_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  bits += 0xfffu + ((bits >> 13) & 1u);  // ten of 23 digits are left, and the even one of two that are as near
  bits &= ~0x1fffu;
  std::memcpy(&number, &bits, sizeof bits);
  return number > 65504.0f ? std::numeric_limits<float>::infinity() : number;
}

float product(float one, float other, bool half) { return half ? rounded_to_half(one * other) : one * other; }
double product(double one, double other, bool) { return one * other; }

// A head: `numbers` numbers of each place.
struct Head {
  Index places, numbers;
  bool places_first;  // whether all numbers of a place lie one after the other, not one number of all places
  Index first, classes;
  Index objectness;  // which number; negative = there is none
  bool half;         // whether its numbers were of half precision
  bool boxes;        // whether it begins with centre x, centre y, width and height

  Index at(Index place, Index number) const {
    return places_first ? place * numbers + number : number * places + place;
  }
  void require_within(Index length) const {
    require(places >= 0 && numbers > 0 && length % numbers == 0 && length / numbers == places);
    require(first >= 0 && classes > 0 && first <= numbers && classes <= numbers - first);
    require(objectness < numbers && (!boxes || numbers >= 4));
  }
};

// Marks the places of a block that may be likely enough: all that are, and few others.
template <class Real>
ALWAYS_INLINE void mark(const Head& head, const Real* values, Index begin, Index count, Real least, Mark* marks) {
  const Real* const scores = values + head.at(begin, head.first);
  if (!head.places_first && head.objectness < 0) {
    mark_columns(scores, head.classes, head.places, count, least, marks);
  } else if (head.places_first) {
    for (Index place = 0; place < count; ++place) {
      const Real factor = head.objectness < 0 ? Real{1} : values[head.at(begin + place, head.objectness)];
      marks[place] = is_marked(scores + place * head.numbers, head.classes, least, factor);
    }
  } else {
    std::fill(marks, marks + count, 1);
  }
}

FOR_WIDE_PROCESSORS
void mark_likely(const Head& head, const float* values, Index begin, Index count, float least, Mark* marks) {
  mark(head, values, begin, count, least, marks);
}

void mark_likely(const Head& head, const double* values, Index begin, Index count, double least, Mark* marks) {
  mark(head, values, begin, count, least, marks);
}

template <class Real>
Index likely(const Head& head, Span<const Real> values, double minimum, double across, double down, Span<double> rows,
             Span<Index> found) {
  head.require_within(values.length);
  require(found.length == head.places && rows.length == kRow * head.places);
  const Real least = static_cast<Real>(minimum);
  const Real surely = head.half ? least - std::fabs(least) * static_cast<Real>(kHalfStep) : least;
  Mark marks[kBlock];
  Index count = 0;
  for (Index begin = 0; begin < head.places; begin += kBlock) {
    const Index length = std::min(kBlock, head.places - begin);
    mark_likely(head, values.data, begin, length, surely, marks);
    for (Index place = begin; place < begin + length; ++place) {
      if (!marks[place - begin]) continue;
      Index number = 0;
      Real best = values[head.at(place, head.first)];
      bool all_numbers = best == best;
      for (Index other = 1; other < head.classes; ++other) {
        const Real score = values[head.at(place, head.first + other)];
        all_numbers &= score == score;
        if (score > best) best = score, number = other;
      }
      const Real score =
          head.objectness < 0 ? best : product(best, values[head.at(place, head.objectness)], head.half);
      if (!all_numbers || !(score >= least)) continue;
      Row row{0, 0, 0, 0, static_cast<double>(score), static_cast<double>(number)};
      if (head.boxes) {
        double box[4];
        for (Index side = 0; side < 4; ++side)
          box[side] = static_cast<double>(values[head.at(place, side)]) * (side % 2 ? down : across);
        row.left = box[0] - box[2] / 2, row.right = box[0] + box[2] / 2;
        row.top = box[1] - box[3] / 2, row.bottom = box[1] + box[3] / 2;
      }
      found[count] = place;
      row.write(rows.data + kRow * count++);
    }
  }
  return count;
}

enum Format : Index { kCorners = 0, kCornerSize = 1, kCenterSize = 2 };
constexpr double kFarthestClass = 2147483648.0;

// Boxes, their scores and class numbers, each in an array of its own; there may be more boxes and classes than scores.
template <class Real>
struct Separate {
  Span<const Real> boxes, scores, classes;
  Index columns;  // in which column of a box each number of the format stands, two bits each, the first ones lowest
  Index format;
  Index first_class;
  double minimum, across, down;

  // Writes the rows of those that are likely enough.
  Index write(Span<double> rows) const {
    require(boxes.length % 4 == 0 && scores.length <= boxes.length / 4 && rows.length == kRow * scores.length);
    require(classes.length >= scores.length && kCorners <= format && format <= kCenterSize);
    const Real least = static_cast<Real>(minimum);
    Index count = 0;
    for (Index place = 0; place < scores.length; ++place) {
      Real score = scores[place];
      if (minimum <= 0 && score < 0) score = 0;
      if (score >= least) row(place, score).write(rows.data + kRow * count++);
    }
    return count;
  }

  Row row(Index place, Real score) const {
    double box[4];
    for (Index side = 0; side < 4; ++side) {
      const Index column = (columns >> (2 * side)) & 3;
      box[side] = static_cast<double>(boxes[4 * place + column]) * (side % 2 ? down : across);
    }
    if (format == kCornerSize) {
      box[2] += box[0], box[3] += box[1];
    } else if (format == kCenterSize) {
      const double half_width = box[2] / 2, half_height = box[3] / 2;
      box[2] = box[0] + half_width, box[0] -= half_width;
      box[3] = box[1] + half_height, box[1] -= half_height;
    }
    // One that stands on its head is the same box.
    if (box[0] > box[2]) std::swap(box[0], box[2]);
    if (box[1] > box[3]) std::swap(box[1], box[3]);
    const double number = static_cast<double>(classes[place]);
    const bool possible = -kFarthestClass < number && number < kFarthestClass;
    const double label = possible ? std::nearbyint(number) - static_cast<double>(first_class) : -1.0;
    return {box[0], box[1], box[2], box[3], std::min(static_cast<double>(score), 1.0), label};
  }
};

}  // namespace

// Writes the rows of a head's places whose best class, multiplied by the objectness if there is one, is likely enough;
// and which places these are. Boxes are multiplied by how many pixels a unit has.
VISION_SERVICE_EXPORT Index likely_of_float(const float* values, Index length, Index places, Index numbers,
                                            Index places_first, Index first, Index classes, Index objectness,
                                            Index half, Index boxes, double minimum, double across, double down,
                                            double* rows, Index rows_length, Index* found, Index found_length) {
  return guarded([&] {
    const Head head{places, numbers, places_first != 0, first, classes, objectness, half != 0, boxes != 0};
    return likely<float>(head, {values, length}, minimum, across, down, {rows, rows_length}, {found, found_length});
  });
}

VISION_SERVICE_EXPORT Index likely_of_double(const double* values, Index length, Index places, Index numbers,
                                             Index places_first, Index first, Index classes, Index objectness,
                                             Index half, Index boxes, double minimum, double across, double down,
                                             double* rows, Index rows_length, Index* found, Index found_length) {
  return guarded([&] {
    const Head head{places, numbers, places_first != 0, first, classes, objectness, half != 0, boxes != 0};
    return likely<double>(head, {values, length}, minimum, across, down, {rows, rows_length}, {found, found_length});
  });
}

// Writes the rows of boxes whose scores are likely enough.
VISION_SERVICE_EXPORT Index separate_of_float(const float* boxes, Index boxes_length, const float* scores,
                                              Index scores_length, const float* classes, Index classes_length,
                                              Index columns, Index format, Index first_class, double minimum,
                                              double across, double down, double* rows, Index rows_length) {
  return guarded([&] {
    const Separate<float> outputs{{boxes, boxes_length}, {scores, scores_length}, {classes, classes_length}, columns,
                                  format, first_class, minimum, across, down};
    return outputs.write({rows, rows_length});
  });
}

VISION_SERVICE_EXPORT Index separate_of_double(const double* boxes, Index boxes_length, const double* scores,
                                               Index scores_length, const double* classes, Index classes_length,
                                               Index columns, Index format, Index first_class, double minimum,
                                               double across, double down, double* rows, Index rows_length) {
  return guarded([&] {
    const Separate<double> outputs{{boxes, boxes_length}, {scores, scores_length}, {classes, classes_length}, columns,
                                   format, first_class, minimum, across, down};
    return outputs.write({rows, rows_length});
  });
}

// Does the same with the first `count` of them, which a model tells, and writes those that are kept, best first, with
// their boxes in the image.
VISION_SERVICE_EXPORT Index separate_in_image(const float* boxes, Index boxes_length, const float* scores,
                                              Index scores_length, const float* classes, Index classes_length,
                                              double count, Index columns, Index format, Index first_class,
                                              double minimum, double scale_x, double scale_y, Index mode, double threshold,
                                              Index limit, double x, double y, double across, double down,
                                              double width, double height, double* found, Index found_length) {
  return guarded([&] {
    Index told = scores_length;
    if (!(count >= static_cast<double>(told)))
      told = count > 0 ? static_cast<Index>(count) : 0;
    else if (std::isinf(count))
      told = 0;
    const Separate<float> outputs{{boxes, boxes_length}, {scores, told}, {classes, classes_length}, columns,
                                  format, first_class, minimum, scale_x, scale_y};
    const Suppression suppression{mode, threshold, limit};
    suppression.require_valid();
    require(found_length == kRow * scores_length);
    std::vector<double> rows(static_cast<std::size_t>(kRow * told));
    const Index likely = outputs.write({rows.data(), kRow * told});
    const auto best = best_of(rows.data(), likely, nullptr, suppression);
    return bring_to_source(rows.data(), best, {x, y, across, down, width, height}, found, nullptr);
  });
}

}  // namespace vision_service
