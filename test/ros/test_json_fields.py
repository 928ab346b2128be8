"""The JSON in requests."""

import pytest

from vision_service.ros.json_fields import json_object


@pytest.mark.parametrize(("text", "value"), [("", {}), ("{}", {}), ('{"a": [1]}', {"a": [1]})])
def test_an_empty_text_is_an_empty_json_object(text, value):
    assert json_object(text, "extra") == value
