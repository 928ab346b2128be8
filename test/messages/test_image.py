"""Image messages of encodings that are converted, whoever made the message."""

from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from vision_service.encodings import RAW_ENCODINGS
from vision_service.errors import ErrorCode, VisionError
from vision_service.messages import Remarks, depth_from_message, image_from_compressed, image_from_message
from vision_service.messages.layouts import COLOR_ENCODINGS


def message(encoding, width=4, height=4, *, step=None, size=None, big_endian=False):
    """Return a message, grey where it is YUV, of as many bytes as its encoding needs."""
    raw = RAW_ENCODINGS[encoding]
    step = width * raw.pixel if step is None else step
    size = int(step * height * raw.rows) if size is None else size
    return SimpleNamespace(
        encoding=encoding,
        width=width,
        height=height,
        step=step,
        is_bigendian=int(big_endian),
        data=array("B", [128] * size),
    )


@pytest.mark.parametrize("padding", [0, 8])
@pytest.mark.parametrize("encoding", RAW_ENCODINGS)
def test_every_encoding_is_read(encoding, padding):
    image = image_from_message(message(encoding, 6, 4, step=6 * RAW_ENCODINGS[encoding].pixel + padding))
    assert (image.width, image.height) == (6, 4)
    assert image.encoding == RAW_ENCODINGS[encoding].result
    assert image.rgb.shape == (4, 6, 3)
    assert abs(int(image.rgb[1, 1, 0]) - 128) <= 3


def test_an_image_is_converted_once():
    image = image_from_message(message("yuyv"))
    assert image.pixels is image.pixels
    assert image.rgb is image.pixels


def test_big_endian_numbers_are_read():
    grey = message("mono16", 1, 1, big_endian=True)
    grey.data = array("B", [7, 200])
    assert image_from_message(grey).pixels.tolist() == [[7]]
    grey.is_bigendian = 0
    assert image_from_message(grey).pixels.tolist() == [[200]]


def test_data_may_be_an_array_of_numpy():
    given = message("uyvy")
    given.data = np.frombuffer(bytes(given.data), np.uint8)
    assert image_from_message(given).rgb.shape == (4, 4, 3)


@pytest.mark.parametrize(("encoding", "height"), [("nv12", 6), ("nv21", 6), ("nv24", 12)])
def test_the_height_may_count_the_rows_of_all_planes(encoding, height):
    image = image_from_message(message(encoding, 4, height, size=4 * height))
    assert (image.width, image.height) == (4, 4)


def test_16_bits_of_grey_are_an_image_or_depth_as_the_topic_is():
    grey = message("mono16", 2, 2)
    assert image_from_message(grey).encoding == "mono8"
    np.testing.assert_allclose(depth_from_message(grey), 32.896)


def test_a_compressed_image_of_16_bits_is_an_image():
    image_from_compressed(SimpleNamespace(format="mono16; png compressed ", data=array("B", b"..")))


class TestAFileInPlaceOfPixels:
    """usb_cam 0.8.1 publishes with pixel_format raw_mjpeg what the camera sends as raw images of yuv422."""

    PIXELS = np.full((48, 64, 3), (30, 60, 220), np.uint8)
    JPEG = cv2.imencode(".jpg", PIXELS)[1].tobytes()
    PNG = cv2.imencode(".png", PIXELS)[1].tobytes()

    def raw(self, data, encoding="yuv422", width=64, height=48):
        return SimpleNamespace(
            encoding=encoding, width=width, height=height, step=2 * width, is_bigendian=0, data=array("B", data)
        )

    @pytest.mark.parametrize("padding", [0, 100, 64 * 48 * 2 - len(JPEG)])
    @pytest.mark.parametrize("encoding", ["yuv422", "rgb8", "mono8", "jpeg", "MJPG"])
    def test_is_decoded_and_remarked_on_once(self, encoding, padding):
        said = []
        remarks = Remarks(tell=said.append)
        for _ in range(3):
            image = image_from_message(self.raw(self.JPEG + bytes(padding), encoding), remarks)
            assert np.abs(image.rgb[24, 32].astype(int) - (220, 60, 30)).max() <= 4
        assert bytes(image.compressed) == self.JPEG
        assert len(said) == 1
        assert f"the raw images ({encoding!r}) hold JPEG files, which are decoded here" in said[0]
        assert "pixel_format mjpeg2rgb" in said[0]

    def test_may_be_png(self):
        image = image_from_message(self.raw(self.PNG, "rgb8"))
        np.testing.assert_array_equal(image.rgb, self.PIXELS[..., ::-1])

    def test_may_lack_its_tables_as_cameras_send_it(self):
        position = self.JPEG.index(b"\xff\xc4")
        without = self.JPEG[:position] + self.JPEG[self.JPEG.index(b"\xff\xda") :]
        assert len(without) < len(self.JPEG)
        assert image_from_message(self.raw(without)).rgb.shape == (48, 64, 3)

    def test_that_is_cut_off_is_named(self):
        with pytest.raises(VisionError, match=r"the raw image \('yuv422'\) holds a frame of .* cut off"):
            image_from_message(self.raw(self.JPEG[:-20]))

    @pytest.mark.parametrize("size", [(62, 48), (48, 64)])
    def test_must_be_of_the_message_s_size_else_it_is_pixels(self, size):
        width, height = size
        pixels = self.JPEG + bytes(width * height * 2 - len(self.JPEG))
        assert image_from_message(self.raw(pixels, "yuv422", width, height)).compressed is None

    @pytest.mark.parametrize("data", [JPEG, PNG], ids=["JPEG", "PNG"])
    def test_is_no_depth(self, data):
        with pytest.raises(VisionError, match=r"holds a (JPEG|PNG) file: publish it as CompressedImage"):
            depth_from_message(self.raw(data, "16UC1"))


