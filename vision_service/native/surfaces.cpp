// Planes through the windows around pixels: vision_service/pointcloud/touching/surfaces.py says what they are.
//
// Sums over windows slide down the rows and along them, in double precision, so that they are exact enough.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "spans.h"

namespace vision_service {
namespace {

constexpr int kTerms = 12;  // ten sums, and two that fill a register
constexpr float kUnfit = 1e3f;  // the residual where there is no plane
constexpr Index kProbed = 4;    // every so many rows and columns say what a full window is

using Sums = std::array<double, kTerms>;

struct Image {
  Span<const float> alpha, beta, depth;
  Span<const std::uint8_t> foreground;
  Index width, height;
};

struct Rules {
  double base[3];  // a, b, c that are subtracted
  Index radius;
  double least_share, least_spread, bias;
};

// The plane of a window: a, b, c and the means of alpha, beta and the inverse depth, all less the base.
struct Plane {
  float terms[6];
  float residual;
};

float inverse_of(const Image& image, const Rules& rules, Index pixel) {
  const float base = static_cast<float>(rules.base[0]) * image.alpha[pixel] +
                     static_cast<float>(rules.base[1]) * image.beta[pixel] + static_cast<float>(rules.base[2]);
  return 1.0f / image.depth[pixel] - base;
}

Sums terms_of(const Image& image, const Rules& rules, Index pixel) {
  if (!image.foreground[pixel]) return {};
  const double a = image.alpha[pixel], b = image.beta[pixel], d = inverse_of(image, rules, pixel);
  return {1, a, b, d, a * a, a * b, b * b, d * a, d * b, d * d, 0, 0};
}

// The sums of the windows around all pixels of a row, made of those of the row before.
class Sliding {
 public:
  Sliding(const Image& image, const Rules& rules)
      : image_(image), rules_(rules), columns_(image.width, Sums{}), row_(image.width) {
    for (Index row = 0; row < std::min(rules.radius, image.height); ++row) add(row, 1);
  }

  // Rows one after the other, from 0 on.
  const std::vector<Sums>& next() {
    const Index radius = rules_.radius, width = image_.width;
    if (now_ + radius < image_.height) add(now_ + radius, 1);
    if (now_ - radius - 1 >= 0) add(now_ - radius - 1, -1);
    ++now_;
    Sums sums{};
    for (Index column = 0; column < std::min(radius, width); ++column) plus(sums, columns_[column]);
    for (Index column = 0; column < width; ++column) {
      if (column + radius < width) plus(sums, columns_[column + radius]);
      if (column - radius - 1 >= 0) minus(sums, columns_[column - radius - 1]);
      row_[column] = sums;
    }
    return row_;
  }

 private:
  static void plus(Sums& sums, const Sums& more) {
    for (int term = 0; term < kTerms; ++term) sums[term] += more[term];
  }
  static void minus(Sums& sums, const Sums& less) {
    for (int term = 0; term < kTerms; ++term) sums[term] -= less[term];
  }
  void add(Index row, int sign) {
    for (Index column = 0; column < image_.width; ++column) {
      const Index pixel = row * image_.width + column;
      if (!image_.foreground[pixel]) continue;
      const Sums terms = terms_of(image_, rules_, pixel);
      sign > 0 ? plus(columns_[column], terms) : minus(columns_[column], terms);
    }
  }

  const Image& image_;
  const Rules& rules_;
  std::vector<Sums> columns_, row_;
  Index now_ = 0;
};

// The variances and covariances of a window.
struct Spread {
  double count, a, b, d, aa, ab, bb, da, db, dd;

