"""The camera driver join_pointclouds."""

import numpy as np
import pytest

import testdata
from vision_service.camera import DRIVERS
from vision_service.camera.extrinsics import extrinsics
from vision_service.camera.image_file import ImageFile, ImageFileConfig
from vision_service.camera.join_pointclouds import JoinPointclouds, JoinPointcloudsConfig
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.pcd import read_pcd, write_pcd
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud


class Lidar:
    """Gives the same cloud again and again."""

    sources = ()
    supports_pcd = True

    def __init__(self, xyz, rgb=None, frame_id="", stamp=0):
        self.error = ""
        self._frame = Frame(cloud=PointCloud(np.asarray(xyz, np.float32), rgb), frame_id=frame_id, stamp=stamp)

    def read(self):
        if self.error:
            raise VisionError(ErrorCode.CAMERA_ERROR, self.error)
        return self._frame

    def close(self):
        pass


@pytest.fixture
def join():
    made = []

    def make(cameras, **values):
        resources = LocalResources({"camera": {name: lambda _, c=camera: c for name, camera in cameras.items()}})
        config = configure(JoinPointcloudsConfig, {"source_cameras": list(cameras), **values}, of="the camera")
        made.append(JoinPointclouds(config, resources))
        return made[-1]

    yield make
    for each in made:
        each.close()


def refused(make, code=ErrorCode.INVALID_ARGUMENT):
    with pytest.raises(VisionError) as caught:
        make()
    assert caught.value.code == code
    return caught.value.message


def test_it_is_a_driver_by_name():
    assert DRIVERS.get("join_pointclouds") is JoinPointclouds


def test_each_cloud_is_moved_to_where_its_camera_is(join):
    cameras = {"front": Lidar([[1, 0, 0]]), "back": Lidar([[1, 0, 0], [np.nan] * 3])}
    driver = join(cameras, **{"front.translation": [0, 0, 1], "back.rotation": [0, 0, np.pi], "target_frame": "base"})
    assert (driver.sources, driver.supports_pcd) == ((), True)
    frame = driver.read()
    np.testing.assert_allclose(frame.cloud.xyz, [[1, 0, 1], [-1, 0, 0]], atol=1e-6)
    assert frame.frame_id == "base"
    assert frame.image is None


def test_stamp_and_frame_are_those_of_the_first_camera(join):
    cameras = {
        "front": Lidar([[1, 0, 0]], frame_id="a", stamp=10**18),
        "back": Lidar([[1, 0, 0]], frame_id="a", stamp=10**18 + 90_000_000),
    }
    frame = join(cameras).read()
    assert (frame.stamp, frame.frame_id) == (10**18, "a")


def test_the_cloud_tells_where_its_cameras_are(join):
    left, right = Lidar([[0, 0, 1]]), Lidar([[0, 0, 2]])
    places = {"left.translation": [1.0, 2.0, 3.0], "right.translation": [0.0, 0.0, 0.5]}
    cloud = join({"left": left, "right": right}, **places).read().cloud
    assert cloud.viewpoints == ((1.0, 2.0, 3.0), (0.0, 0.0, 0.5))
    unknown = join({"left": left, "right": right}).read().cloud.viewpoints
    assert len(unknown) == 2
    assert np.isnan(unknown).all()
    assert join({"left": left}).read().cloud.viewpoints == ()


def test_clouds_too_far_apart_in_time_are_not_joined(join):
    cameras = {"front": Lidar([[1, 0, 0]], stamp=10**18), "back": Lidar([[1, 0, 0]], stamp=10**18 + 90_000_000)}
    assert "the attribute 'tolerance' allows 0.05 s" in refused(
        join(cameras, tolerance=0.05).read, ErrorCode.CAMERA_ERROR
    )


def test_points_of_another_frame_without_a_transform_are_an_error(join):
    cameras = {"front": Lidar([[1, 0, 0]], frame_id="front"), "back": Lidar([[1, 0, 0]], frame_id="back")}
    message = refused(join(cameras).read, ErrorCode.NO_TRANSFORM)
    assert "camera 'back' are in the frame 'back', not in 'front'" in message
    assert "'back.translation'" in message
    assert len(join(cameras, **{"back.translation": [0, 0, 0]}).read().cloud) == 2


def test_colours_are_kept_where_all_have_them(join):
    rgb = np.full((1, 3), 9, np.uint8)
    assert join({"a": Lidar([[1, 0, 0]], rgb), "b": Lidar([[2, 0, 0]], rgb)}).read().cloud.rgb.shape == (2, 3)
    assert join({"a": Lidar([[1, 0, 0]], rgb), "b": Lidar([[2, 0, 0]])}).read().cloud.rgb is None


def test_points_near_kept_ones_are_left_out(join):
    cameras = {"a": Lidar([[1, 0, 0]]), "b": Lidar([[1.005, 0, 0], [1.02, 0, 0]])}
    np.testing.assert_allclose(join(cameras, proximity_threshold=0.01).read().cloud.xyz[:, 0], [1, 1.02])


