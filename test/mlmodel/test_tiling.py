"""Small objects in large images."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import testdata
from vision_service.configuration import configure
from vision_service.errors import VisionError
from vision_service.image import Image
from vision_service.mlmodel.tiling import Tile, cut, merged, moved, tiles_of
from vision_service.resources import LocalResources
from vision_service.types import Detection, DetectionExtra, Frame, InstanceMask, Keypoint, OrientedBox
from vision_service.vision.mlmodel import MLModel

FACES = Path(__file__).parents[3] / "shared/model_forms/licensed/ultraface"


# Tiles.


@given(
    st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 6), st.integers(1, 6), st.sampled_from([0.0, 0.2, 0.5])
)
def test_tiles_cover_the_image_and_nothing_else(width, height, columns, rows, overlap):
    tiles = tiles_of((width, height), (columns, rows), overlap)
    assert len(tiles) == columns * rows
    for start, length, size in (("left", "width", width), ("top", "height", height)):
        spans = sorted({(getattr(tile, start), getattr(tile, length)) for tile in tiles})
        assert spans[0][0] == 0
        assert sum(spans[-1]) == size
        for (first, long), (second, _) in itertools.pairwise(spans):
            assert second <= first + long


def test_neighbours_overlap_by_the_given_part():
    first, second = tiles_of((180, 100), (2, 1), 0.2)
    assert first == Tile(0, 0, 100, 100)
    assert second == Tile(80, 0, 100, 100)


def test_a_tile_has_the_image_s_pixels():
    pixels = np.arange(60, dtype=np.uint8).reshape(6, 10)
    assert (cut(Image(pixels, "mono8"), Tile(3, 2, 4, 3)).pixels == pixels[2:5, 3:7]).all()


def test_what_a_tile_shows_is_moved_with_all_that_belongs_to_it():
    extra = DetectionExtra(
        OrientedBox(5, 6, 4, 2, 0.5), InstanceMask(3, 4, 2, 1, (0, 2)), (Keypoint("nose", 5, 5, 0.5),)
    )
    (found,) = moved([Detection("cat", 0.5, 3, 4, 7, 8, extra=extra)], Tile(100, 50, 20, 20), (400, 300))
    assert (found.x_min, found.y_min, found.x_max, found.y_max) == (103, 54, 107, 58)
    assert found.extra == DetectionExtra(
        OrientedBox(105, 56, 4, 2, 0.5), InstanceMask(103, 54, 2, 1, (0, 2)), (Keypoint("nose", 105, 55, 0.5),)
    )


@pytest.mark.parametrize(
    ("box", "tile", "kept"),
    [
        ((0, 5, 5, 9), Tile(0, 0, 20, 20), True),  # at the image's own edge
        ((1, 5, 5, 9), Tile(10, 0, 20, 20), False),
        ((5, 5, 19, 9), Tile(0, 0, 20, 20), False),
        ((5, 5, 19, 9), Tile(20, 0, 20, 20), True),
        ((5, 0, 9, 5), Tile(0, 20, 20, 20), False),
        ((5, 5, 9, 20), Tile(0, 0, 20, 20), False),
    ],
)
def test_what_an_inner_edge_cuts_off_is_left_to_the_next_tile(box, tile, kept):
    assert bool(moved([Detection("cat", 0.5, *box)], tile, (40, 40))) == kept


def test_an_object_in_two_tiles_is_one_and_the_best_are_first():
    cat, same, dog = (
        Detection("cat", 0.6, 0, 0, 10, 10, class_index=0),
        Detection("cat", 0.8, 0, 0, 10, 9, class_index=0),
        Detection("dog", 0.7, 0, 0, 10, 10, class_index=1),
    )
    assert merged([cat, same, dog], 0.5, "per_class", 0) == [same, dog]
    assert merged([cat, same, dog], 0.5, "class_agnostic", 0) == [same]
    assert merged([cat, same, dog], 0.5, "per_class", 1) == [same]
    assert merged([], 0.5, "per_class", 0) == []


def faces(image: Image, **values) -> list[Detection]:
    if not FACES.exists():
        pytest.skip("../shared/model_forms is not there")
    values |= {
        "model_path": str(FACES / "version-RFB-320.onnx"),
        "label_path": str(FACES / "labels.txt"),
        "default_minimum_confidence": 0.7,
    }
    model = MLModel(configure(MLModel.Config, values, of="it"), LocalResources())
    return model.detect(Frame(image=image))


def test_small_faces_in_a_large_image_are_found_in_tiles_and_each_once():
    people = testdata.image("images/face.jpg").rgb
    wide = np.full((4 * people.shape[0], 4 * people.shape[1], 3), 128, np.uint8)
    top, left = people.shape[0] // 2, people.shape[1] // 2
    wide[top : top + people.shape[0], left : left + people.shape[1]] = people
    wanted = faces(Image(people))
    assert len(wanted) == 4
    assert len(faces(Image(wide))) < 4
    found = faces(Image(wide), tiles=[4, 4], tile_overlap=0.4)
    assert len(found) == 4
    for face in wanted:
        assert any(
            abs(other.x_min - left - face.x_min) < 15 and abs(other.y_max - top - face.y_max) < 15 for other in found
        )


def test_a_grid_needs_two_numbers():
    with pytest.raises(VisionError, match="'tiles' needs two numbers"):
        faces(Image(np.zeros((8, 8, 3), np.uint8)), tiles=[4])
