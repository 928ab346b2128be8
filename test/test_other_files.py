"""What is said of a file that was taken for an image and is none."""

import numpy as np
import pytest

from vision_service.errors import VisionError
from vision_service.image import decode
from vision_service.other_files import other_file
from vision_service.pointcloud.pcd import write_pcd
from vision_service.types import PointCloud


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "avi"])
def test_a_video_is_for_a_camera(tmp_path, ending):
    av = pytest.importorskip("av", reason="no videos: PyAV is not installed")
    path = tmp_path / f"clip.{ending}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    with pytest.raises(VisionError, match="a video, not an image: a camera with 'driver: video' plays it"):
        decode(path.read_bytes())


def test_a_point_cloud_is_for_another_command():
    data = write_pcd(PointCloud(np.zeros((3, 3), np.float32)))
    assert other_file(data) == "a point cloud, not an image: vision-service segment finds objects in it"


@pytest.mark.parametrize(("kind", "name"), [(b"heic", "HEIC"), (b"mif1", "HEIC"), (b"avif", "AVIF")])
def test_an_image_that_is_not_read_is_to_be_converted(kind, name):
    assert f"{name} image, which is not read" in other_file(b"\0\0\0\x18ftyp" + kind + bytes(8))


@pytest.mark.parametrize("data", [b"", b"notes", b"RIFF\0\0\0\0WEBPVP8 ", b"\xff\xd8\xff\xe0"])
def test_of_anything_else_nothing_is_known(data):
    assert other_file(data) == ""
