"""What Video4Linux says of cameras. There is none on most machines that run this: the kernel's headers speak instead.

A C program, where there is a compiler, fills in the kernel's own structures and writes their bytes; a second one tells
the numbers of the questions.
"""

import ctypes
import shutil
import struct
import subprocess

import pytest

from vision_service.camera import v4l2

SIZES = {
    v4l2.Capability: 104,
    v4l2.FormatDescription: 64,
    v4l2.FrameSize: 44,
    v4l2.FrameInterval: 52,
}
"""Bytes, as in linux/videodev2.h."""
REQUESTS = {
    "VIDIOC_QUERYCAP": v4l2.QUERYCAP,
    "VIDIOC_ENUM_FMT": v4l2.ENUM_FMT,
    "VIDIOC_ENUM_FRAMESIZES": v4l2.ENUM_FRAMESIZES,
    "VIDIOC_ENUM_FRAMEINTERVALS": v4l2.ENUM_FRAMEINTERVALS,
}
HEAD = "#include <linux/videodev2.h>\n#include <stdio.h>\n#include <string.h>\nint main(void) {\n"


@pytest.fixture(scope="module")
def run_c(tmp_path_factory):
    """Runs the body of a C program and returns the bytes that it writes."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to read the kernel's headers with")
    folder = tmp_path_factory.mktemp("c")

    def run(body):
        (folder / "program.c").write_text(f"{HEAD}{body}\nreturn 0; }}")
        built = subprocess.run(
            [compiler, "program.c", "-o", "program"], cwd=folder, capture_output=True, text=True, check=False
        )
        if "linux/videodev2.h" in built.stderr:
            pytest.skip("the kernel's headers are not installed")
        assert built.returncode == 0, built.stderr
        return subprocess.run([folder / "program"], capture_output=True, check=True).stdout

    return run


def filled(run_c, structure, kind, *statements):
    """Return a structure of ours as the C program has filled in the kernel's."""
    body = f"struct {kind} s; memset(&s, 0, sizeof s); {' '.join(statements)} fwrite(&s, sizeof s, 1, stdout);"
    return structure.from_buffer_copy(run_c(body))


@pytest.mark.parametrize(("structure", "size"), SIZES.items())
def test_structures_have_the_kernel_s_sizes(structure, size):
    assert ctypes.sizeof(structure) == size


def test_requests_have_the_numbers_of_this_machine_s_headers(run_c):
    told = run_c("".join(f'printf("%lu\\n", (unsigned long){name});' for name in REQUESTS))
    assert [int(line) for line in told.split()] == list(REQUESTS.values())


def test_requests_have_the_numbers_that_every_x86_and_arm_has():
    assert [hex(number) for number in REQUESTS.values()] == ["0x80685600", "0xc0405602", "0xc02c564a", "0xc034564b"]


def test_a_device_describes_itself(run_c):
    capability = filled(
        run_c, v4l2.Capability, "v4l2_capability",
        'strcpy((char*)s.driver, "uvcvideo"); strcpy((char*)s.card, "Caméra HD");',
        'strcpy((char*)s.bus_info, "usb-0000:00:14.0-1");',
        "s.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_META_CAPTURE | V4L2_CAP_DEVICE_CAPS;",
        "s.device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;",
    )  # fmt: skip
    device = v4l2.describe("/dev/video0", "/dev/v4l/by-id/usb-Camera", capability, ())
    assert device == v4l2.Device(
        "/dev/video0", "/dev/v4l/by-id/usb-Camera", "Caméra HD", "uvcvideo", "usb-0000:00:14.0-1"
    )


def test_a_node_of_metadata_is_no_camera_though_its_device_is_one(run_c):
    capability = filled(
        run_c, v4l2.Capability, "v4l2_capability",
        "s.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_META_CAPTURE | V4L2_CAP_DEVICE_CAPS;",
        "s.device_caps = V4L2_CAP_META_CAPTURE;",
    )  # fmt: skip
    assert v4l2.describe("/dev/video1", "", capability, ()) is None


def test_an_old_driver_speaks_of_the_whole_device(run_c):
    capability = filled(run_c, v4l2.Capability, "v4l2_capability", "s.capabilities = V4L2_CAP_VIDEO_CAPTURE;")
    assert v4l2.describe("/dev/video0", "", capability, ()) is not None


