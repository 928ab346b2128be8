"""What is known of a model, item by item, and who says so."""

import json

import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.contract import (
    ASSUMED,
    ATTRIBUTE,
    FAMILY,
    METADATA,
    SOURCES,
    Contract,
    Item,
    known,
    shown,
    unknown,
)

RESIZE = {
    **known(METADATA, resize="stretch"),
    **known(ASSUMED, "most have it", input_image_mean_value=(0.5, 0.5), nms_iou_threshold=0.123456),
}


def test_the_user_s_word_is_the_best_source_and_assumed_is_the_worst_but_one():
    assert SOURCES == (
        "attribute", "metadata", "graph", "names", "shapes", "labels", "probe", "family", "assumed", "unknown",
    )  # fmt: skip


def test_a_contract_is_a_mapping_of_items_in_the_order_in_which_they_were_given():
    contract = Contract(RESIZE)
    assert list(contract) == ["resize", "input_image_mean_value", "nms_iou_threshold"]
    assert len(contract) == 3
    assert contract["resize"] == Item("stretch", METADATA)
    assert contract.value("resize") == "stretch"
    assert contract.value("absent") is None
    assert contract.value("absent", 7) == 7


def test_what_the_user_says_replaces_an_item_whatever_its_source_and_adds_none():
    told = Contract(RESIZE).told({"resize": "letterbox", "input_image_mean_value": (0.5, 0.5), "background": "first"})
    assert told["resize"] == Item("letterbox", ATTRIBUTE)
    assert told["input_image_mean_value"] == Item((0.5, 0.5), ATTRIBUTE)  # even the same value
    assert told["nms_iou_threshold"].source == ASSUMED
    assert "background" not in told


def test_assumed_items_are_listed_and_warned_of_with_what_ends_the_warning():
    contract = Contract(RESIZE)
    assert contract.assumed() == ["input_image_mean_value", "nms_iou_threshold"]
    assert contract.warning() == (
        "the model's file does not tell input_image_mean_value = [0.5, 0.5], nms_iou_threshold = 0.1235: this is"
        " assumed, because most models of this form have it so; if results look wrong, try other values; set"
        " 'input_image_mean_value', 'nms_iou_threshold', even to the same, and this warning ends"
    )
    told = contract.told({"input_image_mean_value": (0.5, 0.5)})
    assert "set 'nms_iou_threshold', even" in told.warning()
    assert contract.told({"input_image_mean_value": (), "nms_iou_threshold": 0.5}).warning() == ""


def test_nothing_is_warned_of_where_nothing_is_assumed():
    assert Contract().warning() == ""
    assert Contract(known(FAMILY, resize="stretch")).assumed() == []


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("activation", " (softmax (one class at a time), sigmoid (each class by itself) or none)"),
        ("background", " (first, last or none)"),
        ("box_coordinates", " (normalized or pixels)"),
        ("box_format", " (corners, corner_size or center_size)"),
        ("xmin_ymin_xmax_ymax_order", " ([0, 1, 2, 3] for x first, [1, 0, 3, 2] for y first)"),
        ("resize", " (stretch, letterbox, letterbox_top_left or center_crop)"),
        ("color_order", " (rgb or bgr)"),
        ("input_image_mean_value", " (one number for each channel, from 0 to 1)"),
        ("another", ""),
    ],
)
def test_an_unknown_item_is_an_error_that_names_the_attribute_and_its_values(name, choices):
    with pytest.raises(VisionError) as raised:
        Contract(unknown(name, "it may be this or that")).check()
    assert raised.value.code is ErrorCode.INVALID_ARGUMENT
    assert raised.value.message == (
        f"neither the file nor its outputs tell {name!r}: it may be this or that; give the attribute {name!r}{choices}"
    )


def test_an_unknown_item_is_known_as_soon_as_the_user_says_it():
    Contract(unknown("activation", "x")).told({"activation": "none"}).check()
    Contract(known(FAMILY, input_image_mean_value=None)).check()  # the image's own values are known


def test_a_contract_is_shown_as_rows_as_a_line_and_as_json():
    contract = Contract(RESIZE | known(FAMILY, require=True, size=[320, 240]))
    assert contract.rows() == [
        ("resize", "stretch", "metadata"),
        ("input_image_mean_value", "[0.5, 0.5]", "assumed: most have it"),
        ("nms_iou_threshold", "0.1235", "assumed: most have it"),
        ("require", "yes", "family"),
        ("size", "[320, 240]", "family"),
    ]
    assert contract.line().startswith("resize=stretch (metadata), input_image_mean_value=[0.5, 0.5] (assumed: most")
    plain = contract.to_json()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["input_image_mean_value"] == {"value": [0.5, 0.5], "source": "assumed", "why": "most have it"}
    assert plain["resize"] == {"value": "stretch", "source": "metadata"}


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (False, "no"), (1 / 3, "0.3333"), ((1, 2), "[1, 2]"), ("rgb", "rgb"), (7, "7")]
)
def test_values_are_shown_for_people(value, text):
    assert shown(value) == text
