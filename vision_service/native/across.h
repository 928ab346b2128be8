// Rows of an image that are resized across, bilinear; bilinear.cpp says with which arithmetic.

#pragma once

#include <memory>
#include <vector>

#include "resizing.h"

namespace vision_service {

using Whole = std::int16_t;

// What a row needs room for behind its last number.
constexpr Index kPadding = 16;

inline Index padded(Index count, Index together) { return (count + together - 1) / together * together; }

constexpr Index kOne = 1 << 11;

// Places along an axis: of each, the first of the two pixels that it lies between, and their weights, together kOne; that
// of the second is less.
struct Places {
  std::vector<Index> first;
  std::vector<Whole> weights;  // two each

  Index count() const { return static_cast<Index>(first.size()); }
};

// The columns of a row are written one after the other; or, if they are split, the even ones first, and the odd ones
// from `room` numbers behind the beginning on.
class Across {
 public:
  virtual ~Across() = default;

  // Writes a row, of whose pixels kSpare bytes more may be read.
  virtual void row(const std::uint8_t* pixels, Whole* found) = 0;
};

std::unique_ptr<Across> plain_across(const ByteImage& image, const Places& columns, bool split, Index room);

// With AVX2; null where there is none, or not for this image.
std::unique_ptr<Across> wide_across(const ByteImage& image, const Places& columns, bool split, Index room);

}  // namespace vision_service