@pytest.mark.parametrize("encoding", ["h264", "H265", "hevc"])
def test_video_in_raw_images_is_named_with_the_way_out(encoding):
    video = message("yuyv")
    video.encoding = encoding
    with pytest.raises(VisionError, match=r"is a video stream, .*image_transport republish"):
        image_from_message(video)


class TestTheBitsOfSixteen:
    """Sensors of 10, 12 or 14 bits put them into the lower ones of 16."""

    def grey(self, value, encoding="mono16"):
        grey = message(encoding)
        grey.data = array("B", np.full(len(grey.data) // 2, value, "<u2").tobytes())
        return grey

    def told(self, values, bit_depth=0, encoding="mono16"):
        said = []
        remarks = Remarks(bit_depth, said.append)
        for value in values:
            assert image_from_message(self.grey(value, encoding), remarks).rgb is not None
        return said

    @pytest.mark.parametrize("encoding", [name for name, raw in RAW_ENCODINGS.items() if raw.numbers])
    @pytest.mark.parametrize("bits", [10, 12, 14])
    def test_are_those_that_the_user_says(self, encoding, bits):
        assert image_from_message(self.grey((1 << bits) - 1, encoding), Remarks(bits)).rgb.min() == 255
        assert image_from_message(self.grey((1 << bits) - 1, encoding)).rgb.max() < 64

    @pytest.mark.parametrize(("highest", "bits"), [(255, 8), (1023, 10), (1024, 12), (4095, 12), (16383, 14)])
    def test_are_asked_for_once_where_the_first_images_use_few(self, highest, bits):
        said = self.told([highest] * 30)
        assert len(said) == 1
        assert f"at most {highest} of 65535: if the sensor has {bits} bits, set 'bit_depth' to {bits}" in said[0]

    def test_are_not_asked_for_where_one_of_the_first_images_uses_all(self):
        assert not self.told([100, 200, 60_000, 100] + [100] * 20)

    def test_are_not_asked_for_where_the_user_has_said_them(self):
        assert not self.told([1000] * 30, 16)

    def test_are_remarked_on_where_the_user_said_too_few(self):
        said = self.told([1000] * 5 + [4000] * 3, 10)
        assert len(said) == 1
        assert "'bit_depth' is 10, but an image (mono16) has the value 4000, of 12 bits" in said[0]

    def test_never_change_what_depth_is(self):
        np.testing.assert_allclose(depth_from_message(self.grey(1000)), 1.0)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message("yuyv", width=0), "the image is empty: 0×4 pixels"),
        (message("nv12", height=0), "the image is empty: 4×0 pixels"),
        (message("yuyv", step=7), "step 7 is less than a row: 4 pixels of yuyv are 8 bytes"),
        (message("rgb16", step=23), "step 23 is less than a row: 4 pixels of rgb16 are 24 bytes"),
        (message("yuyv", size=31), "4 rows of yuyv are 4 times step 8, 32 bytes, 31 are there"),
        (message("nv21", size=23), "4 rows of nv21 are 6 times step 4, 24 bytes, 23 are there"),
        (message("nv12", height=3, size=20), "3 rows of nv12 are 4.5 times step 4, 18 bytes, 20 are there"),
        (message("nv12", height=3, size=18), "4×3 pixels cannot be nv12: its colours belong to blocks of 2×2 pixels"),
        (message("uyvy", width=3), "3×4 pixels cannot be uyvy: its colours belong to blocks of 2×1 pixels"),
        (message("bayer_rggb8", height=2), "4×2 pixels is too small to be bayer_rggb8"),
    ],
)
def test_a_wrong_image_is_refused_with_the_reason(wrong, reason):
    with pytest.raises(VisionError, match=reason) as raised:
        image_from_message(wrong)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_an_unknown_encoding_is_refused_with_those_that_are_known():
    given = message("yuyv")
    given.encoding = "yuv410"
    with pytest.raises(VisionError, match=r"unknown encoding 'yuv410': known are rgb8, .*bayer_rggb8.*nv24"):
        image_from_message(given)
    assert len(COLOR_ENCODINGS) == len(set(COLOR_ENCODINGS))
