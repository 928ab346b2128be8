"""The library of C++ is there, is the one that belongs to the sources, and is called with what suits it alone."""

import shutil
import subprocess

import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.native import library as module
from vision_service.native.library import SOURCES, Array, Function, Rows, library, row_stride, sources_digest

BOUNDS = Function("bounds", Array(np.float32), Array(np.float64, written=True))
POINTS = np.zeros((2, 3), np.float32)


@pytest.fixture
def afresh():
    """The library is looked for again, also by the tests that follow."""
    library.cache_clear()
    yield
    library.cache_clear()


def test_it_was_compiled_from_the_sources_that_are_here():
    files = sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")])
    assert library().sources_digest().decode() == sources_digest(files)


@pytest.mark.usefixtures("afresh")
def test_without_it_the_error_message_says_where_it_was_looked_for_and_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "NAME", "libabsent.so")
    with pytest.raises(VisionError, match=r"libabsent\.so is in none of .*; install vision_service again") as caught:
        Function("bounds")()
    assert caught.value.code == ErrorCode.INTERNAL


@pytest.mark.usefixtures("afresh")
def test_one_that_was_compiled_from_other_sources_is_refused(monkeypatch, tmp_path):
    (tmp_path / "newer.cpp").write_text("// changed since\n")
    monkeypatch.setattr(module, "SOURCES", tmp_path)
    with pytest.raises(VisionError, match=r"not compiled from the sources in .* install vision_service again"):
        library()


@pytest.mark.usefixtures("afresh")
def test_an_installed_one_without_sources_beside_it_is_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "SOURCES", tmp_path)
    assert library().sources_digest()


@pytest.mark.usefixtures("afresh")
def test_what_is_no_library_is_refused(monkeypatch, tmp_path):
    (tmp_path / module.NAME).write_text("cut off")
    monkeypatch.setattr(module.vision_service, "__path__", [str(tmp_path)])
    with pytest.raises(VisionError, match=r"cannot be used: .*; install vision_service again"):
        library()


@pytest.mark.parametrize(
    ("points", "found", "message"),
    [
        (POINTS.astype(float), np.empty(6), r"bounds takes an array of float32 in C order, not float64 \(2, 3\)"),
        (POINTS.T, np.empty(6), r"not float32 \(3, 2\)"),
        (POINTS.tolist(), np.empty(6), "not list"),
        (POINTS, np.broadcast_to(np.float64(0), 6), "takes a writeable array of float64 in C order"),
        (np.frombuffer(bytes(25), np.uint8)[1:].view(np.float32), np.empty(6), r"not float32 \(6,\)"),
    ],
    ids=["another type", "columns", "a list", "read-only", "not aligned"],
)
def test_what_does_not_suit_a_function_does_not_reach_it(points, found, message):
    with pytest.raises(TypeError, match=message):
        BOUNDS(points, found)


GREY = np.zeros((4, 6), np.uint8)
COLOURS = np.zeros((4, 6, 3), np.uint8)


@pytest.mark.parametrize(
    ("pixels", "stride"),
    [
        (GREY, 6),
        (GREY[:, :5], 6),
        (GREY[::2, 1:], 12),
        (GREY[:1, :5][::-1], 5),
        (GREY[:, :1][:, ::-1], 6),
        (COLOURS, 18),
        (COLOURS[:, 2:], 18),
        (COLOURS[1::2, :1], 36),
        (GREY[::-1], 0),
        (GREY[:, ::2], 0),
        (COLOURS[..., ::-1], 0),
        (COLOURS[:, ::-1], 0),
        (COLOURS[..., :2], 0),
        (COLOURS[..., 0], 0),
        (np.broadcast_to(GREY[0], (4, 6)), 0),
    ],
)
def test_rows_of_an_image_may_be_padded_but_are_in_order_as_their_pixels_are(pixels, stride):
    assert row_stride(pixels) == stride
    if stride:
        place, length, told = Rows().given(pixels, "a function")
        assert told == stride
        assert place == pixels.__array_interface__["data"][0]
        assert place + length == pixels[-1:].__array_interface__["data"][0] + pixels[0].size
    else:
        with pytest.raises(TypeError, match="a function takes rows of bytes one after the other, not uint8"):
            Rows().given(pixels, "a function")


@pytest.mark.parametrize("pixels", [GREY.astype(np.int8), GREY[0], GREY[:0], GREY.tolist(), None])
def test_what_is_no_image_of_bytes_has_no_rows(pixels):
    with pytest.raises(TypeError, match="takes rows of bytes"):
        Rows().given(pixels, "a function")


@pytest.mark.parametrize(("points", "found"), [(POINTS, 5), (POINTS[:0], 6), (POINTS.reshape(-1)[:4], 6)])
def test_lengths_that_do_not_belong_together_are_refused(points, found):
    with pytest.raises(ValueError, match=f"bounds: the lengths of the arrays do not .*: {points.size}, {found}"):
        BOUNDS(points, np.empty(found))


@pytest.mark.parametrize("values", [(POINTS,), (POINTS, np.empty(6), 1)], ids=["too few", "too many"])
def test_a_function_takes_all_of_its_parameters_and_no_more(values):
    with pytest.raises(TypeError, match=f"bounds takes 2 values, not {len(values)}"):
        BOUNDS(*values)


def test_whole_numbers_of_numpy_are_numbers_too():
    function = Function("metres_of_whole", Array(np.uint16), float, float, Array(np.float32, written=True))
    depth = np.empty(2, np.float32)
    function(np.array([1000, 2000], np.uint16), np.float32(0.5), np.float64(1e9), depth)
    assert depth.tolist() == [500, 1000]
    likely = Function(
        "likely_of_float", Array(np.float32), *[int] * 8, *[float] * 3, *[Array(np.float64, written=True)] * 2
    )
    assert (
        likely(
            np.zeros(0, np.float32),
            *[np.int64(value) for value in (0, 1, 1, 0, 1, -1, 0, 0)],
            0,
            1,
            1,
            *[np.empty(0)] * 2,
        )
        == 0
    )


def test_arrays_that_cannot_be_written_to_and_empty_ones_are_read():
    found = np.empty(6)
    frozen = np.array([[1, 2, 3], [3, 2, 1]], np.float32)
    frozen.setflags(write=False)
    BOUNDS(frozen, found)
    assert found.tolist() == [1, 2, 1, 3, 2, 3]
    bytes_to_read, bytes_to_write = Array(np.uint8), Array(np.uint8, written=True)
    few = np.zeros(3, np.uint8)
    few.setflags(write=False)
    assert bytes_to_read.pointer(few, "it") == few.ctypes.data
    with pytest.raises(TypeError, match="writeable"):
        bytes_to_write.pointer(few, "it")
    assert bytes_to_read.pointer(few[:0], "it") > 0


@pytest.mark.skipif(not shutil.which("g++"), reason="there is no compiler")
def test_it_compiles_without_a_warning():
    flags = ["-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", '-DSOURCES_DIGEST=""']
    done = subprocess.run(["g++", *flags, *sorted(SOURCES.glob("*.cpp"))], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
