"""Images in memory."""

import struct
import threading
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service import image as module
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import ENCODINGS, Image, decode, encode, encode_image, read_file, read_image, to_rgb

BLUE = (0, 0, 255)


def photo(height=40, width=60):
    """A smooth image in which no two corners are alike; RGB."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=-1).astype(np.uint8)


def huge_png():
    """A few bytes that claim to be an image of ten thousand million pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def turned_jpeg(pixels, orientation):
    """A JPEG whose EXIF data says how the camera was held."""
    jpeg = encode(pixels, "image/jpeg")
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + b"\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


@pytest.mark.parametrize(
    ("encoding", "pixel"),
    [
        ("rgb8", (10, 20, 30)),
        ("bgr8", (30, 20, 10)),
        ("rgba8", (10, 20, 30, 7)),
        ("bgra8", (30, 20, 10, 7)),
    ],
)
def test_every_color_encoding_becomes_rgb(encoding, pixel):
    pixels = np.full((2, 3, len(pixel)), pixel, np.uint8)
    image = Image(pixels, encoding)
    assert (image.width, image.height, image.encoding) == (3, 2, encoding)
    assert (image.rgb == (10, 20, 30)).all()
    assert image.rgb.shape == (2, 3, 3)


def test_gray_becomes_rgb():
    rgb = Image(np.array([[0, 100], [200, 255]], np.uint8), "mono8").rgb
    assert rgb[1, 0].tolist() == [200, 200, 200]


def test_every_encoding_is_covered_above():
    assert set(ENCODINGS) == {"rgb8", "bgr8", "rgba8", "bgra8", "mono8"}


def test_rgb_is_not_copied_and_what_is_converted_is_converted_once():
    pixels = photo()
    assert Image(pixels).rgb is pixels
    image = Image(pixels, "bgr8")
    assert image.rgb is image.rgb


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
def test_rows_may_be_padded(encoding):
    padded = np.zeros((40, 64, 3), np.uint8)
    padded[:, :60] = photo()
    expected = photo() if encoding == "rgb8" else photo()[..., ::-1]
    np.testing.assert_array_equal(Image(padded[:, :60], encoding).rgb, expected)


@pytest.mark.parametrize(
    ("pixels", "encoding", "message"),
    [
        (np.zeros((2, 2, 3), np.uint8), "yuv422", "unknown encoding 'yuv422': a colour image is one of rgb8, "),
        (np.zeros((2, 2, 4), np.uint8), "rgb8", "shape (2, 2, 4) and type uint8 are not rgb8"),
        (np.zeros((2, 2), np.uint8), "rgb8", "shape (2, 2) and type uint8 are not rgb8"),
        (np.zeros((2, 2, 1), np.uint8), "mono8", "shape (2, 2, 1) and type uint8 are not mono8"),
        (np.zeros((2, 2, 3), np.float32), "rgb8", "type float32 are not rgb8"),
        (np.zeros((0, 7, 3), np.uint8), "rgb8", "the image is empty: 7×0 pixels"),
        (np.zeros((7, 0), np.uint8), "mono8", "the image is empty: 0×7 pixels"),
    ],
    ids=["unknown", "too many channels", "no channels", "gray with channels", "floats", "no rows", "no columns"],
)
def test_what_is_no_image_is_refused(pixels, encoding, message):
    with pytest.raises(VisionError) as caught:
        Image(pixels, encoding)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    assert message in caught.value.message


@pytest.mark.parametrize("form", [bytes, memoryview], ids=["bytes", "memoryview"])
def test_compressed_bytes_are_kept_and_decoded_when_asked_for(form):
    data = form(encode(photo(), "image/png"))
    image = Image.from_compressed(data)
    assert image.compressed is data
    assert (image.width, image.height) == (60, 40)
    np.testing.assert_array_equal(image.rgb, photo())


@pytest.mark.parametrize("form", ["image/jpeg", "image/png"])
def test_what_a_file_claims_is_known_before_it_is_decoded(form):
    image = Image.from_compressed(encode(np.zeros((30, 40, 3), np.uint8), form))
    assert (image.claimed_size, image.decoded) == ((40, 30), False)
    assert image.pixels.shape == (30, 40, 3)
    assert image.decoded


def test_what_is_no_file_claims_nothing():
    assert Image.from_compressed(b"nothing").claimed_size is None
    image = Image(np.zeros((30, 40, 3), np.uint8))
    assert (image.claimed_size, image.decoded) == (None, True)


