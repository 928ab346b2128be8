"""Which detections have a size that makes sense."""

from vision_service.areas import AreaFilter
from vision_service.types import Detection


def test_boxes_of_sizes_that_make_no_sense_are_left_out():
    small, large, dog = (
        Detection("cat", 0.9, 0, 0, 10, 10),
        Detection("cat", 0.8, 0, 0, 50, 100),
        Detection("Dog", 0.7, 0, 0, 100, 100),
    )
    found, size = [small, large, dog], (100, 100)
    assert AreaFilter(0, 1, {}, {})(found, size) == found
    assert AreaFilter(0.05, 1, {}, {})(found, size) == [large, dog]
    assert AreaFilter(0, 0.5, {}, {})(found, size) == [small, large]
    assert AreaFilter(0, 0.5, {}, {"dog": 1.0})(found, size) == found
    assert AreaFilter(0, 1, {"CAT": 0.2}, {})(found, size) == [large, dog]
