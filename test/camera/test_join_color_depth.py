"""The camera driver join_color_depth."""

from dataclasses import replace

import numpy as np
import pytest

from vision_service.camera import DRIVERS
from vision_service.camera.extrinsics import extrinsics
from vision_service.camera.join_color_depth import JoinColorDepth, JoinColorDepthConfig
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud.projection import cloud_of
from vision_service.rendering.renderer import Renderer
from vision_service.rendering.scene import Camera, Scene, pinhole
from vision_service.resources import LocalResources
from vision_service.types import Frame

TRANSLATION, ROTATION = (0.04, -0.01, 0.005), (0.01, -0.03, 0.02)
"""Where the depth camera is, seen from the colour camera."""
SCENE = Scene.random(3, count=4, occlusion=0.3)
COLOR, DEPTH = pinhole(320, 240), replace(pinhole(256, 192), cx=120.0)
START, INTERVAL = 10**18, 33_000_000


class View:
    """A camera in a rendered scene."""

    def __init__(self, camera, intrinsics, source, *, calibrated=True, delay=0):
        self.sources = (source,)
        self.intrinsics = intrinsics if calibrated else None
        self.error = ""
        self._renderer = Renderer(replace(SCENE, camera=camera), intrinsics)
        self._number = 0
        self._delay = delay

    def read(self):
        if self.error:
            raise VisionError(ErrorCode.CAMERA_ERROR, self.error)
        seen = self._renderer.render(self._number * INTERVAL / 1e9)
        stamp = START + self._number * INTERVAL + self._delay
        self._number += 1
        parts = {"image": Image(seen.color)} if self.sources == ("color",) else {"depth": seen.depth}
        frame_id = f"{self.sources[0]}_optical_frame"
        return Frame(**parts, intrinsics=self.intrinsics, stamp=stamp, frame_id=frame_id)

    def close(self):
        pass


def beside(camera, motion):
    """The camera whose frame a motion takes to a camera's."""
    inverse = motion.inverse
    return Camera(camera.position + camera.rotation.T @ motion.translation, inverse.rotation @ camera.rotation)


class Still:
    """Gives one frame again and again."""

    def __init__(self, frame):
        self._frame = frame

    def read(self):
        return self._frame

    def close(self):
        pass


@pytest.fixture
def join():
    made = []

    def make(cameras, **values):
        resources = LocalResources({"camera": {name: lambda _, c=camera: c for name, camera in cameras.items()}})
        names = {"color_camera_name": "color", "depth_camera_name": "depth"}
        config = configure(JoinColorDepthConfig, {**names, **values}, of="the camera")
        made.append(JoinColorDepth(config, resources))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def views():
    there = beside(SCENE.camera, extrinsics(TRANSLATION, ROTATION, of="it"))
    return {"color": View(SCENE.camera, COLOR, "color"), "depth": View(there, DEPTH, "depth", delay=5_000_000)}


def refused(make, code=ErrorCode.INVALID_ARGUMENT):
    with pytest.raises(VisionError) as caught:
        make()
    assert caught.value.code == code
    return caught.value.message


def truth(number):
    return Renderer(SCENE, COLOR).render(number * INTERVAL / 1e9)


def test_it_is_a_driver_by_name():
    assert DRIVERS.get("join_color_depth") is JoinColorDepth


def test_depth_of_a_camera_beside_is_what_the_colour_camera_would_see(join, views):
    driver = join(views, translation=TRANSLATION, rotation=ROTATION)
    assert (driver.sources, driver.supports_pcd, driver.intrinsics) == (("color", "depth"), True, COLOR)
    last = -1
    for _ in range(3):
        frame = driver.read()
        number, rest = divmod(frame.stamp - START, INTERVAL)
        true = truth(number)
        assert (rest, frame.frame_id) == (0, "color_optical_frame")
        assert number > last
        last = number
        assert (frame.intrinsics, frame.depth_intrinsics) == (COLOR, None)
        np.testing.assert_array_equal(frame.image.rgb, true.color)
        both = ~np.isnan(frame.depth) & ~np.isnan(true.depth)
        assert both.mean() > 0.6
        assert (np.abs(frame.depth - true.depth)[both] < 0.01).mean() > 0.93


def test_its_points_have_the_colours_of_what_they_are_on(join, views):
    cloud = cloud_of(join(views, translation=TRANSLATION, rotation=ROTATION).read())
    assert cloud.xyz.shape == (240, 320, 3)
    assert cloud.rgb is not None


