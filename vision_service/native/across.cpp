// Rows that are resized across, for every processor: the two pixels of each column are gathered side by side first.

#include "across.h"

namespace vision_service {
namespace {

template <Index kStep, bool kReversed>
void gather(const std::uint8_t* pixels, const std::int32_t* offsets, Index count, std::uint8_t* left,
            std::uint8_t* right) {
  for (Index place = 0; place < count; ++place) {
    std::uint64_t both;
    std::memcpy(&both, pixels + offsets[place], sizeof both);
    std::uint32_t first = static_cast<std::uint32_t>(both), second = static_cast<std::uint32_t>(both >> (8 * kStep));
    if (kReversed) first = __builtin_bswap32(first) >> 8, second = __builtin_bswap32(second) >> 8;
    std::memcpy(left + 3 * place, &first, 4), std::memcpy(right + 3 * place, &second, 4);  // the fourth is written over
  }
}

// The sum of both weighted pixels without its last four bits, in 16 bits: the left pixel and a share of the difference.
// `share` is the weight of the right one × 32, of 2^16; from its half on it is a negative number, which is 2^16 less.
ALWAYS_INLINE Whole weighed(Whole left, Whole right, Whole share) {
  const Whole more = static_cast<Whole>((right - left) * 128);
  const Whole part = static_cast<Whole>((static_cast<std::int32_t>(more) * static_cast<std::int32_t>(share)) >> 16);
  return static_cast<Whole>(left * 128 + part + (more & static_cast<Whole>(share >> 15)));
}

FOR_WIDE_PROCESSORS
void weigh(const std::uint8_t* left, const std::uint8_t* right, const Whole* shares, Index count, Whole* found) {
  for (Index place = 0; place < count; ++place) found[place] = weighed(left[place], right[place], shares[place]);
}

// Of grey, both pixels in one number: the left one in its lower byte.
void gather_pairs(const std::uint8_t* pixels, const std::int32_t* offsets, Index count, std::uint16_t* pairs) {
  for (Index place = 0; place < count; ++place) std::memcpy(pairs + place, pixels + offsets[place], 2);
}

FOR_WIDE_PROCESSORS
void weigh_pairs(const std::uint16_t* pairs, const Whole* shares, Index count, Whole* found) {
  for (Index place = 0; place < count; ++place) {
    const std::uint16_t pair = pairs[place];
    found[place] = weighed(static_cast<Whole>(pair & 255), static_cast<Whole>(pair >> 8), shares[place]);
  }
}

class PlainAcross final : public Across {
 public:
  PlainAcross(const ByteImage& image, const Places& columns, bool split, Index room)
      : channels_(image.channels), reversed_(image.reversed), room_(room) {
    const Index colours = image.colours(), step = split ? 2 : 1;
    for (Index start = 0; start < step; ++start) {
      std::vector<std::int32_t> offsets;
      std::vector<Whole> shares;
      for (Index place = start; place < columns.count(); place += step) {
        offsets.push_back(static_cast<std::int32_t>(columns.first[place] * channels_));
        shares.insert(shares.end(), colours, static_cast<Whole>(32 * columns.weights[2 * place + 1]));
      }
      offsets_.push_back(std::move(offsets)), shares_.push_back(std::move(shares));
    }
    left_.resize(shares_[0].size() + kPadding), right_.resize(left_.size()), pairs_.resize(left_.size());
  }

  void row(const std::uint8_t* pixels, Whole* found) override {
    for (std::size_t block = 0; block < offsets_.size(); ++block, found += room_) {
      const std::int32_t* offsets = offsets_[block].data();
      const Whole* shares = shares_[block].data();
      const Index count = static_cast<Index>(offsets_[block].size());
      if (channels_ == 1) {
        gather_pairs(pixels, offsets, count, pairs_.data());
        weigh_pairs(pairs_.data(), shares, count, found);
        continue;
      }
      const auto gathered = channels_ == 3 ? (reversed_ ? gather<3, true> : gather<3, false>)
                                           : (reversed_ ? gather<4, true> : gather<4, false>);
      gathered(pixels, offsets, count, left_.data(), right_.data());
      weigh(left_.data(), right_.data(), shares, 3 * count, found);
    }
  }

 private:
  const Index channels_;
  const bool reversed_;
  const Index room_;
  std::vector<std::vector<std::int32_t>> offsets_;
  std::vector<std::vector<Whole>> shares_;
  std::vector<std::uint8_t> left_, right_;
  std::vector<std::uint16_t> pairs_;
};

}  // namespace

std::unique_ptr<Across> plain_across(const ByteImage& image, const Places& columns, bool split, Index room) {
  return std::make_unique<PlainAcross>(image, columns, split, room);
}

}  // namespace vision_service
