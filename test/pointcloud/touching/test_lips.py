"""What is low, small and of one colour with what it touches is its lip or foot."""

import numpy as np
import pytest

from touching_scenes import Cylinder, seen
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching.splitting import Rules, split

BOWL = Cylinder((0, 0), 0.06, 0.1)
BRIM = Cylinder((0, -0.012), 0.06, 0.012)


@pytest.mark.parametrize(("colour", "count"), [((205, 200, 120), 1), ((30, 40, 160), 2)])
def test_a_brim_belongs_to_the_bowl_if_it_has_its_colour(colour, count):
    scene = seen(BOWL, BRIM, width=640, height=480, noise=0.0005)
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)
    foreground = plane.heights(scene.xyz.reshape(-1, 3)).reshape(scene.numbers.shape) > 0.005
    rgb = np.array([(160, 140, 130), (200, 200, 130), colour], np.uint8)[scene.numbers]
    labels = split(scene.xyz, foreground, plane, Rules(min_points=100), rgb)
    assert len(np.unique(labels[labels > 0])) == count
