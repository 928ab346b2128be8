"""Class names that say that there is nothing."""

import pytest

from vision_service.mlmodel.background import is_background, is_no_object, without_background


@pytest.mark.parametrize("name", ["background", "BACKGROUND", "__background__", "???", "bg", " Background ", ""])
def test_a_background_is_told_by_its_name(name):
    assert is_background(name)
    assert without_background((name, "cat")) == ("cat",)


@pytest.mark.parametrize("name", ["no-object", "No object", "no_object", "N/A", "none", "nothing"])
def test_no_object_is_told_by_its_name_and_is_no_background_of_a_first_line(name):
    assert is_no_object(name)
    assert not is_background(name)
    assert without_background((name, "cat")) == (name, "cat")


@pytest.mark.parametrize("name", ["cat", "0", "background radiation"])
def test_other_names_are_classes(name):
    assert not is_background(name)
    assert not is_no_object(name)


def test_only_a_first_line_is_left_out():
    assert without_background(()) == ()
    assert without_background(("cat", "background")) == ("cat", "background")