def test_a_camera_that_dies_is_named_and_may_come_back(join):
    cameras = {"front": Lidar([[1, 0, 0]]), "back": Lidar([[1, 0, 0]])}
    driver = join(cameras)
    driver.read()
    cameras["back"].error = "unplugged"

    def read_on():
        while True:  # what was read before still comes
            driver.read()

    assert refused(read_on, ErrorCode.CAMERA_ERROR) == "camera 'back': unplugged"
    cameras["back"].error = ""
    assert len(driver.read().cloud) == 2


def test_depth_cameras_have_points_too(join):
    def synthetic(seed):
        config = configure(SyntheticConfig, {"width_px": 64, "height_px": 48, "seed": seed}, of="it")
        return Synthetic(config, LocalResources())

    cloud = join({"one": synthetic(1), "other": synthetic(2)}).read().cloud
    assert len(cloud) > 3000
    assert cloud.rgb is not None


def test_a_camera_without_depth_is_an_error_that_names_it(join):
    class Image(Lidar):
        def __init__(self):
            self.error = ""
            self._frame = Frame()

    assert "'image'" in refused(join({"image": Image()}).read, ErrorCode.NO_DEPTH)


@pytest.mark.parametrize("method", ["naive", "icp"])
def test_a_real_cloud_is_split_and_joined_again(join, tmp_path, method):
    whole = read_pcd(testdata.path("clouds/table_scene_mug_stereo_textured.pcd"))
    known = np.isfinite(whole.xyz.reshape(-1, 3)).all(axis=1)
    xyz, rgb = whole.xyz.reshape(-1, 3)[known], None if whole.rgb is None else whole.rgb.reshape(-1, 3)[known]
    translation, rotation = (0.3, -0.2, 0.1), (0.1, 0.2, -0.3)
    place = extrinsics(translation, rotation, of="it")
    parts = {"even": xyz[::2], "odd": place.inverse.apply(xyz[1::2])}
    cameras = {}
    for number, (name, points) in enumerate(parts.items()):
        file = tmp_path / f"{name}.pcd"
        file.write_bytes(write_pcd(PointCloud(points, None if rgb is None else rgb[number::2])))
        config = configure(ImageFileConfig, {"pointcloud_file_path": str(file)}, of="it")
        cameras[name] = ImageFile(config, LocalResources())
    # What icp has to find: the camera is not quite where it is said to be.
    given = translation if method == "naive" else (0.31, -0.21, 0.11)
    values = {"odd.translation": given, "odd.rotation": rotation, "merge_method": method}
    joined = join(cameras, **values).read().cloud
    assert len(joined) == len(xyz)
    half = len(parts["even"])
    np.testing.assert_array_equal(joined.xyz[:half], xyz[::2])
    misses = np.linalg.norm(joined.xyz[half:] - xyz[1::2], axis=1)
    assert misses.mean() < (1e-5 if method == "naive" else 0.002)
    if rgb is not None:
        np.testing.assert_array_equal(joined.rgb, np.concatenate([rgb[::2], rgb[1::2]]))


# What cannot be configured.


def test_no_cameras_or_one_twice_is_refused(join):
    assert "'source_cameras' is empty" in refused(lambda: join({}))
    assert "names a twice" in refused(lambda: join({"a": Lidar([])}, source_cameras=["a", "a"]))


def test_what_stands_below_a_camera_is_checked(join):
    cameras = {"front": Lidar([])}
    assert "translation of camera 'front' must be 3 numbers" in refused(
        lambda: join(cameras, **{"front.translation": [1.0]})
    )
    assert "unknown attribute 'translate': did you mean 'translation'?" in refused(
        lambda: join(cameras, **{"front.translate": [1.0, 0.0, 0.0]})
    )
    assert "did you mean 'front.rotation'?" in refused(lambda: join(cameras, **{"frnt.rotation": [0.0, 0.0, 0.0]}))


def test_cameras_that_are_not_there_or_have_no_points_are_refused(join):
    assert "no camera 'side'" in refused(
        lambda: join({"front": Lidar([])}, source_cameras=["front", "side"]), ErrorCode.UNKNOWN_RESOURCE
    )
    blind = Lidar([])
    blind.sources, blind.supports_pcd = ("color",), False
    assert "camera 'blind' has colour images only" in refused(lambda: join({"blind": blind}))


def test_a_cycle_is_refused():
    def maker(source):
        config = configure(JoinPointcloudsConfig, {"source_cameras": [source]}, of="it")
        return lambda resources: JoinPointclouds(config, resources)

    resources = LocalResources({"camera": {"one": maker("two"), "two": maker("one")}})
    assert "cycle): one -> two -> one" in refused(lambda: resources.camera("one"))
