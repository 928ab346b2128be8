// From the pixels of an image to the tensor that a model takes, in one pass: mlmodel/filling.py says how it is told.

#include "resizing.h"

namespace vision_service {
namespace {

// What filling.py gives, in this order.
enum Setting : Index {
  kWidth, kHeight, kChannels, kReversed,                // of the image
  kContentWidth, kContentHeight, kWay,                  // of the resized image
  kLeft, kTop, kPartWidth, kPartHeight,                 // which part of it is taken
  kTensorWidth, kTensorHeight, kTensorChannels, kChannelsFirst,
  kCornerX, kCornerY, kBorder,                          // where the part lies in the tensor, and what is beside it
  kWide,
  kSettings
};

struct Layout {
  Index width, height, channels;
  bool channels_first;

  Index plane() const { return width * height; }
};

// What becomes of bytes: they stay as they are, or a table says it for each channel.
struct ByteValues {
  Span<const std::uint8_t> table;
  bool signs_only;  // it takes 128 from all

  ByteValues(Span<const std::uint8_t> given, Index channels) : table(given), signs_only(given.length > 0) {
    require(given.length == 0 || given.length == 256 * channels);
    for (Index place = 0; place < given.length; ++place)
      signs_only &= given[place] == static_cast<std::uint8_t>(place / channels ^ 128);
  }
};

FOR_WIDE_PROCESSORS
void turn_signs(const std::uint8_t* bytes, Index count, std::uint8_t* found) {
  for (Index place = 0; place < count; ++place) found[place] = bytes[place] ^ 128;
}

// The bytes of one channel out of those of all.
template <Index kChannelsOfAll>
ALWAYS_INLINE void take_channel_of(const std::uint8_t* bytes, Index count, std::uint8_t* found) {
  for (Index place = 0; place < count; ++place) found[place] = bytes[kChannelsOfAll * place];
}

FOR_WIDE_PROCESSORS
void take_channel(const std::uint8_t* bytes, Index channels, Index count, std::uint8_t* found) {
  if (channels == 1) std::memcpy(found, bytes, count);
  if (channels == 3) take_channel_of<3>(bytes, count, found);
  if (channels == 4) take_channel_of<4>(bytes, count, found);
}

// All of one channel, then those of all channels in turns.
FOR_WIDE_PROCESSORS
void to_reals(const std::uint8_t* bytes, Index count, float slope, float offset, float* found) {
  for (Index place = 0; place < count; ++place) found[place] = static_cast<float>(bytes[place]) * slope + offset;
}

FOR_WIDE_PROCESSORS
void to_reals(const std::uint8_t* bytes, Index count, double slope, double offset, double* found) {
  for (Index place = 0; place < count; ++place) found[place] = static_cast<double>(bytes[place]) * slope + offset;
}

FOR_WIDE_PROCESSORS
void to_reals(const std::uint8_t* bytes, Index count, const float* slopes, const float* offsets, float* found) {
  for (Index place = 0; place < count; ++place)
    found[place] = static_cast<float>(bytes[place]) * slopes[place] + offsets[place];
}

FOR_WIDE_PROCESSORS
void to_reals(const std::uint8_t* bytes, Index count, const double* slopes, const double* offsets, double* found) {
  for (Index place = 0; place < count; ++place)
    found[place] = static_cast<double>(bytes[place]) * slopes[place] + offsets[place];
}

// ITU-R BT.601, in whole numbers as OpenCV has them.
FOR_WIDE_PROCESSORS
void to_grey(const std::uint8_t* colours, Index count, std::uint8_t* found) {
  for (Index place = 0; place < count; ++place) {
    const std::uint8_t* pixel = colours + 3 * place;
    found[place] = static_cast<std::uint8_t>((9798 * pixel[0] + 19235 * pixel[1] + 3735 * pixel[2] + (1 << 14)) >> 15);
  }
}

template <Index kChannels>
ALWAYS_INLINE void reverse_of(const std::uint8_t* __restrict pixels, Index count, std::uint8_t* __restrict found) {
  for (Index place = 0; place < count; ++place) {
    found[3 * place] = pixels[kChannels * place + 2];
    found[3 * place + 1] = pixels[kChannels * place + 1];
    found[3 * place + 2] = pixels[kChannels * place];
  }
}

// The first three channels in the other order.
FOR_WIDE_PROCESSORS
void reverse(const std::uint8_t* pixels, Index channels, Index count, std::uint8_t* found) {
  if (channels == 3) reverse_of<3>(pixels, count, found);
  if (channels == 4) reverse_of<4>(pixels, count, found);
}

template <Index kFrom, Index kTo>
ALWAYS_INLINE void spread_of(const std::uint8_t* __restrict pixels, Index count, std::uint8_t* __restrict found) {
  for (Index place = 0; place < count; ++place) {
    found[kTo * place] = pixels[kFrom * place];
    found[kTo * place + 1] = pixels[kFrom * place + (kFrom > 1 ? 1 : 0)];
    found[kTo * place + 2] = pixels[kFrom * place + (kFrom > 1 ? 2 : 0)];
    if (kTo == 4) found[kTo * place + 3] = 255;
  }
}

// Grey or colours to three or four channels, of which the last is full opacity.
FOR_WIDE_PROCESSORS
void spread(const std::uint8_t* pixels, Index from, Index to, Index count, std::uint8_t* found) {
  if (from == 1 && to == 3) spread_of<1, 3>(pixels, count, found);
  if (from == 1 && to == 4) spread_of<1, 4>(pixels, count, found);
  if (from == 3 && to == 4) spread_of<3, 4>(pixels, count, found);
  if (from == 4 && to == 3) spread_of<4, 3>(pixels, count, found);
}

// Writes bytes to a tensor of bytes.
class ByteWriter {
 public:
  using Value = std::uint8_t;

