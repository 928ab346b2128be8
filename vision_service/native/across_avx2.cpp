// Rows that are resized across, with AVX2: a shuffle brings left and right pixels side by side. Nothing else in this
// library is written for one processor; it takes half of the time that the compiler's code takes.

#include "across.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define WITH_AVX2 __attribute__((target("avx2")))

namespace vision_service {
namespace {

constexpr Index kWindow = 16;  // bytes
static_assert(kSpare >= kWindow, "a window may be read from any pixel on");

template <class Vector>
const Vector* at(const void* place) {
  return static_cast<const Vector*>(place);
}

// Colours, four columns at once, two in each half of a register. Of those two come first the colours of the one and the
// first colour of the other, then its other two and two of nothing: each with its left and right pixel, and weights.
class WideColours final : public Across {
 public:
  WideColours(const ByteImage& image, const Places& columns, bool split, Index room) : room_(room) {
    std::fill_n(taken_, 64, std::int8_t{-1});
    const Index step = split ? 2 : 1;
    for (Index start = 0; start < step; ++start) {
      const Index count = (columns.count() - start + step - 1) / step;
      std::vector<std::int32_t> offsets(padded(count, kTogether));
      std::vector<Whole> weights(8 * offsets.size());
      for (Index place = 0; place < count; ++place) {
        const Index column = start + step * place;
        offsets[place] = static_cast<std::int32_t>(columns.first[column] * image.channels);
        for (Index number = 0; number < 6; ++number)
          weights[entry(place, number)] = columns.weights[2 * column + number % 2];
      }
      offsets_.push_back(std::move(offsets)), weights_.push_back(std::move(weights));
    }
    for (Index place = 0; place < kTogether; ++place) {
      for (Index number = 0; number < 6; ++number) {
        const Index colour = image.reversed ? 2 - number / 2 : number / 2;
        const Index byte = 8 * (place % 2) + colour + image.channels * (number % 2);
        taken_[2 * entry(place, number)] = static_cast<std::int8_t>(byte);
      }
    }
  }

  void row(const std::uint8_t* pixels, Whole* found) override {
    for (std::size_t block = 0; block < offsets_.size(); ++block, found += room_)
      weigh(pixels, offsets_[block].data(), weights_[block].data(), static_cast<Index>(offsets_[block].size()), found);
  }

 private:
  static constexpr Index kTogether = 4;

  // Where a number of a column is: one of three colours × left and right.
  static Index entry(Index place, Index number) {
    const Index within = place % kTogether, both = number + 6 * (within % 2);  // of the two columns of a half
    return 8 * (place - within) + 8 * (within / 2) + 16 * (both / 8) + both % 8;
  }

  WITH_AVX2 void weigh(const std::uint8_t* pixels, const std::int32_t* offsets, const Whole* weights, Index count,
                       Whole* found) const {
    const __m256i first = _mm256_loadu_si256(at<__m256i>(taken_));
    const __m256i second = _mm256_loadu_si256(at<__m256i>(taken_ + 32));
    const auto pixel = [&](Index place) {
      long long eight;
      std::memcpy(&eight, pixels + offsets[place], sizeof eight);
      return eight;
    };
    for (Index place = 0; place < count; place += kTogether) {
      // Loads that fill all of a register, and blends, so that shuffles are left for what needs them.
      const __m256i low =
          _mm256_blend_epi32(_mm256_set1_epi64x(pixel(place)), _mm256_set1_epi64x(pixel(place + 1)), 0x0C);
      const __m256i high =
          _mm256_blend_epi32(_mm256_set1_epi64x(pixel(place + 2)), _mm256_set1_epi64x(pixel(place + 3)), 0xC0);
      const __m256i four = _mm256_blend_epi32(low, high, 0xF0);
      const __m256i* weight = at<__m256i>(weights + 8 * place);
      const __m256i a = _mm256_madd_epi16(_mm256_shuffle_epi8(four, first), _mm256_loadu_si256(weight));
      const __m256i b = _mm256_madd_epi16(_mm256_shuffle_epi8(four, second), _mm256_loadu_si256(weight + 1));
      const __m256i six = _mm256_packs_epi32(_mm256_srai_epi32(a, 4), _mm256_srai_epi32(b, 4));  // in each half
      _mm_storeu_si128(reinterpret_cast<__m128i*>(found + 3 * place), _mm256_castsi256_si128(six));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(found + 3 * place + 6), _mm256_extracti128_si256(six, 1));
    }
  }

