// Bilinear resizing with OpenCV's arithmetic: weights are whole numbers of 1/2048; first across, whose sums lose their
// last four bits, then down, where each of two products loses its last sixteen and the sum is rounded by two bits.

#include <cmath>

#include "across.h"

namespace vision_service {
namespace {

// Places along an axis of an image that is brought from one size to another. `inside`: what lies beside the middle of the
// first and last pixel has their values; else that is the caller's matter, and the first pixel may be -1.
Places places_of(Index taken, Index made, Index start, Index count, bool inside) {
  const double scale = 1.0 / (static_cast<double>(made) / static_cast<double>(taken));
  Places places{std::vector<Index>(count), std::vector<Whole>(2 * count)};
  for (Index place = 0; place < count; ++place) {
    const float middle = static_cast<float>((static_cast<double>(start + place) + 0.5) * scale - 0.5);
    Index pixel = static_cast<Index>(std::floor(middle));
    Index second = static_cast<Index>(std::nearbyint((middle - static_cast<float>(pixel)) * kOne));
    if (second == kOne) ++pixel, second = 0;
    if (inside && pixel < 0) pixel = 0, second = 0;
    if (inside && pixel >= taken - 1) pixel = taken - 1, second = 0;
    places.first[place] = pixel;
    places.weights[2 * place] = static_cast<Whole>(kOne - second);
    places.weights[2 * place + 1] = static_cast<Whole>(second);
  }
  return places;
}

ALWAYS_INLINE Whole upper(Whole a, Whole b) {
  return static_cast<Whole>((static_cast<std::int32_t>(a) * static_cast<std::int32_t>(b)) >> 16);
}

ALWAYS_INLINE Whole between(Whole a, Whole b, Whole weight_a, Whole weight_b) {
  return static_cast<Whole>(static_cast<Whole>(upper(a, weight_a) + upper(b, weight_b) + 2) >> 2);
}

// Two rows to one.
FOR_WIDE_PROCESSORS
void down(const Whole* a, const Whole* b, const Whole* weights, Index count, std::uint8_t* found) {
  const Whole first = weights[0], second = weights[1];
  for (Index place = 0; place < count; ++place)
    found[place] = static_cast<std::uint8_t>(between(a[place], b[place], first, second));
}

// Two rows to one, another two to another one, and both to the means of two by two: the odd columns of a row come `room`
// numbers behind the even ones.
FOR_WIDE_PROCESSORS
void down_averaged(const Whole* a, const Whole* b, const Whole* c, const Whole* d, const Whole* weights, Index room,
                   Index count, std::uint8_t* found) {
  const Whole first = weights[0], second = weights[1], third = weights[2], fourth = weights[3];
  for (Index place = 0; place < count; ++place) {
    const Whole upper_left = between(a[place], b[place], first, second);
    const Whole upper_right = between(a[room + place], b[room + place], first, second);
    const Whole lower_left = between(c[place], d[place], third, fourth);
    const Whole lower_right = between(c[room + place], d[room + place], third, fourth);
    const Whole sum = static_cast<Whole>(upper_left + upper_right + lower_left + lower_right + 2);
    found[place] = static_cast<std::uint8_t>(sum >> 2);
  }
}

class BilinearRows final : public ResizedRows {
 public:
  BilinearRows(const ByteImage& image, Index width, Index height, const Part& part, bool averaged, bool wide)
      : rows_(image), last_(image.height - 1), averaged_(averaged), size_(part.width * image.colours()),
        room_(padded(size_, kPadding) + kPadding) {
    const Index times = averaged ? 2 : 1;
    const Places columns = places_of(image.width, times * width, times * part.left, times * part.width, true);
    if (wide) across_ = wide_across(image, columns, averaged, room_);
    if (!across_) across_ = plain_across(image, columns, averaged, room_);
    lines_ = places_of(image.height, times * height, times * part.top, times * part.height, false);
    kept_.resize(kKept * times * room_);
  }

  const std::uint8_t* row(Index y, std::uint8_t* given) override {
    if (averaged_) {
      const Index lowest = clamped(lines_.first[2 * y]);
      const Whole *a = source(2 * y, 0, lowest), *b = source(2 * y, 1, lowest);
      const Whole *c = source(2 * y + 1, 0, lowest), *d = source(2 * y + 1, 1, lowest);
      down_averaged(a, b, c, d, lines_.weights.data() + 4 * y, room_, size_, given);
    } else {
      const Index lowest = clamped(lines_.first[y]);
      const Whole *a = source(y, 0, lowest), *b = source(y, 1, lowest);
      down(a, b, lines_.weights.data() + 2 * y, size_, given);
    }
    return given;
  }

 private:
  static constexpr Index kKept = 4;  // as many as one row is made of

  Index clamped(Index y) const { return std::min(std::max(y, Index{0}), last_); }

  // The upper or lower row of the image between which a line lies; those before `lowest` are not needed any more.
  const Whole* source(Index line, Index lower, Index lowest) {
    const Index y = clamped(lines_.first[line] + lower), room = static_cast<Index>(kept_.size()) / kKept;
    Index free = 0;
    for (Index slot = 0; slot < kKept; ++slot) {
      if (numbers_[slot] == y) return kept_.data() + slot * room;
      if (numbers_[slot] < lowest) free = slot;
    }
    numbers_[free] = y;
    across_->row(rows_[y], kept_.data() + free * room);
    return kept_.data() + free * room;
  }

  SourceRows rows_;
  const Index last_;
  const bool averaged_;
  const Index size_, room_;
  std::unique_ptr<Across> across_;
  Places lines_;
  std::vector<Whole> kept_;
  Index numbers_[kKept] = {-1, -1, -1, -1};  // which rows these are
};

}  // namespace

std::unique_ptr<ResizedRows> bilinear_rows(const ByteImage& image, Index width, Index height, const Part& part,
                                           bool averaged, bool wide) {
  return std::make_unique<BilinearRows>(image, width, height, part, averaged, wide);
}

}  // namespace vision_service
