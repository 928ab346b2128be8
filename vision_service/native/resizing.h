// Images of bytes in another size, row by row: mlmodel/resizing.py says in which ways, and for what.

#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "spans.h"

namespace vision_service {

// How many bytes behind a row may be read as well, so that pixels are read many bytes at once.
constexpr Index kSpare = 16;
// Along an axis: offsets of bytes fit 32 bits.
constexpr Index kMostPixels = Index{1} << 28;

// An image as it lies in memory: 1, 3 or 4 bytes a pixel, of which the fourth is left out.
struct ByteImage {
  Span<const std::uint8_t> bytes;
  Index stride, width, height, channels;
  bool reversed;  // whether the order of the colours is turned

  Index colours() const { return channels == 1 ? 1 : 3; }
  bool as_it_lies() const { return channels == colours() && !reversed; }

  void require_whole() const {
    require(channels == 1 || channels == 3 || channels == 4);
    require(0 < width && width <= kMostPixels && 0 < height && height <= kMostPixels);
    require(stride >= width * channels && bytes.length >= width * channels);
    require(height == 1 || stride <= (bytes.length - width * channels) / (height - 1));
  }
};

// Rows of an image, behind which more may be read.
class SourceRows {
 public:
  explicit SourceRows(const ByteImage& image) : image_(image), last_(image.width * image.channels + kSpare) {}

  // Returns a row; it stays until the next is asked for.
  const std::uint8_t* operator[](Index y) {
    const Index start = y * image_.stride, size = image_.width * image_.channels;
    if (start + size + kSpare <= image_.bytes.length) return image_.bytes.data + start;
    std::memcpy(last_.data(), image_.bytes.data + start, size);
    return last_.data();
  }

 private:
  const ByteImage image_;
  std::vector<std::uint8_t> last_;
};

// A part of a resized image.
struct Part {
  Index left, top, width, height;
};

// The rows of a part of a resized image, each with the colours of one pixel after the other.
class ResizedRows {
 public:
  virtual ~ResizedRows() = default;

  // Returns a row of the part; each row is asked for once, from the first on. It lies in `given`, which has room for it,
  // or where it was already.
  virtual const std::uint8_t* row(Index y, std::uint8_t* given) = 0;
};

enum class Way : Index { kBilinear, kArea, kAntialias, kBicubic, kCount };

// As OpenCV does it, to the bit: bilinear; with `averaged` at twice the size, and then the means of two by two.
std::unique_ptr<ResizedRows> bilinear_rows(const ByteImage& image, Index width, Index height, const Part& part,
                                           bool averaged, bool wide);

// As Pillow does it: a triangle, or the cubic of R. Keys.
std::unique_ptr<ResizedRows> antialiased_rows(const ByteImage& image, Index width, Index height, const Part& part,
                                              bool cubic);

}  // namespace vision_service
