"""Which output of a detector means what: evidence in a fixed order, and what the user says before all."""

from itertools import permutations

import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.roles import find_roles, named_roles, role_of
from vision_service.mlmodel.runtime import Hints, TensorInfo

TENSORS = {
    "boxes": np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.9, 0.9], [0.0, 0.0, 1.0, 1.0]]], np.float32),
    "classes": np.array([[4, 0, 2]], np.float32),
    "scores": np.array([[0.9, 0.6, 0.25]], np.float32),
    "count": np.array([3], np.float32),
}
"""A detector's outputs by role."""


def find(names, order=tuple(TENSORS), proven=False, titles=None, tensors=TENSORS, remap=None) -> dict[str, str]:
    """The roles of a detector whose outputs, by role, have these names and stand in this order."""
    outputs = [
        TensorInfo(
            names[role],
            tensors[role].dtype.name,
            (),
            role=role if proven else "",
            hints=Hints(title=(titles or {}).get(role, "")),
        )
        for role in order
    ]
    probe = {names[role]: tensors[role] for role in order}
    return find_roles(outputs, probe, named_roles(outputs, remap or {}))


def without_meaning(roles) -> dict[str, str]:
    return {role: f"Identity_{number}" for number, role in enumerate(roles)}


@pytest.mark.parametrize("order", list(permutations(TENSORS)))
@pytest.mark.parametrize(
    "names",
    [
        ("boxes", "classes", "scores", "count"),
        ("location", "category", "score", "number of detections"),
        ("location", "category", "score", "n_detections"),
        ("detection_boxes", "detection_classes", "detection_scores", "num_detections"),
        ("detection_boxes:0", "detection_classes:0", "detection_scores:0", "num_detections:0"),
        ("a/Boxes", "a/Classes", "a/Scores", "a/Count"),
        ("X", "X:1", "X:2", "X:3"),
        ("TFLite_Detection_PostProcess", *(f"TFLite_Detection_PostProcess:{number}" for number in (1, 2, 3))),
        ("StatefulPartitionedCall:3", *(f"StatefulPartitionedCall:{number}" for number in (2, 1, 0))),
        ("Identity", "Identity_1", "Identity_2", "Identity_3"),  # only the values tell
    ],
)
def test_roles_do_not_depend_on_the_order_of_the_outputs(names, order):
    by_role = dict(zip(TENSORS, names, strict=True))
    assert find(by_role, order=order) == by_role


def test_what_the_file_proves_goes_before_names_and_names_before_values():
    misleading = {"boxes": "boxes", "classes": "scores", "scores": "classes", "count": "count"}
    assert find(misleading, proven=True) == misleading
    assert find(misleading) == {role: role for role in TENSORS}


def test_names_go_before_what_the_metadata_say_and_the_metadata_before_numbers():
    wrong = {"boxes": "location", "classes": "score", "scores": "category", "count": "number of detections"}
    assert find({role: role for role in TENSORS}, titles=wrong) == {role: role for role in TENSORS}
    right = {"boxes": "location", "classes": "category", "scores": "score", "count": "number of detections"}
    numbered = {"boxes": "X", "classes": "X:2", "scores": "X:1", "count": "X:3"}
    assert find(numbered, titles=right) == numbered
    assert find(numbered) == {**numbered, "classes": "X:1", "scores": "X:2"}


def test_evidence_that_contradicts_the_shapes_does_not_count():
    names = {"boxes": "scores", "classes": "classes", "scores": "boxes", "count": "count"}
    assert find(names) == names


def test_values_that_do_not_tell_classes_from_scores_tell_nothing():
    tensors = {**TENSORS, "scores": np.zeros((1, 3), np.float32)}
    assert find(without_meaning(TENSORS), tensors=tensors) == {}


def test_a_detector_may_do_without_classes_and_count():
    for left in (("boxes", "scores"), ("boxes", "scores", "classes"), ("boxes", "scores", "count")):
        names = {role: role for role in left}
        assert find(names, order=left) == names


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 5), (1, 5, 3), (3, 5), (3,)])
def test_scores_without_classes_are_one_or_one_for_each_class_at_each_box(shape):
    tensors = {"boxes": TENSORS["boxes"], "scores": np.zeros(shape, np.float32)}
    names = {"boxes": "boxes", "scores": "scores"}
    assert find(names, order=("boxes", "scores"), tensors=tensors) == names


def test_two_outputs_are_no_detector_by_their_shapes_alone():
    tensors = {"boxes": TENSORS["boxes"], "scores": np.zeros((1, 3, 5), np.float32)}
    assert find(without_meaning(tensors), order=tuple(tensors), tensors=tensors) == {}


def test_further_outputs_do_not_disturb_roles_that_names_tell():
    more = {**TENSORS, "raw": np.zeros((1, 50, 4), np.float32), "anchors": np.zeros((1, 3), np.float32)}
    names = {role: role for role in more} | {"raw": "raw_detection_boxes", "anchors": "detection_anchor_indices"}
    assert find(names, order=tuple(more), tensors=more) == {role: role for role in TENSORS}


@pytest.mark.parametrize("order", list(permutations(("boxes", "classes", "scores"))))
def test_the_user_s_names_are_found_in_any_order(order):
    names = without_meaning(TENSORS)
    remap = {names["boxes"]: "location", names["classes"]: "category", names["scores"]: "score"}
    assert find(names, order=order, remap=remap) == {role: names[role] for role in ("boxes", "classes", "scores")}


def test_what_the_user_says_goes_before_what_the_file_proves():
    names = {role: role for role in TENSORS}
    swapped = find(names, proven=True, remap={"scores": "category", "classes": "score"})
    assert swapped == {**names, "classes": "scores", "scores": "classes"}


def test_roles_that_the_user_leaves_out_are_found():
    tensors = {**TENSORS, "scores": np.zeros((1, 3), np.float32)}
    names = without_meaning(TENSORS)
    assert find(names, tensors=tensors, remap={names["scores"]: "score"}) == {}  # both could be the classes
    assert find(names, remap={names["boxes"]: "location"}) == names
    numbered = {"boxes": "X", "classes": "X:1", "scores": "X:2", "count": "X:3"}
    assert find(numbered, remap={"X:2": "score"}) == numbered


@pytest.mark.parametrize(
    ("remap", "said"),
    [
        ({"Identity_7": "score"}, "no output 'Identity_7': did you mean"),
        ({"score": "Identity_2"}, "the tensor's name comes first: 'remap_output_names.Identity_2: score'"),
        ({"Identity_2": "confidence"}, "'confidence', for the output 'Identity_2', means nothing: give location"),
        ({"Identity_2": "score", "Identity_1": "scores"}, "both 'Identity_2' and 'Identity_1'"),
    ],
)
def test_names_that_cannot_be_are_refused_with_what_can(remap, said):
    with pytest.raises(VisionError) as raised:
        find(without_meaning(TENSORS), remap=remap)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert said in raised.value.message
    assert "'remap_output_names'" in raised.value.message


def test_common_names_are_known_in_any_case_and_within_a_path():
    assert role_of("Some/Path/Detection_Boxes:0") == "boxes"
    assert role_of("number of detections") == "count"
    assert role_of("StatefulPartitionedCall") == role_of("") == ""
