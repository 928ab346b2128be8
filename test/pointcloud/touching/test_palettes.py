"""How alike the colours of two sets of pixels are."""

import numpy as np
import pytest

from vision_service.pointcloud.touching.palettes import shared

RED, BLUE, WHITE = (50, 60, 40), (40, 20, -60), (95, 0, 0)


def pixels(*colors, each=100):
    noise = np.random.default_rng(0).normal(0, 2, (each * len(colors), 3))
    return (np.repeat(np.array(colors, float), each, axis=0) + noise).astype(np.float32)


def test_the_same_colours_are_shared_and_others_not():
    assert shared(pixels(RED), pixels(RED)) == (1, 1)
    assert shared(pixels(RED), pixels(BLUE)) == (0, 0)


def test_of_print_the_share_that_both_have_counts():
    assert shared(pixels(RED, WHITE), pixels(BLUE, WHITE)) == pytest.approx((0.5, 0.5), abs=0.05)
    assert shared(pixels(WHITE), pixels(BLUE, WHITE)) == pytest.approx((1, 0.5), abs=0.05)


def test_a_few_stray_pixels_make_nothing_alike():
    strays = np.concatenate([pixels(RED), pixels(BLUE, each=2)])
    assert max(shared(strays, pixels(BLUE))) < 0.05


def test_one_pixel_each_is_enough():
    assert shared(pixels(RED, each=1), pixels(RED, each=1)) == (1, 1)
