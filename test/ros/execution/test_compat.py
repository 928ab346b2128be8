"""The boundary to rclpy: nothing else touches what is not documented, and an rclpy that lacks it is refused."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vision_service

SOURCES = Path(vision_service.__file__).parent
PRIVATE = re.compile(r"\._(parameter_overrides|allow_undeclared_parameters|state_machine|callback_type|set_executor)\b")
UNDOCUMENTED = {"rclpy.impl", "rclpy.guard_condition", "rclpy.waitable", "rclpy.signals.SignalHandlerGuardCondition"}


def imported(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", [p for p in SOURCES.rglob("*.py") if p.name != "compat.py"], ids=lambda p: p.stem)
def test_nothing_else_touches_names_of_rclpy_that_are_not_documented(path):
    source = path.read_text()
    assert not PRIVATE.findall(source)
    assert not [name for name in imported(source) if any(name.startswith(each) for each in UNDOCUMENTED)]


@pytest.mark.parametrize(
    "program",
    [
        ["-c", "from vision_service.ros.main import camera; camera()"],
        ["-c", "from vision_service.ros.client import VisionClient; VisionClient('people')"],
        ["-c", "from vision_service.ros.execution.executor import Executor; Executor()"],
    ],
    ids=["node", "client", "executor"],
)
def test_an_unsupported_rclpy_is_refused_by_one_error_message_before_anything_starts(program, tmp_path):
    """Here it lacks a class, which it no longer needs itself."""
    hook = "import rclpy.executors, rclpy.lifecycle, rclpy.waitable\ndel rclpy.waitable.NumberOfEntities\n"
    (tmp_path / "sitecustomize.py").write_text(hook, encoding="utf-8")
    paths = [str(tmp_path), str(SOURCES.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run([sys.executable, *program], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode
    refused = re.findall(r"rclpy [\w.]+ is not supported: it has no rclpy\.waitable\.NumberOfEntities", done.stderr)
    assert len(refused) == 1
