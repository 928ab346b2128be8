"""Messages work without their code generator, which nobody needs who only uses them."""

import json
import os
import subprocess
import sys

LEAVE_OUT = "from vision_service.ros.process.generator import GENERATOR, leave_out_generator; leave_out_generator()"
GENERATES = ("lark", "rosidl_parser.parser", "rosidl_generator_py.generate_py_impl")


def modules_after(program: str, **environment: str) -> set[str]:
    """Return what a program has imported."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys; print(json.dumps(list(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | environment,
    )
    return set(json.loads(done.stdout))


def test_messages_can_be_used():
    use = "from std_msgs.msg import String; String.__import_type_support__(); assert String._TYPE_SUPPORT is not None"
    found = modules_after(f"{LEAVE_OUT}\n{use}")
    assert "rosidl_generator_py" in found
    assert not found.intersection(GENERATES)


def test_who_wants_the_generator_later_finds_it():
    assert "rosidl_generator_py.generate_py_impl" in modules_after(f"{LEAVE_OUT}\n__import__(GENERATOR)")


def test_where_it_is_there_already_it_stays():
    assert "lark" in modules_after(f"import rosidl_generator_py\n{LEAVE_OUT}")


def test_a_release_that_needs_it_is_left_as_it_is(tmp_path):
    package = tmp_path / "rosidl_generator_py"
    package.mkdir()
    (package / "__init__.py").write_text("from .generate_py_impl import generate_py\n")
    (package / "generate_py_impl.py").write_text("generate_py = import_type_support = print\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    found = modules_after(f"{LEAVE_OUT}\nimport rosidl_generator_py", PYTHONPATH=path)
    assert "rosidl_generator_py.generate_py_impl" in found