def test_the_header_of_a_jpeg_is_read_once(monkeypatch):
    read = []
    header = module.jpeg_header
    monkeypatch.setattr(module, "jpeg_header", lambda data: (read.append(None), header(data))[1])
    image = Image.from_compressed(encode(np.zeros((30, 40, 3), np.uint8), "image/jpeg"))
    assert (image.claimed_size, image.width, image.height, image.rgb.shape) == ((40, 30), 40, 30, (30, 40, 3))
    assert len(read) == 1


def test_pixels_have_no_compressed_bytes():
    assert Image(photo()).compressed is None


def test_all_threads_get_the_same_decoded_pixels():
    image = Image.from_compressed(encode(photo(400, 600), "image/jpeg"))
    barrier = threading.Barrier(8)
    seen = []

    def look():
        barrier.wait()
        seen.append(image.pixels)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert all(pixels is seen[0] for pixels in seen)


def test_bytes_that_are_no_image_fail_each_time_they_are_looked_at():
    image = Image.from_compressed(b"not an image")
    for _ in range(2):
        with pytest.raises(VisionError, match="12 bytes that are no image") as caught:
            _ = image.rgb
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\x89PNG", huge_png()], ids=["none", "jpeg", "png", "too large"])
def test_decoding_what_is_no_image_is_an_error(data):
    with pytest.raises(VisionError) as caught:
        decode(data)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("mime_type", ["image/jpeg", "image/png"])
def test_an_image_that_is_cut_off_is_an_error_not_half_gray(mime_type, part):
    data = encode(photo(200, 300), mime_type)
    with pytest.raises(VisionError, match="cut off"):
        decode(data[: int(len(data) * part)])


def test_a_jpeg_may_have_bytes_after_its_end():
    # Webcams pad their frames.
    assert decode(encode(photo(), "image/jpeg") + b"\0" * 100).shape == (40, 60, 3)


@pytest.mark.parametrize("trailer", [b"\xff\xda", b"\0\0\0\x18ftypmp42\xff\xda" + bytes(range(256)) * 9])
def test_a_motion_photo_is_its_photo(trailer):
    # Its video, behind the end of the JPEG, has what would be the beginning of a scan.
    whole = encode(photo(), "image/jpeg")
    np.testing.assert_array_equal(decode(whole + trailer), decode(whole))
    assert encode_image(Image.from_compressed(whole + trailer), "image/jpeg") == whole


def test_a_jpeg_with_a_whole_thumbnail_but_no_end_is_cut_off():
    whole = encode(photo(), "image/jpeg")
    thumbnail = b"Exif\0\0" + encode(photo(8, 8), "image/jpeg")
    data = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + whole[2:]
    assert decode(data).shape == (40, 60, 3)
    with pytest.raises(VisionError, match="cut off"):
        decode(data[:-30])


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(1, lambda p: p), (3, lambda p: p[::-1, ::-1]), (6, lambda p: np.rot90(p, -1)), (8, np.rot90)],
    ids=["upright", "upside down", "clockwise", "anticlockwise"],
)
def test_a_photo_is_upright_however_the_camera_was_held(orientation, turned):
    plain = decode(encode(photo(), "image/jpeg"))
    np.testing.assert_array_equal(decode(turned_jpeg(photo(), orientation)), turned(plain))


@given(st.sampled_from(sorted(ENCODINGS)), st.data())
def test_png_keeps_every_pixel(encoding, data):
    channels = ENCODINGS[encoding].channels
    size = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    pixels = data.draw(arrays(np.uint8, size if channels == 1 else (*size, channels)))
    bgr = decode(encode(pixels, "image/png", encoding=encoding))
    np.testing.assert_array_equal(bgr[..., ::-1], to_rgb(pixels, encoding))


def test_jpeg_keeps_the_image_and_quality_is_paid_for_in_bytes():
    data = encode(photo(), "image/jpeg")
    assert data.startswith(b"\xff\xd8")
    error = np.abs(decode(data)[..., ::-1].astype(int) - photo())
    assert error.mean() < 4
    assert len(encode(photo(), "image/jpeg", quality=20)) < len(data)


@pytest.mark.parametrize(
    "view", [np.s_[::-1], np.s_[:, ::2], np.s_[:, 5:40], np.s_[..., ::-1]], ids=["flipped", "every 2nd", "part", "bgr"]
)
def test_views_are_encoded_as_they_look(view):
    pixels = photo()[view]
    np.testing.assert_array_equal(decode(encode(pixels, "image/png"))[..., ::-1], pixels)


@pytest.mark.parametrize("mime_type", ["image/gif", "", "jpeg"])
def test_only_jpeg_and_png_are_encoded(mime_type):
    with pytest.raises(VisionError, match="image/jpeg or image/png, not as ") as caught:
        encode(photo(), mime_type)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