  explicit Spread(const Sums& sums) : count(std::max(sums[0], 1.0)) {
    a = sums[1] / count, b = sums[2] / count, d = sums[3] / count;
    aa = sums[4] / count - a * a, ab = sums[5] / count - a * b, bb = sums[6] / count - b * b;
    da = sums[7] / count - d * a, db = sums[8] / count - d * b, dd = sums[9] / count - d * d;
  }
};

// Returns the variance of alpha in windows that are full of pixels.
double full_spread(const Image& image, const Rules& rules) {
  std::vector<double> spreads;
  Sliding sliding(image, rules);
  for (Index row = 0; row < image.height; ++row) {
    const std::vector<Sums>& sums = sliding.next();
    if (row % kProbed) continue;
    for (Index column = 0; column < image.width; column += kProbed) spreads.push_back(Spread(sums[column]).aa);
  }
  if (spreads.empty()) return 0;
  const auto place = spreads.begin() + static_cast<Index>(0.9 * static_cast<double>(spreads.size() - 1));
  std::nth_element(spreads.begin(), place, spreads.end());
  return *place;
}

Plane plane_of(const Image& image, const Rules& rules, Index pixel, const Sums& sums, double least_determinant,
               double enough) {
  const Spread spread(sums);
  const double determinant = spread.aa * spread.bb - spread.ab * spread.ab;
  if (sums[0] < enough || determinant < least_determinant || determinant <= 0) {
    const float inverse = image.foreground[pixel] ? inverse_of(image, rules, pixel) : 0.0f;
    return {{0, 0, inverse, image.alpha[pixel], image.beta[pixel], inverse}, kUnfit};
  }
  const double a = (spread.da * spread.bb - spread.db * spread.ab) / determinant;
  const double b = (spread.db * spread.aa - spread.da * spread.ab) / determinant;
  const double left = std::max(spread.dd - a * spread.da - b * spread.db, 0.0);
  const double residual = left * spread.count / std::max(spread.count - 3, 1.0);
  return {{static_cast<float>(a), static_cast<float>(b), static_cast<float>(spread.d - a * spread.a - b * spread.b),
           static_cast<float>(spread.a), static_cast<float>(spread.b), static_cast<float>(spread.d)},
          static_cast<float>(residual)};
}

Index best_planes(const Image& image, const Rules& rules, Span<float> found) {
  const Index pixels = image.width * image.height, edge = 2 * rules.radius + 1;
  require(image.width > 0 && image.alpha.length == pixels && image.beta.length == pixels);
  require(image.depth.length == pixels && image.foreground.length == pixels && rules.radius >= 0);
  const double full = full_spread(image, rules);
  const double enough = rules.least_share * static_cast<double>(edge * edge);
  const float bias = static_cast<float>(rules.bias);
  std::vector<Plane> planes(pixels);
  Sliding sliding(image, rules);
  for (Index row = 0; row < image.height; ++row) {
    const std::vector<Sums>& sums = sliding.next();
    for (Index column = 0; column < image.width; ++column) {
      const Index pixel = row * image.width + column;
      if (image.foreground[pixel] || sums[column][0] >= enough)
        planes[pixel] = plane_of(image, rules, pixel, sums[column], rules.least_spread * full * full, enough);
      else
        planes[pixel].residual = std::numeric_limits<float>::infinity();
    }
  }
  const Index count =
      std::count_if(image.foreground.data, image.foreground.data + pixels, [](std::uint8_t byte) { return byte != 0; });
  require(found.length == 6 * count);
  Index number = 0;
  for (Index row = 0; row < image.height; ++row) {
    for (Index column = 0; column < image.width; ++column) {
      const Index pixel = row * image.width + column;
      if (!image.foreground[pixel]) continue;
      Index best = pixel;
      float least = planes[pixel].residual;
      for (Index down = -rules.radius; down <= rules.radius; down += rules.radius) {
        if (row + down < 0 || row + down >= image.height) continue;
        for (Index right = -rules.radius; right <= rules.radius; right += rules.radius) {
          if (column + right < 0 || column + right >= image.width) continue;
          const Index other = pixel + down * image.width + right;
          const float residual = planes[other].residual * bias;
          if (residual < least) least = residual, best = other;
        }
      }
      for (int term = 0; term < 6; ++term) found[term * count + number] = planes[best].terms[term];
      ++number;
    }
  }
  return number;
}

}  // namespace
}  // namespace vision_service

using vision_service::Index;

VISION_SERVICE_EXPORT Index best_planes(const float* alpha, Index alphas, const float* beta, Index betas,
                                        const float* depth, Index depths, const std::uint8_t* foreground,
                                        Index foreground_count, Index width, double a, double b, double c, Index radius,
                                        double least_share, double least_spread, double bias, float* found,
                                        Index found_count) {
  return vision_service::guarded([&] {
    vision_service::require(width > 0 && foreground_count % width == 0 && radius > 0);
    return vision_service::best_planes(
        {{alpha, alphas}, {beta, betas}, {depth, depths}, {foreground, foreground_count}, width, foreground_count / width},
        {{a, b, c}, radius, least_share, least_spread, bias}, {found, found_count});
  });
}
