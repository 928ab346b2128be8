"""Labels that a user names."""

import pytest

from vision_service.labels import is_valid


@pytest.mark.parametrize(
    ("label", "named", "valid"),
    [("cat", (), True), ("Cat", ("cAT", "dog"), True), ("cow", ("cat",), False), ("", ("cat",), False)],
)
def test_no_labels_mean_all_and_upper_case_does_not_matter(label, named, valid):
    assert is_valid(label, named) is valid
