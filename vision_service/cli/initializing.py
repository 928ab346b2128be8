"""What the command `init` does: looks for cameras and models, asks which to take, and writes a parameter file."""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision_service.camera import v4l2
from vision_service.cli.file_checks import check_file
from vision_service.cli.first_file import FoundCamera, FoundModel, file_text, name_of_topic, node_name
from vision_service.cli.given import STANDARD_INPUT
from vision_service.cli.inspecting import EXTRAS, KINDS, described
from vision_service.cli.outcome import FAILED, OK, keep_stdout, print_error, without_interruption
from vision_service.cli.output import for_people, progress, working, write_file
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import PACKAGE, expanded, resolve, share_file
from vision_service.findings import PROBLEM

if TYPE_CHECKING:
    from vision_service.ros.checks.found_topics import TopicsOfCamera

MODEL_ENDINGS = (".tflite", ".onnx")
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
MODELS_DIR = Path("~/models")
MOST_MODELS = 30
"""So many model files are looked at; of more, the others are named."""
SHIPPED_MODEL = "package://vision_service/models/solids_detector.tflite"
TAKEN = ("stack", "viam_gateway")
"""Names that mean something else in a parameter file."""
STDOUT = STANDARD_INPUT


def init(arguments: argparse.Namespace) -> int:
    """Write a first parameter file; return the exit code.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is such a file already, or what is given is not there.
    """
    path = expanded(arguments.file)
    if arguments.file != STDOUT and path.exists() and not arguments.force:
        msg = f"there is {str(path)!r} already: give another name, or --force to overwrite it"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    told: list[str] = []
    names = list(TAKEN)
    if arguments.cameras:
        cameras = [given_camera(text, names) for text in arguments.cameras]
    else:
        cameras = _plugged_in(names) + _on_the_graph(names, arguments.wait, told)
    files = [_existing(file) for file in arguments.models] or model_files(arguments.models_dir, told)
    models = [found_model(str(file), names) for file in progress([str(file) for file in files])]
    if arguments.models and (wrong := [model for model in models if model.problem]):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "\n".join(model.problem for model in wrong))
    if not arguments.yes and sys.stdin is not None and sys.stdin.isatty():
        cameras = cameras if arguments.cameras else [each for each in cameras if _wanted("camera", each)]
        models = models if arguments.models else [each for each in models if each.problem or _wanted("model", each)]
    if not cameras:
        told.append("No camera was found or taken: the rendered one stands in for yours.")
        cameras = [given_camera("synthetic", names)]
    if all(model.problem for model in models):
        looked = "" if arguments.models else f" in {arguments.models_dir or f'{MODELS_DIR} or in this folder'}"
        what = f"No model was found{looked}, or none was taken (--model FILE names one)"
        told.append(f"{what}: one that comes with this package stands in for yours.")
        models = [*models, shipped_model(names)]
    target = "FILE" if arguments.file == STDOUT else shlex.quote(arguments.file)
    text = file_text(cameras, models, [*_head(target), *told])
    if arguments.file == STDOUT:
        print(text, end="")  # noqa: T201
        return OK
    write_file(path, text.encode())
    return _report(path, target, cameras, models, told)


def _head(target: str) -> Iterable[str]:
    yield f"Written by `vision-service init` on {datetime.datetime.now().astimezone():%Y-%m-%d}."
    commands = {
        f"run {target}": "runs it",
        f"doctor {target}": "says what is wrong with it",
        "models mlmodel": "what else can be set of a model or driver",
    }
    width = max(map(len, commands))
    for command, what in commands.items():
        yield f"  vision-service {command.ljust(width)}  # {what}"