  ByteWriter(const Layout& layout, Span<const std::uint8_t> table)
      : layout_(layout), values_(table, layout.channels) {}

  // Where a row may be written that needs no more; null where there is no such place.
  Value* directly(Value* place) const {
    const bool same = values_.table.length == 0 && (!layout_.channels_first || layout_.channels == 1);
    return same ? place : nullptr;
  }

  void row(const std::uint8_t* bytes, Index count, Value* found) const {
    const Index size = count * layout_.channels;
    if (values_.table.length == 0) {
      if (bytes != found) std::memcpy(found, bytes, size);
    } else if (values_.signs_only) {
      turn_signs(bytes, size, found);
    } else {
      for (Index channel = 0; channel < layout_.channels; ++channel)
        for (Index place = channel; place < size; place += layout_.channels)
          found[place] = values_.table[bytes[place] * layout_.channels + channel];
    }
  }

  void channel(const std::uint8_t* bytes, Index channel, Index count, Value* found) const {
    if (bytes != found) take_channel(bytes + channel, layout_.channels, count, found);
    if (values_.signs_only) return turn_signs(found, count, found);
    if (values_.table.length == 0) return;
    for (Index place = 0; place < count; ++place)
      found[place] = values_.table[found[place] * layout_.channels + channel];
  }

 private:
  const Layout layout_;
  const ByteValues values_;
};

// Writes bytes to a tensor of numbers: each is the byte × slope + offset, of its channel.
template <class Real>
class RealWriter {
 public:
  using Value = Real;

  RealWriter(const Layout& layout, Span<const double> slopes, Span<const double> offsets)
      : layout_(layout), plane_(layout.width), slopes_(layout.width * layout.channels), offsets_(slopes_.size()) {
    require(slopes.length == layout.channels && offsets.length == layout.channels);
    for (Index place = 0; place < layout.width * layout.channels; ++place) {
      slopes_[place] = static_cast<Real>(slopes[place % layout.channels]);
      offsets_[place] = static_cast<Real>(offsets[place % layout.channels]);
    }
  }

  static std::uint8_t* directly(Value*) { return nullptr; }

  void row(const std::uint8_t* bytes, Index count, Value* found) const {
    to_reals(bytes, count * layout_.channels, slopes_.data(), offsets_.data(), found);
  }