def test_an_image_too_large_for_jpeg_is_an_error():
    with pytest.raises(VisionError, match="70000×2 pixels cannot be encoded as image/jpeg"):
        encode(np.zeros((2, 70_000, 3), np.uint8), "image/jpeg")


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff", ".webp", ".jpg"])
def test_image_files_are_read(tmp_path, ending):
    file = tmp_path / f"image{ending}"
    file.write_bytes(cv2.imencode(ending, np.full((4, 5, 3), BLUE[::-1], np.uint8))[1].tobytes())
    image = read_image(str(file))
    assert (image.width, image.height) == (5, 4)
    assert np.abs(image.rgb.astype(int) - BLUE).max() < 10


def test_a_file_of_16_bits_is_read_as_8(tmp_path):
    file = tmp_path / "deep.png"
    file.write_bytes(cv2.imencode(".png", np.full((2, 2), 0x8000, np.uint16))[1].tobytes())
    assert read_image(file).rgb.tolist() == np.full((2, 2, 3), 0x80).tolist()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.png", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "null"),
        ("x" * 300, "File name too long"),
    ],
    ids=["absent", "folder", "zero byte", "too long"],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path, name, reason):
    with pytest.raises(VisionError, match=f"cannot read '.*': .*{reason}") as caught:
        read_file(f"{tmp_path}/{name}")
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


def test_the_home_of_nobody_cannot_be_read():
    with pytest.raises(VisionError, match="cannot read '~no_such_user_at_all/x'"):
        read_file("~no_such_user_at_all/x")


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "labels.txt").write_bytes(b"cat")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_file("~/labels.txt") == b"cat"


def test_a_file_that_is_no_image_is_named(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    with pytest.raises(VisionError, match=r"notes.txt': 5 bytes that are no image"):
        read_image(file)


# Made when asked for.


def test_pixels_that_are_deferred_are_made_once_when_they_are_asked_for():
    made = []

    def make():
        made.append(1)
        return photo()

    image = Image.deferred(make)
    assert not made
    assert (image.width, image.height, image.encoding, image.compressed) == (60, 40, "rgb8", None)
    assert image.rgb is image.pixels
    assert made == [1]


def test_who_asks_for_pixels_that_cannot_be_made_is_told_every_time():
    def make():
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "no image")

    image = Image.deferred(make)
    for _ in range(2):
        with pytest.raises(VisionError, match="no image"):
            _ = image.pixels


# Encoded again.


@pytest.mark.parametrize("mime_type", ["image/jpeg", "image/png"])
def test_an_image_that_came_as_such_a_file_is_that_file(mime_type):
    data = encode(photo(), mime_type, quality=30)
    assert encode_image(Image.from_compressed(memoryview(data)), mime_type, quality=99) == data


@pytest.mark.parametrize(("came", "wanted"), [("image/jpeg", "image/png"), ("image/png", "image/jpeg")])
def test_an_image_that_came_as_another_file_is_encoded(came, wanted):
    image = Image.from_compressed(encode(photo(), came))
    assert encode_image(image, wanted) == encode(image.rgb, wanted)


def test_an_image_that_came_as_pixels_is_encoded():
    assert encode_image(Image(photo()), "image/png") == encode(photo(), "image/png")


def test_a_jpeg_that_is_to_be_turned_is_encoded_turned():
    data = turned_jpeg(photo(), 6)
    image = Image.from_compressed(data)
    encoded = encode_image(image, "image/jpeg")
    assert encoded != data
    assert decode(encoded).shape == image.pixels.shape == (60, 40, 3)


def test_half_a_jpeg_is_not_passed_on():
    data = encode(photo(), "image/jpeg")
    with pytest.raises(VisionError, match="cut off"):
        encode_image(Image.from_compressed(data[: len(data) // 2]), "image/jpeg")


class TestTheSizeOfAJpeg:
    def test_is_known_without_decoding_it(self):
        image = Image.from_compressed(encode(np.zeros((30, 50, 3), np.uint8), "image/jpeg"))
        assert image.size == (image.width, image.height) == (50, 30)
        assert image._pixels is None

    def test_is_that_of_the_image_as_it_is_turned(self):
        jpeg = encode(np.zeros((30, 50, 3), np.uint8), "image/jpeg")
        orientation = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
        turned = jpeg[:2] + b"\xff\xe1" + (len(orientation) + 2).to_bytes(2, "big") + orientation + jpeg[2:]
        image = Image.from_compressed(turned)
        assert image.size == (30, 50)
        assert image.pixels.shape == (50, 30, 3)