def test_formats_bear_the_kernel_s_letters(run_c):
    found = filled(
        run_c, v4l2.FormatDescription, "v4l2_fmtdesc",
        's.pixelformat = V4L2_PIX_FMT_MJPEG; strcpy((char*)s.description, "Motion-JPEG");',
    )  # fmt: skip
    assert (v4l2.fourcc_of(found.pixelformat), found.description) == ("MJPG", b"Motion-JPEG")
    assert v4l2.fourcc_of(struct.unpack("<I", b"Y16 ")[0] | 1 << 31) == "Y16 "


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("V4L2_PIX_FMT_YUV420", "YU12"),
        ("V4L2_PIX_FMT_YUV444M", "YM24"),
        ("V4L2_PIX_FMT_MJPEG", "MJPG"),
        ("V4L2_PIX_FMT_NV12", "NV12"),
        ("V4L2_PIX_FMT_NV21", "NV21"),
        ("V4L2_PIX_FMT_RGBA32", "AB24"),
        ("V4L2_PIX_FMT_UYVY", "UYVY"),
        ("V4L2_PIX_FMT_YUYV", "YUYV"),
        ("V4L2_PIX_FMT_Z16", "Z16 "),
    ],
)
def test_the_letters_of_our_formats_are_the_kernel_s(run_c, name, letters):
    assert v4l2.fourcc_of(int(run_c(f'printf("%u", {name});'))) == letters


def test_one_size_and_its_rates(run_c):
    size = filled(
        run_c, v4l2.FrameSize, "v4l2_frmsizeenum",
        "s.type = V4L2_FRMSIZE_TYPE_DISCRETE; s.discrete.width = 640; s.discrete.height = 480;",
    )  # fmt: skip
    interval = filled(
        run_c, v4l2.FrameInterval, "v4l2_frmivalenum",
        "s.type = V4L2_FRMIVAL_TYPE_DISCRETE; s.discrete.numerator = 1; s.discrete.denominator = 30;",
    )  # fmt: skip
    assert v4l2.mode_of(size, v4l2.rates_of(interval)) == v4l2.Mode(640, 480, (30.0,))


def test_a_range_of_sizes_and_rates(run_c):
    size = filled(
        run_c, v4l2.FrameSize, "v4l2_frmsizeenum", "s.type = V4L2_FRMSIZE_TYPE_STEPWISE;",
        "s.stepwise.min_width = 32; s.stepwise.max_width = 1920; s.stepwise.step_width = 2;",
        "s.stepwise.min_height = 16; s.stepwise.max_height = 1080; s.stepwise.step_height = 4;",
    )  # fmt: skip
    interval = filled(
        run_c, v4l2.FrameInterval, "v4l2_frmivalenum", "s.type = V4L2_FRMIVAL_TYPE_CONTINUOUS;",
        "s.stepwise.min.numerator = 1; s.stepwise.min.denominator = 60;",
        "s.stepwise.max.numerator = 1; s.stepwise.max.denominator = 5;",
    )  # fmt: skip
    mode = v4l2.mode_of(size, v4l2.rates_of(interval))
    assert mode == v4l2.Mode(1920, 1080, (60.0, 5.0), smallest=(32, 16))
    assert str(mode) == "32×16 to 1920×1080 at 60, 5 Hz"


def test_a_range_offers_all_within_it():
    mode = v4l2.Mode(1920, 1080, smallest=(32, 16))
    assert mode.offers(640, 480)
    assert mode.offers(0, 1080)
    assert not mode.offers(1921, 480)
    assert not mode.offers(640, 8)
    assert not v4l2.Mode(640, 480).offers(320, 240)
    assert v4l2.Mode(640, 480).offers(0, 0)


def test_what_is_no_camera_is_none(tmp_path):
    (tmp_path / "video0").write_bytes(b"a file that is called like a camera")
    assert v4l2.device_at(tmp_path / "video0") is None
    assert v4l2.device_at("/dev/null") is None
    assert v4l2.device_at(tmp_path) is None
    assert v4l2.device_at(tmp_path / "absent") is None
    assert v4l2.cameras(tmp_path) == []


def test_a_camera_is_shown_in_a_line():
    kinds = (v4l2.PixelFormat("MJPG", "Motion-JPEG"), v4l2.PixelFormat("YUYV", "YUYV 4:2:2"))
    assert str(v4l2.Device("/dev/video0", name="HD", formats=kinds)) == "/dev/video0 (HD: MJPG, YUYV)"
    assert str(v4l2.Device("/dev/video2", problem="cannot be opened")) == "/dev/video2 (cannot be opened)"
