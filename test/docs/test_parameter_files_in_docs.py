"""Every parameter file in README and docs/ is right: sections, names and values, by the checks of the doctor."""

import textwrap

import pytest
import yaml

from pages import Block, blocks
from vision_service.cli.file_checks import nodes_of, wrong_parameters
from vision_service.parameter_files import read_parameter_file

OTHERS = ("lifecycle_manager_vision",)
"""Sections of nodes that are not ours."""


def completed(block: Block) -> str:
    """Return the parameter file that a block is, or is a part of."""
    text = textwrap.dedent(block.text)
    more = yaml.safe_load(f"{{{block.marker.removeprefix('with ')}}}") if block.marker else {}
    content = yaml.safe_load(text)
    if not any(isinstance(value, dict) and "ros__parameters" in value for value in content.values()):
        content = {"node": {"ros__parameters": content}}
    elif not more:
        return text  # as it is, in case what is written matters
    for section in content.values():
        section["ros__parameters"] = {**more, **section["ros__parameters"]}
    return yaml.safe_dump(content)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_parameter_file_is_right(block, tmp_path):
    if block.not_run:
        assert yaml.safe_load(block.text) is not None
        return
    path = tmp_path / "robot.yaml"
    path.write_text(completed(block), encoding="utf-8")
    sections = [name for name, _ in read_parameter_file(path)]
    nodes = nodes_of(path)
    assert [what for node in nodes for what in wrong_parameters(node)] == []
    plain = {name.replace("/**/", "/") for name in sections} - {f"/{name}" for name in OTHERS}
    assert plain <= {node.name for node in nodes}, "a section that nobody reads"
