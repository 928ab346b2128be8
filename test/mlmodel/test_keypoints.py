"""What keypoints are called, and which are joined."""

import pytest

from vision_service.mlmodel.decoders.anchors import FACE_NAMES, BlazeFaceDecoder
from vision_service.mlmodel.decoders.grids import GridDecoder
from vision_service.mlmodel.decoders.rows import RowsDecoder
from vision_service.mlmodel.keypoints import COCO, COCO_SKELETON, names_and_skeleton


def people(count: int = 17):
    return GridDecoder("x", 1, keypoints=(count, 3))


def test_17_keypoints_are_coco_s_people():
    assert names_and_skeleton(people(), {}) == (COCO, COCO_SKELETON)
    assert names_and_skeleton(RowsDecoder("x", keypoints=(17, 2)), {}) == (COCO, COCO_SKELETON)
    assert len(COCO) == 17
    assert {place for pair in COCO_SKELETON for place in pair} == set(range(17))


@pytest.mark.parametrize("said", [["a", "b", "c"], {0: ["a", "b", "c"]}, ("a", "b", "c")])
def test_the_file_s_names_go_before(said):
    assert names_and_skeleton(people(3), {"kpt_names": said}) == (("a", "b", "c"), ())


@pytest.mark.parametrize("said", [None, ["a"], {}, "abc", 3])
def test_others_are_numbered(said):
    assert names_and_skeleton(people(3), {"kpt_names": said}) == (("0", "1", "2"), ())


def test_a_file_may_call_people_s_keypoints_otherwise():
    other = [name.upper() for name in COCO]
    assert names_and_skeleton(people(), {"kpt_names": other}) == (tuple(other), COCO_SKELETON)


def test_faces_have_six_and_others_none():
    assert names_and_skeleton(BlazeFaceDecoder("a", "b"), {}) == (FACE_NAMES, ())
    assert names_and_skeleton(GridDecoder("x", 1), {"kpt_names": ["a"]}) == ((), ())
    assert names_and_skeleton(object(), {}) == ((), ())
