"""What is heavy is imported where it is used, so that a node starts soon and stays small."""

import ast
import graphlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import vision_service
from vision_service.cli.output import LIKE_A_TERMINAL

HEAVY = {"ai_edge_litert", "av", "grpclib", "matplotlib", "onnxruntime", "open3d", "rosbags", "scipy", "viam"}
NO_ROS = HEAVY | {"cv2", "numpy", "rclpy"}
UNUSED_BY_DETECT = (HEAVY - {"ai_edge_litert"}) | {
    *("asyncio", "concurrent.futures", "csv", "difflib", "email", "http", "importlib.metadata", "logging"),
    *("multiprocessing", "rclpy", "rich.console", "socket", "ssl", "subprocess", "tempfile", "urllib.request", "yaml"),
    *("vision_service.camera", "vision_service.drawing", "vision_service.messages", "vision_service.pointcloud"),
    *("vision_service.mlmodel.decoders.classification", "vision_service.mlmodel.decoders.segmentation"),
    *("vision_service.ros", "vision_service.mlmodel.label_files", "vision_service.mlmodel.link"),
    *("vision_service.mlmodel.onnx_file", "vision_service.mlmodel.packing", "vision_service.mlmodel.tiling"),
    *("vision_service.parameter_files", "vision_service.settings.node", "vision_service.settings.vision"),
}
"""What `vision-service detect FILE` has no use for, printing into a pipe."""
UNUSED_BY_VISION = HEAVY | {
    "cv2",
    *("asyncio", "csv", "difflib", "email", "http", "importlib.metadata", "multiprocessing", "socket", "ssl"),
    *("subprocess", "tempfile", "unittest", "urllib.request", "uuid", "xml", "vision_service.camera.allowed_urls"),
    *("vision_service.camera.calibration_file", "vision_service.camera.urls", "vision_service.cli"),
    *("vision_service.control", "vision_service.rendering", "vision_service.ros.camera", "vision_service.ros.client"),
    *("vision_service.mlmodel.label_files", "vision_service.mlmodel.link", "vision_service.mlmodel.onnx_file"),
    *("vision_service.mlmodel.pool", "vision_service.mlmodel.tiling"),
    *("vision_service.ros.resources.pooling", "vision_service.viam"),
}
"""What a vision node that runs a model of images has no use for until it is asked, beyond what rclpy imports."""
INTERFACES_OF_VISION = {
    *("diagnostic_msgs", "geometry_msgs", "lifecycle_msgs", "sensor_msgs", "std_msgs", "unique_identifier_msgs"),
    *("vision_msgs", "visualization_msgs"),
}
"""Of other packages, what it imports beyond that."""
ROOT = Path(__file__).resolve().parents[1]
DETECT = ["detect", str(ROOT / "docs/images/overlay.jpg"), "--model-path", str(ROOT / "models/solids_detector.tflite")]
SET = ["--set", "default_minimum_confidence=0.5"]
COMMAND = "import sys; sys.argv[1:] = {}; from vision_service.cli.main import main; assert main() == 0"
"""As a process of its own."""
SETTINGS = [
    f"vision_service.settings.{name}" for name in ("node", "camera", "vision", "mlmodel", "stack", "viam_gateway")
]

PACKAGE = Path(vision_service.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
BELOW_ROS = [module for module in MODULES if not module.startswith("ros/")]
IS_ROS = re.compile(r"(rclpy|\w+_msgs|\w+_interfaces|rosidl\w*|rpyutils|tf2\w*|launch\w*|ament\w*|rosgraph\w*)(\.|$)")
GENERATED = re.compile(r"vision_service\.(msg|srv)(\.|$)")
OURS = re.compile(r"vision_service\.ros(\.|$)")


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        ("import vision_service", NO_ROS),
        ("from vision_service.cli.main import build_parser; build_parser()", NO_ROS | {"importlib.metadata"}),
        (f"import {', '.join(SETTINGS)}", NO_ROS | {"yaml"}),
        (
            "import vision_service.ros.main, vision_service.ros.vision.node",
            HEAVY | {"cv2", "fractions", "hashlib", "importlib.metadata"},
        ),
        ("import vision_service.ros.main", NO_ROS | {"subprocess", "tempfile", "yaml"}),
        ("import vision_service.ros.stack", HEAVY),
        ("import vision_service.vision.mlmodel", HEAVY | {"cv2", "rclpy", "vision_service.pointcloud"}),
        (COMMAND.format([*DETECT, *SET]), UNUSED_BY_DETECT),
        (COMMAND.format([*DETECT, "--json"]), UNUSED_BY_DETECT),
    ],
    ids=[
        "package",
        "command",
        "settings",
        "vision",
        "executables",
        "stack",
        "a model of images",
        "detect",
        "detect, as JSON",
    ],
)
def test_what_is_heavy_is_imported_where_it_is_used(program, unwanted):
    program += "; import json, sys; print(); print(json.dumps(list(sys.modules)))"
    environment = {name: value for name, value in os.environ.items() if name not in LIKE_A_TERMINAL}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    assert sorted(unwanted & set(json.loads(done.stdout.splitlines()[-1]))) == []