def _report(
    path: Path, target: str, cameras: Sequence[FoundCamera], models: Sequence[FoundModel], told: Sequence[str]
) -> int:
    """Say what was written, and what is wrong with it; return the exit code."""
    console = for_people()
    for camera in cameras:
        console.print(f"camera  [bold]{camera.name}[/]  {_escaped(camera.what)}", soft_wrap=True)
    for model in models:
        if model.problem:
            console.print(f"[dim]not served[/]  {_escaped(model.what)}: {_escaped(model.problem)}", soft_wrap=True)
        else:
            console.print(f"model   [bold]{model.name}[/]  {_escaped(model.what)}", soft_wrap=True)
    for line in told:
        console.print(_escaped(line), soft_wrap=True)
    wrong = [each for each in check_file(path) if each.severity == PROBLEM]
    for each in wrong:
        print_error(f"{each.where}: {each.what}")
    console.print(f"Written to {_escaped(str(path))}. Next: vision-service run {_escaped(target)}", soft_wrap=True)
    return FAILED if wrong else OK


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _wanted(kind: str, found: FoundCamera | FoundModel) -> bool:
    """Ask whether to take something; the answer to no answer is yes."""
    sys.stderr.write(f"{found.what}\n  take it as the {kind} '{found.name}'? [Y/n] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:  # the end of the input
        sys.stderr.write("\n")
    return answer.strip().lower() not in ("n", "no")


def given_camera(text: str, names: list[str]) -> FoundCamera:
    """Return the camera that an argument stands for, `[NAME=]SOURCE`; its name is added to the names.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no source, or its name cannot be, or is taken.
    """
    name, equals, source = text.partition("=")
    if not equals or "/" in name or "://" in text.partition("=")[0]:
        name, source = "", text
    if name and (node_name(name, (), "camera") != name.lower() or name in names):
        reason = "is there already" if name in names else "is no name for a node: letters, digits and _"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the camera {text!r}: {name!r} {reason}")
    path = expanded(source)
    if source == "synthetic":
        parameters: dict[str, Any] = {"driver": "synthetic"}
        made, what = "camera", "a rendered camera above moving solids"
    elif source.startswith("/dev/"):
        device = v4l2.device_at(source)
        parameters = {"driver": "webcam", "video_path": source}
        made, what = "webcam", f"the camera {device}" if device else f"the camera {source}, which is not there now"
    elif "://" in source:
        parameters = {"driver": "video", "video_path": source}
        made, what = "stream", f"the stream {source}"
    elif path.is_file() and path.suffix.lower() in IMAGE_ENDINGS:
        parameters = {"driver": "image_file", "color_image_file_path": str(path.absolute())}
        made, what = path.stem, f"the image {source}"
    elif path.exists():
        parameters = {"driver": "video", "video_path": str(path.absolute()), "loop": True}
        made, what = path.stem, f"the images in {source}, again and again"
    elif source.startswith("/") and not source.endswith("/"):
        return _named(FoundCamera(name, f"the topic {source}", topics=_topics(source)), name_of_topic(source), names)
    else:
        msg = (
            f"the camera {text!r}: {source!r} is no file that is here, and none of /dev/videoN, an image topic (it"
            " starts with /), a URL, or synthetic"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return _named(FoundCamera(name, what, parameters), made, names)


def _named(camera: FoundCamera, made: str, names: list[str]) -> FoundCamera:
    """Return a camera with a name, if it has none one that is made of something."""
    name = camera.name or node_name(made, names, "camera")
    names.append(name)
    return FoundCamera(name, camera.what, camera.parameters, camera.topics, camera.remarks)


def _topics(image: str) -> dict[str, str]:
    return {"image": image, "camera_info": f"{image.rpartition('/')[0]}/camera_info"}


def _plugged_in(names: list[str]) -> list[FoundCamera]:
    """Return the cameras that are plugged in and give images."""
    return [webcam(device, names) for device in v4l2.cameras() if device.formats or device.problem]


def webcam(device: v4l2.Device, names: list[str]) -> FoundCamera:
    """Return a camera that is plugged in; its name is added to the names."""
    remarks = ["assumed: the size nearest to 640 x 480, at 30 Hz; other ones: width_px, height_px, frame_rate, format"]
    if device.by_id:
        remarks.append(f"{device.path} now, which another camera may have after the next start")
    parameters = {"driver": "webcam", "video_path": device.by_id or device.path}
    return _named(FoundCamera("", f"found: {device}", parameters, remarks=remarks), "webcam", names)


def _on_the_graph(names: list[str], patience: float, told: list[str]) -> list[FoundCamera]:
    """Return the cameras that other nodes publish, if ROS is here."""
    if patience <= 0:
        told.append("The graph was not looked at for image topics (--wait 0).")
        return []
    try:
        with without_interruption():
            from vision_service.ros.calling.caller import Caller
            from vision_service.ros.checks.found_topics import look
    except ImportError as error:
        told.append(f"ROS cannot be imported here ({error}): the graph was not looked at for image topics.")
        return []
    keep_stdout()
    with working("looking for image topics on the graph"), closing(Caller()) as caller:
        return [published(each, names) for each in look(caller.node, patience)]


def published(camera: TopicsOfCamera, names: list[str]) -> FoundCamera:
    """Return a camera that another node publishes; its name is added to the names."""
    topics = {"image": camera.image}
    if camera.transport != "raw":
        topics["transport"] = camera.transport
    if camera.camera_info:
        topics["camera_info"] = camera.camera_info
    what = f"found: the topic {camera.image}" + (f", published by {of}" if (of := ", ".join(camera.publishers)) else "")
    found = _named(FoundCamera("", what, {}, topics), name_of_topic(camera.image), names)
    remarks = []
    if camera.depth:
        remarks.append(f"for 3D, if it is registered to the images:  {found.name}.depth: {camera.depth}")
    if camera.points:
        remarks.append(f"for 3D:  {found.name}.points: {camera.points}")
    return FoundCamera(found.name, what, {}, topics, remarks)


def _existing(file: str) -> Path:
    path = resolve(file) if file.startswith(PACKAGE) else expanded(file)
    if not path.is_file():
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"there is no model file {file!r}")
    return path.absolute()


def model_files(folder: Path | None, told: list[str]) -> list[Path]:
    """Return the model files in a folder and in the folders in it.

    Args:
        folder: Where to look; None = in `MODELS_DIR`, and beside it in the working directory itself.
        told: Gets a line if there are too many.
    """
    places: list[tuple[Path, tuple[str, ...]]] = [(expanded(folder or MODELS_DIR), ("*", "*/*"))]
    if folder is None:
        places.append((Path.cwd(), ("*",)))
    found = sorted({
        path.absolute()
        for place, patterns in places
        for pattern in patterns
        for path in (place.glob(pattern) if place.is_dir() else ())
        if path.suffix.lower() in MODEL_ENDINGS and path.is_file()
    })  # fmt: skip
    if len(found) > MOST_MODELS:
        where = " and ".join(str(place) for place, _ in places)
        told.append(f"Of {len(found)} model files in {where} the first {MOST_MODELS} were looked at.")
    return found[:MOST_MODELS]


def found_model(file: str, names: list[str]) -> FoundModel:
    """Return what a model's file can serve as; its name is added to the names, if it can be served."""
    try:
        file.encode()
    except UnicodeEncodeError:  # ROS's strings are
        return FoundModel("", file, {}, problem="its path is no text in UTF-8: rename it")
    about = described(file)
    parameters: dict[str, Any] = {"model": "mlmodel", "model_path": file}
    remarks = []
    if about["problem"] or not about["labels"]["count"]:
        for labels in (Path(file).with_suffix(".txt"), Path(file).parent / "labels.txt"):
            if labels.is_file() and not (labelled := described(file, label_path=str(labels)))["problem"]:
                about = labelled
                parameters["label_path"] = str(labels)
                remarks.append("assumed: the labels' file is this model's, for it lies beside it")
                break
    if about["problem"]:
        return FoundModel("", file, parameters, problem=about["problem"])
    methods = about["methods"]
    kinds = " and ".join(KINDS[method] for method in methods)
    extras = " and ".join(EXTRAS[extra] for extra in about["extras"])
    labels = about["labels"]
    classes = (
        f"{labels['count']} classes: {', '.join(labels['first'])}{' …' * (labels['count'] > len(labels['first']))}"
    )
    what = f"found: {Path(file).name}, {kinds}{f' with {extras}' * bool(extras)} ({about['title']})"
    what += f", {classes}" if labels["count"] else ", classes by their numbers: give label_path for names"
    if "detect" in methods:
        parameters["default_minimum_confidence"] = 0.5
        remarks.append("assumed: detections below this confidence are not wanted; 0 = all")
    contract = about["contract"]
    remarks += [
        f"assumed, for the file does not say it: {item} = {contract[item]['value']}" for item in about["assumed"]
    ]
    name = node_name(Path(file).stem, names, "model")
    names.append(name)
    return FoundModel(name, " ".join(what.split()), parameters, remarks)


def shipped_model(names: list[str]) -> FoundModel:
    """Return a model that is always there: the demo's, or, where nothing runs it, one that looks for a colour."""
    problem = described(str(share_file(SHIPPED_MODEL.partition("vision_service/")[2])))["problem"]
    name = node_name("detector", names, "detector")
    names.append(name)
    if problem is None:
        parameters = {"model": "mlmodel", "model_path": SHIPPED_MODEL, "default_minimum_confidence": 0.5}
        return FoundModel(name, "the demo's model: put your own in its place", parameters)
    parameters = {"model": "color_detector", "detect_color": "#DB2323", "hue_tolerance_pct": 0.08}
    return FoundModel(name, f"red objects, for the demo's model cannot be used: {problem}", parameters)
