"""Parameter files of ROS nodes, by rcl's rules; where ROS is installed, its own parser is asked the same."""

from pathlib import Path

import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.parameter_files import check_used, files_of, is_for, read_parameter_file


@pytest.fixture
def write(tmp_path):
    """Writes a parameter file and returns its path."""

    def write(text: str, name: str = "params.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def refusal(job) -> str:
    with pytest.raises(VisionError) as caught:
        job()
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


# Reading.


def test_sections_are_in_the_order_of_the_file_with_absolute_names(write):
    path = write("""
        stack: {ros__parameters: {cameras: [eye]}}
        /**/eye: {ros__parameters: {size: {width: 3}}}
        robot: {arm: {eye: {ros__parameters: {}}}}
        /robot/eye: {ros__parameters: {a.b: 1}}
    """)
    assert read_parameter_file(path) == [
        ("/stack", {"cameras": ["eye"]}),
        ("/**/eye", {"size.width": 3}),
        ("/robot/arm/eye", {}),
        ("/robot/eye", {"a.b": 1}),
    ]


def test_a_node_of_which_nothing_is_said_is_no_mistake(write):
    assert read_parameter_file(write("a: \nb: {}\nc: {ros__parameters: {x: 1}}")) == [("/c", {"x": 1})]


def test_lists_may_be_tuples_as_launch_ros_writes_them(write):
    path = write("/**: {ros__parameters: {cameras: !!python/tuple [a, b]}}")
    assert read_parameter_file(path) == [("/**", {"cameras": ["a", "b"]})]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no section 'NODE:'"),
        ("stack:", "no section 'NODE:'"),
        ("[1, 2]", "it needs a map 'ros__parameters:' below it"),
        ("5", "it needs a map 'ros__parameters:' below it"),
        ("stack: {cameras: [a]}", "the section 'stack/cameras' needs a map 'ros__parameters:' below it"),
        ("stack: {ros__parameters: {cameras: [a]}}\na: 5", "the section 'a' needs a map 'ros__parameters:' below it"),
        ("stack: {ros__parameters: }", "'ros__parameters:' of 'stack' is no map"),
        ("ros__parameters: {a: 1}", "'ros__parameters:' has no node"),
        ("stack: [", "is no YAML"),
        ("eye: {ros__parameters: {since: 2026-13-01}}", "is no YAML"),
    ],
)
def test_what_is_no_parameter_file_is_named_with_the_reason(write, text, words):
    path = write(text)
    message = refusal(lambda: read_parameter_file(path))
    assert str(path) in message
    assert words in message


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    assert "cannot read" in refusal(lambda: read_parameter_file(tmp_path / name))


# Whose a section is.

NODES = ["/stack", "/robot/stack", "/robot/arm/stack"]
PATTERNS = {
    "stack": [True, False, False],
    "/stack": [True, False, False],
    "robot/stack": [False, True, False],
    "/robot/stack": [False, True, False],
    "/robot/arm/stack": [False, False, True],
    "/**": [True, True, True],
    "**": [True, True, True],
    "/**/stack": [True, True, True],
    "**/stack": [True, True, True],
    "/*": [True, False, False],
    "*": [True, False, False],
    "/*/stack": [False, True, False],
    "/*/*": [False, True, False],
    "/robot/*": [False, True, False],
    "/robot/**": [False, True, True],
    "/robot/*/stack": [False, False, True],
    "/robot/**/stack": [False, True, True],
    "/**/arm/stack": [False, False, True],
    "/**/stac": [False, False, False],
    "/**/stack/more": [False, False, False],
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_whose_a_section_is(pattern):
    assert [is_for(pattern, node) for node in NODES] == PATTERNS[pattern]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_ros_has_the_same_rules(write, pattern):
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    path = write(f'"{pattern}": {{ros__parameters: {{a: 1}}}}')
    assert [bool(given_by_ros(path, node)) for node in NODES] == PATTERNS[pattern]


def test_of_two_sections_for_a_node_ros_takes_the_later_one_whatever_their_patterns_as_the_command_does(write):
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from vision_service.cli.parameter_file import read_sections

    for text in (
        "stack: {ros__parameters: {a: 1}}\n/**: {ros__parameters: {a: 2, b: 3}}",
        "/**: {ros__parameters: {a: 2, b: 3}}\nstack: {ros__parameters: {a: 1}}",
        "/**/stack: {ros__parameters: {a: 2}}\n/*: {ros__parameters: {a: 1}}",
    ):
        path = write(text)
        assert given_by_ros(path, "/stack") == read_sections(path)["stack"]


def given_by_ros(path, node):
    """Return the parameters that a node gets of a file."""
    import rclpy
    from rclpy.context import Context
    from rclpy.node import Node

    namespace, _, name = node.rpartition("/")
    context = Context()
    rclpy.init(args=["--ros-args", "--params-file", str(path), "-r", f"__ns:={namespace or '/'}"], context=context)
    made = Node(name, context=context, automatically_declare_parameters_from_overrides=True)
    try:
        assert made.get_fully_qualified_name() == node
        return {name: made.get_parameter(name).value for name in ("a", "b") if made.has_parameter(name)}
    finally:
        made.destroy_node()
        rclpy.shutdown(context=context)


# Files that are not used.


def test_a_file_with_a_section_for_one_of_the_nodes_is_used(write):
    check_used(write("/**/eye: {ros__parameters: {}}"), ["/robot/stack", "/robot/eye"])


@pytest.mark.parametrize(
    ("text", "node", "words"),
    [
        (
            "stack: {ros__parameters: {}}",
            "/robot/stack",
            "has no section for /robot/stack, only 'stack:': call it '/**/stack:' for any namespace, or "
            "'/robot/stack:', instead of 'stack:'",
        ),
        (
            "peple: {ros__parameters: {}}",
            "/people",
            "only 'peple:': is 'peple:' meant for it? Then give the node and its section the same name",
        ),
        ("a: {ros__parameters: {}}\nb: {ros__parameters: {}}", "/people", "no section for /people, only 'a:', 'b:'"),
    ],
)
def test_a_file_that_says_nothing_to_the_nodes_is_refused_with_the_name_to_use(write, text, node, words):
    path = write(text)
    message = refusal(lambda: check_used(path, [node]))
    assert str(path) in message
    assert words in message


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["stack"], []),
        (["stack", "--ros-args", "--params-file", "a.yaml", "-r", "a:=b", "--params-file", "b"], ["a.yaml", "b"]),
        (["stack", "--params-file", "a.yaml", "--ros-args", "-p", "a:=1", "--", "--params-file", "b.yaml"], []),
        (["stack", "--ros-args", "--params-file"], []),
    ],
)
def test_the_files_are_those_that_ros_reads(arguments, files):
    assert files_of(arguments) == [Path(file) for file in files]