def test_with_extrinsics_that_are_zero_depth_stays_as_it_is(join):
    cameras = {"color": View(SCENE.camera, COLOR, "color"), "depth": View(SCENE.camera, COLOR, "depth")}
    frame = join(cameras, translation=[0, 0, 0]).read()
    np.testing.assert_allclose(frame.depth, truth(0).depth, rtol=1e-5)


def test_with_a_homography_depth_is_warped(join, views):
    doubled = join(views, homography=[2, 0, 0, 0, 2, 0, 0, 0, 1]).read()
    assert doubled.depth.shape == (240, 320)
    np.testing.assert_array_equal(doubled.depth[::2, ::2], views["depth"]._renderer.render(0).depth[:120, :160])


def test_without_both_depth_is_taken_as_it_is(join, views):
    frame = join(views).read()
    np.testing.assert_array_equal(frame.depth, views["depth"]._renderer.render(0).depth)
    assert (frame.intrinsics, frame.depth_intrinsics) == (COLOR, DEPTH)


def test_registered_depth_that_is_taken_as_it_is_belongs_to_the_image(join):
    cameras = {"color": View(SCENE.camera, COLOR, "color"), "depth": View(SCENE.camera, COLOR, "depth")}
    assert join(cameras).read().depth_intrinsics is None


def test_both_may_come_from_one_camera(join):
    seen = truth(0)
    frame = Frame(image=Image(seen.color), depth=seen.depth, intrinsics=COLOR, depth_intrinsics=COLOR)
    driver = join({"rgbd": Still(frame)}, color_camera_name="rgbd", depth_camera_name="rgbd", translation=[0, 0, 0.5])
    nearest = np.nanmin(driver.read().depth)
    assert nearest == pytest.approx(np.nanmin(seen.depth) + 0.5, abs=0.01)


# What goes wrong.


def test_images_without_a_partner_are_passed_over(join, views):
    views["depth"].read()
    views["depth"].read()
    assert join(views, translation=TRANSLATION).read().stamp == START + 2 * INTERVAL


def test_a_partner_that_is_always_too_late_is_an_error(join, views):
    views["depth"]._delay = INTERVAL // 2
    message = refused(join(views, tolerance=0.001).read, ErrorCode.CAMERA_ERROR)
    assert "the attribute 'tolerance' allows 0.001 s" in message


@pytest.mark.parametrize("name", ["color", "depth"])
def test_a_camera_that_dies_is_named_and_may_come_back(join, views, name):
    driver = join(views, translation=TRANSLATION)
    driver.read()
    views[name].error = "unplugged"

    def read_on():
        while True:  # what was read before still comes
            driver.read()

    assert refused(read_on, ErrorCode.CAMERA_ERROR) == f"camera {name!r}: unplugged"
    views[name].error = ""
    assert driver.read().depth is not None


@pytest.mark.parametrize("name", ["color", "depth"])
def test_extrinsics_take_the_intrinsics_of_both(join, views, name):
    views[name] = View(SCENE.camera, COLOR, name, calibrated=False)
    message = refused(join(views, translation=TRANSLATION).read, ErrorCode.NOT_CALIBRATED)
    assert f"camera {name!r} has no intrinsics" in message


def test_a_camera_that_has_not_what_is_wanted_is_refused(join, views):
    assert "'depth_camera_name': camera 'color' has no source 'depth', it has color" in refused(
        lambda: join(views, depth_camera_name="color")
    )


def test_a_camera_that_gives_no_depth_is_an_error(join, views):
    assert "camera 'blind' gives no depth" in refused(
        join({**views, "blind": Still(Frame(stamp=START))}, depth_camera_name="blind").read, ErrorCode.CAMERA_ERROR
    )


def test_extrinsics_and_a_homography_together_are_refused(join, views):
    assert "both extrinsics and a homography" in refused(
        lambda: join(views, translation=TRANSLATION, homography=[1, 0, 0, 0, 1, 0, 0, 0, 1])
    )


def test_a_camera_that_is_not_there_is_refused(join, views):
    assert "no camera 'colour': did you mean 'color'?" in refused(
        lambda: join(views, color_camera_name="colour"), ErrorCode.UNKNOWN_RESOURCE
    )


def test_a_cycle_is_refused():
    def maker(source):
        names = {"color_camera_name": source, "depth_camera_name": source}
        return lambda resources: JoinColorDepth(configure(JoinColorDepthConfig, names, of="it"), resources)

    resources = LocalResources({"camera": {"one": maker("two"), "two": maker("one")}})
    assert "cycle): one -> two -> one" in refused(lambda: resources.camera("one"))