def test_a_vision_node_that_runs_a_model_of_images_imports_what_it_uses():
    program = """
import json, sys
import numpy, rclpy.node
before = set(sys.modules)
import vision_service.ros.process.spinning, vision_service.ros.vision.node, vision_service.vision.mlmodel
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    found = set(json.loads(done.stdout))
    assert sorted(UNUSED_BY_VISION & found) == []
    packages = (
        {name.partition(".")[0] for name in found} - sys.stdlib_module_names - {"numpy", "rclpy", "vision_service"}
    )
    assert {name for name in packages if not name.startswith("_")} <= INTERFACES_OF_VISION


def test_a_model_detects_in_plain_images_without_opencv():
    program = f"""
import sys, time
import numpy as np
from vision_service.configuration import configure
from vision_service.image import Image
from vision_service.resources import LocalResources
from vision_service.types import Frame
from vision_service.vision.mlmodel import MLModel
values = {{"model_path": {str(ROOT / "models" / "solids_detector.tflite")!r}}}
model = MLModel(configure(MLModel.Config, values, of="the model"), LocalResources())
for encoding, channels in (("rgb8", 3), ("bgr8", 3), ("bgra8", 4)):
    pixels = np.random.default_rng(1).integers(0, 256, (480, 640, channels), np.uint8)
    model.detect(Frame(Image(pixels, encoding), camera_name="front", frame_id="front", stamp=time.time_ns()))
model.close()
assert "cv2" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def imports(node: ast.AST, *, lazy: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield the names that a piece of source imports, each with whether it is first when a function is called."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((name.name, lazy) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield child.module, lazy
            yield from ((f"{child.module}.{name.name}", lazy) for name in child.names)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from imports(child, lazy=True)
        else:
            yield from imports(child, lazy=lazy or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_imports_are_found_wherever_they_stand():
    source = (
        "import a.b\nif c:\n  from d import e\ndef f():\n  import g\nclass H:\n  def i(self):\n    from j.k import l"
    )
    found = [("a.b", False), ("d", False), ("d.e", False), ("g", True), ("j.k", True), ("j.k.l", True)]
    assert list(imports(ast.parse(source))) == found


@pytest.mark.parametrize("module", BELOW_ROS)
def test_only_the_folder_ros_imports_ros(module):
    found = list(imports(ast.parse((PACKAGE / module).read_text())))
    assert [name for name, _ in found if IS_ROS.match(name) or GENERATED.match(name)] == []


@pytest.mark.parametrize("module", BELOW_ROS)
def test_what_is_ours_in_the_folder_ros_is_imported_by_functions_of_the_command_only(module):
    found = [(name, lazy) for name, lazy in imports(ast.parse((PACKAGE / module).read_text())) if OURS.match(name)]
    assert [name for name, lazy in found if not lazy] == []
    assert not found or module.startswith("cli/")


def test_nothing_is_left_out():
    assert "ros/node/base.py" in MODULES
    assert {"cli/parameters.py", "settings/node.py", "configuration/attributes.py"} <= set(BELOW_ROS)


def folder(module: str) -> str:
    """The folder that a module is in, those of ``ros`` one by one; a module beside the folders is one itself."""
    parts = module.removesuffix(".py").removesuffix("/__init__").split("/")
    return "/".join(parts[: 2 if parts[0] == "ros" else 1])


@pytest.mark.parametrize("part", [str, folder], ids=["modules", "folders"])
def test_what_imports_is_above_what_it_imports(part):
    by_name = {module.removesuffix(".py").removesuffix("/__init__").replace("/", "."): module for module in MODULES}
    below = {part(module): set() for module in MODULES}
    for module in MODULES:
        found = imports(ast.parse((PACKAGE / module).read_text()))
        used = [
            by_name[name] for each, lazy in found if not lazy and (name := each[len("vision_service.") :]) in by_name
        ]
        for other in used:
            package = other.removesuffix("__init__.py")  # of which a module may be meant
            of_it = package != other and any(each.startswith(package) for each in used if each != other)
            if part(other) != part(module) and not of_it:
                below[part(module)].add(part(other))
    graphlib.TopologicalSorter(below).prepare()  # raises CycleError, which names a dependency cycle
