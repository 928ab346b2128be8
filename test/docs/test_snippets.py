"""Every command and every program in README and docs/ runs, beside a robot of rendered cameras."""

import ast
import inspect
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import desk
from pages import ROOT, blocks
from robot import PATIENCE, environment, eventually
from shell import ON_FILES, OURS, RUN_ELSEWHERE, THEIRS, arguments_of, run
from vision_service.cli.main import build_parser
from vision_service.ros import client

ENDLESS = {"demo", "run", "control", "viam-gateway"}
"""Commands that run until Ctrl-C, or too long for here: they are parsed. The tests of the command line run them."""
OTHERS = {
    "make": "sets up everything anew; its targets are looked up",
    "ros2": "is not on PyPI; launch files, their arguments, topics and services are looked up",
    "pip": "installs; extras are looked up",
    **dict.fromkeys(("python", "python3"), "modules of this repository are looked up"),
    **dict.fromkeys((".", "cd", "export", "echo", "touch"), "changes the shell, or a file"),
    **dict.fromkeys(("sudo", "rosdep", "colcon"), "changes the machine, or is not on PyPI"),
    **dict.fromkeys(("ssh", "fastdds"), "needs another host"),
}
"""Other programs, and why they are not run."""
ASSIGNMENT = re.compile(r"^([A-Z_]+=\S* )+")


@pytest.fixture(scope="module")
def robot(folder):
    """The nodes that the examples name."""
    with desk.robot(folder) as robot:
        for name in ("objects", "parts", "people"):
            eventually(lambda name=name: robot.status(name)["state"] == "active", f"{name} is active")
        with client.VisionClient("people"):  # keeps the connection that all clients of this process share
            yield robot


@pytest.fixture
def there(folder, robot, monkeypatch):
    """The examples run in that folder, beside the robot."""
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("block", "line"), [(block, line) for block, line in OURS if line.split()[1] not in ON_FILES], ids=str
)
def test_a_command_does_what_stands_there(there, capsys, block, line):
    command = line.split()[1]
    if command in ENDLESS:
        build_parser().parse_args(arguments_of(line)[0])
        return
    code = run(line, *(["--wait", "1"] if command == "doctor" else []))
    said = capsys.readouterr()
    assert code == 0 or command == "doctor", said.err  # which says how the machine is, too
    assert said.out, said.err


@pytest.mark.parametrize(("block", "line"), THEIRS, ids=str)
def test_what_other_programs_are_told_is_there(robot, block, line):
    for part in re.split(r" && | \| ", ASSIGNMENT.sub("", line)):
        program, *words = shlex.split(part)
        assert program in OTHERS, f"{block}: is not run; mark the block with the reason, or name {program!r} in OTHERS"
        if program == "make":
            assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text(), f"no target {words[0]}"
        elif program == "pip":
            extras = re.findall(r"\[(\w+)\]", part)
            assert all(re.search(rf"^{extra} =$", (ROOT / "setup.cfg").read_text(), re.MULTILINE) for extra in extras)
        elif program == "python" and words[0] == "-m" and words[1].startswith("tools."):
            assert (ROOT / f"{words[1].replace('.', '/')}.py").exists()
        elif program == "ros2":
            look_up(robot, words)


def look_up(robot, words: list[str]) -> None:
    """Look whether there is what a command of ROS names: a launch file with its arguments, a topic, a service."""
    if words[:2] == ["launch", "vision_service"]:
        file = ROOT / "launch" / words[2]
        known = file.read_text() + (ROOT / "vision_service/ros/launching.py").read_text()
        for word in words[3:]:
            name, assigned, _ = word.partition(":=")
            assert not assigned or f'"{name}"' in known, f"{words[2]} has no argument {name}"
    elif words[:2] == ["topic", "echo"]:
        assert words[2] in dict(robot.node.get_topic_names_and_types())
    elif words[:2] == ["service", "call"]:
        assert words[3] in dict(robot.node.get_service_names_and_types())[words[2]]


@pytest.mark.parametrize(
    "block", [block for block in blocks("python") if not block.not_run and block.page not in RUN_ELSEWHERE], ids=str
)
def test_a_program_runs(there, block):
    program = compile("\n" * (block.line - 1) + block.text, block.page, "exec")
    if block.marker == "until it prints":
        prints_something(block.text, there)
    else:
        assert not block.marker, f"unknown marker {block.marker!r}"
        exec(program, {"__name__": "__main__"})


@pytest.mark.parametrize("name", client.__all__)
def test_an_example_in_a_docstring_runs(there, name):
    _, _, example = inspect.cleandoc(getattr(client, name).__doc__ or "").partition("Example::\n\n")
    example = re.split(r"\n(?=\S)", example)[0]  # up to the next section
    exec(textwrap.dedent(example), {**vars(client), "np": np})


def prints_something(text: str, folder) -> None:
    """Run a program without an end, until it has printed a line; Ctrl-C must end it."""
    env = environment() | {"PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", text], env=env, cwd=folder, stdout=pipe, stderr=pipe, text=True
    ) as process:
        watch = threading.Timer(2 * PATIENCE, process.kill)
        watch.start()
        try:
            line = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
        finally:
            watch.cancel()
            process.kill()
    assert line.strip(), errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("block", [block for block in blocks() if block.not_run], ids=str)
def test_what_is_not_run_says_why(block):
    assert len(block.not_run.split()) > 3
    if block.language == "python":
        compile(block.text, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_no_block_has_a_language_that_nobody_looks_at():
    known = {"sh", "bash", "python", "yaml", "text", "xml", "{toctree}", "{eval-rst}", "{include}"}
    assert {f"{block}: {block.language}" for block in blocks() if block.language not in known} == set()