  void channel(const std::uint8_t* bytes, Index channel, Index count, Value* found) {
    take_channel(bytes + channel, layout_.channels, count, plane_.data());
    to_reals(plane_.data(), count, slopes_[channel], offsets_[channel], found);
  }

 private:
  const Layout layout_;
  std::vector<std::uint8_t> plane_;
  std::vector<Real> slopes_, offsets_;
};

// The rows of an image that has its size already.
class SameRows final : public ResizedRows {
 public:
  SameRows(const ByteImage& image, const Part& part) : image_(image), part_(part) {}

  const std::uint8_t* row(Index y, std::uint8_t* given) override {
    const Index channels = image_.channels;
    const std::uint8_t* pixels =
        image_.bytes.data + (part_.top + y) * image_.stride + part_.left * channels;
    if (image_.as_it_lies()) return pixels;
    if (image_.reversed)
      reverse(pixels, channels, part_.width, given);
    else
      spread(pixels, channels, 3, part_.width, given);
    return given;
  }

 private:
  const ByteImage image_;
  const Part part_;
};

std::unique_ptr<ResizedRows> resized_rows(const ByteImage& image, Index width, Index height, const Part& part, Way way,
                                          bool wide) {
  if (image.width == width && image.height == height) return std::make_unique<SameRows>(image, part);
  if (way == Way::kAntialias || way == Way::kBicubic)
    return antialiased_rows(image, width, height, part, way == Way::kBicubic);
  const bool averaged = way == Way::kArea && image.width * image.height > 4 * width * height;
  return bilinear_rows(image, width, height, part, averaged, wide);
}

// Brings a row to the tensor's channels; returns where it lies.
const std::uint8_t* in_channels(const std::uint8_t* row, Index colours, Index channels, Index count,
                                std::uint8_t* given) {
  if (colours == channels) return row;
  if (channels == 1)
    to_grey(row, count, given);
  else
    spread(row, colours, channels, count, given);
  return given;
}

template <class Writer>
void fill_beside(const Layout& layout, const Part& inside, std::uint8_t border, Writer& writer,
                 typename Writer::Value* tensor) {
  using Value = typename Writer::Value;
  const Index right = inside.left + inside.width, bottom = inside.top + inside.height;
  if (inside.left == 0 && inside.top == 0 && right == layout.width && bottom == layout.height) return;
  const std::vector<std::uint8_t> bytes(layout.width * layout.channels, border);
  const Index planes = layout.channels_first ? layout.channels : 1, step = layout.channels_first ? 1 : layout.channels;
  std::vector<Value> row(layout.width * step);
  for (Index plane = 0; plane < planes; ++plane) {
    if (layout.channels_first)
      writer.channel(bytes.data(), plane, layout.width, row.data());
    else
      writer.row(bytes.data(), layout.width, row.data());
    Value* found = tensor + plane * layout.plane();
    for (Index y = 0; y < layout.height; ++y, found += layout.width * step) {
      const bool beside = y < inside.top || y >= bottom;
      std::copy_n(row.data(), step * (beside ? layout.width : inside.left), found);
      if (!beside) std::copy_n(row.data(), step * (layout.width - right), found + step * right);
    }
  }
}

template <class Writer>
Index filled(const ByteImage& image, Span<const Index> settings, const Layout& layout, Writer& writer,
             Span<typename Writer::Value> tensor) {
  const Index width = settings[kContentWidth], height = settings[kContentHeight];
  const Part part{settings[kLeft], settings[kTop], settings[kPartWidth], settings[kPartHeight]};
  const Part inside{settings[kCornerX], settings[kCornerY], part.width, part.height};
  require(0 < width && width <= kMostPixels && 0 < height && height <= kMostPixels);
  require(part.width > 0 && part.height > 0);
  require(0 <= part.left && part.left <= width - part.width && 0 <= part.top && part.top <= height - part.height);
  require(0 <= inside.left && inside.left <= layout.width - part.width);
  require(0 <= inside.top && inside.top <= layout.height - part.height);
  require(0 <= settings[kWay] && settings[kWay] < static_cast<Index>(Way::kCount));
  require(tensor.length == layout.plane() * layout.channels);
  fill_beside(layout, inside, static_cast<std::uint8_t>(settings[kBorder]), writer, tensor.data);
  const auto rows = resized_rows(image, width, height, part, static_cast<Way>(settings[kWay]), settings[kWide] != 0);
  std::vector<std::uint8_t> resized(part.width * image.colours()), mixed(part.width * layout.channels);
  const bool same = image.colours() == layout.channels;
  const Index step = layout.channels_first ? 1 : layout.channels;
  for (Index y = 0; y < part.height; ++y) {
    auto* found = tensor.data + ((inside.top + y) * layout.width + inside.left) * step;
    std::uint8_t* direct = writer.directly(found);
    const std::uint8_t* row = rows->row(y, same && direct ? direct : resized.data());
    row = in_channels(row, image.colours(), layout.channels, part.width, direct ? direct : mixed.data());
    if (!layout.channels_first) {
      writer.row(row, part.width, found);
      continue;
    }
    for (Index channel = 0; channel < layout.channels; ++channel)
      writer.channel(row, channel, part.width, found + channel * layout.plane());
  }
  return 0;
}

ByteImage image_of(Span<const std::uint8_t> pixels, Index stride, Span<const Index> settings) {
  require(settings.length == kSettings);
  const ByteImage image{pixels,
                        stride,
                        settings[kWidth],
                        settings[kHeight],
                        settings[kChannels],
                        settings[kReversed] != 0 && settings[kChannels] > 1};
  image.require_whole();
  return image;
}

Layout layout_of(Span<const Index> settings) {
  const Layout layout{settings[kTensorWidth], settings[kTensorHeight], settings[kTensorChannels],
                      settings[kChannelsFirst] != 0};
  require(layout.channels == 1 || layout.channels == 3 || layout.channels == 4);
  require(0 < layout.width && layout.width <= kMostPixels && 0 < layout.height && layout.height <= kMostPixels);
  return layout;
}

template <class Real>
Index reals(Span<const std::uint8_t> pixels, Index stride, Span<const Index> settings, Span<const double> slopes,
            Span<const double> offsets, Span<Real> tensor) {
  return guarded([&] {
    const ByteImage image = image_of(pixels, stride, settings);
    const Layout layout = layout_of(settings);
    RealWriter<Real> writer(layout, slopes, offsets);
    return filled(image, settings, layout, writer, tensor);
  });
}

}  // namespace

// Writes an image to a tensor of bytes: as they are, or as the (256, channels) table says, if there is one.
VISION_SERVICE_EXPORT Index image_to_bytes(const std::uint8_t* pixels, Index pixels_length, Index stride,
                                           const Index* settings, Index settings_length, const std::uint8_t* table,
                                           Index table_length, std::uint8_t* tensor, Index tensor_length) {
  return guarded([&] {
    const Span<const Index> given{settings, settings_length};
    const ByteImage image = image_of({pixels, pixels_length}, stride, given);
    const Layout layout = layout_of(given);
    ByteWriter writer(layout, {table, table_length});
    return filled(image, given, layout, writer, Span<std::uint8_t>{tensor, tensor_length});
  });
}

// Writes an image to a tensor of numbers: byte × slope + offset, of each channel.
VISION_SERVICE_EXPORT Index image_to_floats(const std::uint8_t* pixels, Index pixels_length, Index stride,
                                            const Index* settings, Index settings_length, const double* slopes, Index slopes_length,
                                            const double* offsets, Index offsets_length, float* tensor,
                                            Index tensor_length) {
  return reals<float>({pixels, pixels_length}, stride, {settings, settings_length}, {slopes, slopes_length},
                      {offsets, offsets_length}, {tensor, tensor_length});
}

VISION_SERVICE_EXPORT Index image_to_doubles(const std::uint8_t* pixels, Index pixels_length, Index stride,
                                             const Index* settings, Index settings_length, const double* slopes, Index slopes_length,
                                             const double* offsets, Index offsets_length, double* tensor,
                                             Index tensor_length) {
  return reals<double>({pixels, pixels_length}, stride, {settings, settings_length}, {slopes, slopes_length},
                       {offsets, offsets_length}, {tensor, tensor_length});
}

}  // namespace vision_service
