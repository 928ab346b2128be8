// Resizing with antialiasing, with Pillow's arithmetic: each pixel is a weighted mean of all that it covers, and of their
// neighbours. Weights are whole numbers of 1/2^22; first across, then down, rounded to bytes after both.

#include <cmath>

#include "resizing.h"

namespace vision_service {
namespace {

constexpr Index kWeightBits = 22;
constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

typedef std::int32_t Four __attribute__((vector_size(4 * sizeof(std::int32_t))));
typedef std::uint8_t FourBytes __attribute__((vector_size(4)));

double triangle(double distance) { return std::max(1.0 - distance, 0.0); }

// R. Keys, 1981, a = -0.5.
double keys(double distance) {
  if (distance < 1.0) return (1.5 * distance - 2.5) * distance * distance + 1.0;
  return distance < 2.0 ? ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0 : 0.0;
}

struct Window {
  Index first, count, start;  // the pixels that are averaged, and where their weights begin
};

// Of the places from `first` on along an axis.
struct Windows {
  std::vector<Window> windows;
  std::vector<std::int32_t> weights;
  Index widest = 0;

  Windows(Index taken, Index made, Index first, Index count, bool cubic) {
    const double scale = static_cast<double>(taken) / static_cast<double>(made), wide = std::max(scale, 1.0);
    const double support = (cubic ? 2.0 : 1.0) * wide;
    std::vector<double> shares;
    for (Index place = first; place < first + count; ++place) {
      const double middle = (static_cast<double>(place) + 0.5) * scale;
      const Index low = std::max(static_cast<Index>(middle - support + 0.5), Index{0});
      const Index high = std::min(static_cast<Index>(middle + support + 0.5), taken);
      shares.clear();
      double sum = 0.0;
      for (Index pixel = low; pixel < high; ++pixel) {
        const double distance = std::fabs((static_cast<double>(pixel) - middle + 0.5) / wide);
        shares.push_back(cubic ? keys(distance) : triangle(distance));
        sum += shares.back();
      }
      windows.push_back({low, high - low, static_cast<Index>(weights.size())});
      widest = std::max(widest, high - low);
      for (const double share : shares)
        weights.push_back(static_cast<std::int32_t>(std::nearbyint(std::ldexp(share / sum, kWeightBits))));
    }
  }
};

ALWAYS_INLINE std::uint8_t byte_of(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::min(std::max((sum + kHalf) >> kWeightBits, 0), 255));
}

// A row across: of grey pixels, or of colours.
FOR_WIDE_PROCESSORS
void across_grey(const std::uint8_t* row, const Window* windows, Index count, const std::int32_t* weights,
                 std::uint8_t* found) {
  for (Index place = 0; place < count; ++place) {
    const Window window = windows[place];
    std::int32_t sum = 0;
    for (Index pixel = 0; pixel < window.count; ++pixel)
      sum += row[window.first + pixel] * weights[window.start + pixel];
    found[place] = byte_of(sum);
  }
}

FOR_WIDE_PROCESSORS
void across_colours(const std::uint8_t* row, Index step, const Index* order, const Window* windows, Index count,
                    const std::int32_t* weights, std::uint8_t* found) {
  for (Index place = 0; place < count; ++place) {
    const Window window = windows[place];
    const std::uint8_t* pixel = row + step * window.first;
    Four sum = {0, 0, 0, 0};
    for (Index number = 0; number < window.count; ++number, pixel += step) {
      FourBytes bytes;
      std::memcpy(&bytes, pixel, sizeof bytes);
      sum += __builtin_convertvector(bytes, Four) * weights[window.start + number];
    }
    for (Index colour = 0; colour < 3; ++colour) found[3 * place + colour] = byte_of(sum[order[colour]]);
  }
}

// Adds a row that was weighed, or makes bytes of the sums.
FOR_WIDE_PROCESSORS
void add(const std::uint8_t* row, std::int32_t weight, Index count, std::int32_t* sums) {
  for (Index place = 0; place < count; ++place) sums[place] += row[place] * weight;
}

FOR_WIDE_PROCESSORS
void to_bytes(const std::int32_t* sums, Index count, std::uint8_t* found) {
  for (Index place = 0; place < count; ++place) found[place] = byte_of(sums[place]);
}

class AntialiasedRows final : public ResizedRows {
 public:
  AntialiasedRows(const ByteImage& image, Index width, Index height, const Part& part, bool cubic)
      : image_(image), rows_(image), columns_(image.width, width, part.left, part.width, cubic),
        lines_(image.height, height, part.top, part.height, cubic), size_(part.width * image.colours()),
        kept_(lines_.widest * size_), sums_(size_), next_(lines_.windows.front().first) {}

  const std::uint8_t* row(Index y, std::uint8_t* given) override {
    const Window window = lines_.windows[y];
    const Index end = window.first + window.count;
    for (next_ = std::max(next_, window.first); next_ < end; ++next_) across(next_);
    std::fill(sums_.begin(), sums_.end(), 0);
    for (Index line = 0; line < window.count; ++line)
      add(kept(window.first + line), lines_.weights[window.start + line], size_, sums_.data());
    to_bytes(sums_.data(), size_, given);
    return given;
  }

 private:
  std::uint8_t* kept(Index y) { return kept_.data() + y % lines_.widest * size_; }

  void across(Index y) {
    static constexpr Index kOrders[2][3] = {{0, 1, 2}, {2, 1, 0}};
    const Window* windows = columns_.windows.data();
    const Index count = static_cast<Index>(columns_.windows.size());
    if (image_.channels == 1) return across_grey(rows_[y], windows, count, columns_.weights.data(), kept(y));
    across_colours(rows_[y], image_.channels, kOrders[image_.reversed], windows, count, columns_.weights.data(),
                   kept(y));
  }

  const ByteImage image_;
  SourceRows rows_;
  const Windows columns_, lines_;
  const Index size_;
  std::vector<std::uint8_t> kept_;
  std::vector<std::int32_t> sums_;
  Index next_;  // the first row of the image that was not looked at
};

}  // namespace

std::unique_ptr<ResizedRows> antialiased_rows(const ByteImage& image, Index width, Index height, const Part& part,
                                              bool cubic) {
  return std::make_unique<AntialiasedRows>(image, width, height, part, cubic);
}

}  // namespace vision_service