  const Index room_;
  std::vector<std::vector<std::int32_t>> offsets_;
  std::vector<std::vector<Whole>> weights_;
  std::int8_t taken_[64];
};

// Grey, sixteen columns at once. Each four next to each other lie within one window, of which `taken` says where their
// left and right pixels are: the windows of the columns 0 and 8, then of 4 and 12.
class WideGreys final : public Across {
 public:
  WideGreys(const Places& columns, bool split, Index room)
      : split_(split), room_(room), windows_(padded(columns.count(), kTogether) / kColumns),
        taken_(kWindow * windows_.size(), -1), weights_(2 * kColumns * windows_.size()) {
    for (Index place = 0; place < columns.count(); ++place) {
      const Index window = number_of(place), within = place % kColumns, entry = 2 * (kColumns * window + within);
      if (within == 0) windows_[window] = static_cast<std::int32_t>(columns.first[place]);
      const Index byte = columns.first[place] - windows_[window];
      for (Index right = 0; right < 2; ++right) {
        taken_[2 * (entry + right)] = static_cast<std::int8_t>(byte + right);
        weights_[entry + right] = columns.weights[2 * place + right];
      }
    }
  }

  static bool suits(const Places& columns) {
    for (Index place = 0; place < columns.count(); ++place)
      if (columns.first[place] - columns.first[place / kColumns * kColumns] > kWindow - 2) return false;
    return true;
  }

  void row(const std::uint8_t* pixels, Whole* found) override { weigh(pixels, found); }

 private:
  static constexpr Index kTogether = 16, kColumns = 4;

  static Index number_of(Index place) {
    const Index window = place / kColumns % 4;
    return place / kTogether * 4 + window % 2 * 2 + window / 2;
  }

  WITH_AVX2 void weigh(const std::uint8_t* pixels, Whole* found) const {
    const __m256i halves = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
    const Index count = static_cast<Index>(windows_.size());
    Whole* odd = found + room_;
    for (Index window = 0; window < count; window += 4) {
      __m256i sums[2];
      for (Index half = 0; half < 2; ++half) {
        const Index first = window + 2 * half;
        const __m256i two = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128(at<__m128i>(pixels + windows_[first]))),
            _mm_loadu_si128(at<__m128i>(pixels + windows_[first + 1])), 1);
        const __m256i taken = _mm256_loadu_si256(at<__m256i>(taken_.data() + kWindow * first));
        const __m256i weight = _mm256_loadu_si256(at<__m256i>(weights_.data() + 2 * kColumns * first));
        sums[half] = _mm256_srai_epi32(_mm256_madd_epi16(_mm256_shuffle_epi8(two, taken), weight), 4);
      }
      const __m256i all = _mm256_packs_epi32(sums[0], sums[1]);
      if (!split_) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(found), all);
        found += kTogether;
        continue;
      }
      const __m256i parted = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(all, halves), 0xD8);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(found), _mm256_castsi256_si128(parted));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(odd), _mm256_extracti128_si256(parted, 1));
      found += kTogether / 2, odd += kTogether / 2;
    }
  }

  const bool split_;
  const Index room_;
  std::vector<std::int32_t> windows_;
  std::vector<std::int8_t> taken_;
  std::vector<Whole> weights_;
};

}  // namespace

std::unique_ptr<Across> wide_across(const ByteImage& image, const Places& columns, bool split, Index room) {
  static const bool there = __builtin_cpu_supports("avx2");
  if (!there) return nullptr;
  if (image.channels > 1) return std::make_unique<WideColours>(image, columns, split, room);
  return WideGreys::suits(columns) ? std::make_unique<WideGreys>(columns, split, room) : nullptr;
}

}  // namespace vision_service

#else

namespace vision_service {

std::unique_ptr<Across> wide_across(const ByteImage&, const Places&, bool, Index) { return nullptr; }

}  // namespace vision_service

#endif
