"""The Python code of the documents that the package was made from, and what Viam's SDK of today needs changed in it."""

import re
from pathlib import Path

from testdata import FOLDER

SEEDS = FOLDER.parent / "seeds"
OTHER_LANGUAGES = ("package main", "cam, err :=", "classifications, err :=", "classifier, err :=")
"""How the first line after a Python block begins in the document without fences."""
UNFENCED = (
    "import asyncio\nfrom viam.robot.client",
    "from viam.components.camera import Camera\nfrom viam.services",
    'classifications = await classifier.get_classifications_from_camera(\n    "my-camera", count=1',
    "import asyncio\nimport time",
)
"""How its Python blocks begin."""

WHOLE_PROGRAM = 17
"""Connects by itself."""
ENDLESS = 20
"""Runs until it is stopped."""

GET_IMAGE = ("await cam1.get_image()", "(await cam1.get_images())[0][0]")
RAW_IMAGE = ("RawImage(data=img.data, mime_type=img.mime_type)", "img")
CAMERA_NAME = ("get_object_point_clouds(cam1)", 'get_object_point_clouds("cam1")')

EDITS = {
    1: [GET_IMAGE, RAW_IMAGE],
    3: [GET_IMAGE, RAW_IMAGE],
    5: [CAMERA_NAME],
    8: [GET_IMAGE],
    9: [
        ("Image.open('test-image.png')", "ViamImage(open('test-image.png', 'rb').read(), CameraMimeType.PNG)"),
        ("get_classifications(img)", "get_classifications(img, 2)"),
    ],
    11: [GET_IMAGE],
    13: [GET_IMAGE],
    14: [CAMERA_NAME],
    15: [('MotionClient.from_robot(robot, "builtin")', 'VisionClient.from_robot(robot, "my_vision_svc")')],
    21: [
        (
            "await my_camera.get_image(mime_type = CameraMimeType.VIAM_RAW_DEPTH)",
            '(await my_camera.get_images(filter_source_names=["depth"]))[0][0]',
        )
    ],
    22: [
        ("await my_camera.get_image()", "(await my_camera.get_images())[0][0]"),
        ("pil_to_viam_image(cropped_pil_frame)", "pil_to_viam_image(cropped_pil_frame, CameraMimeType.JPEG)"),
    ],
    23: [("images[0].image", "images[0]")],
    26: [("component.do(command)", "await component.do_command(command)")],
}
"""By the block's number, what the SDK 0.85.1 needs changed: it fails in all of these before it sends anything (15: no
motion service is here to be found). All other blocks run as they stand."""


def blocks() -> dict[int, str]:
    """Return the blocks by their numbers, in the order of the documents; none where these are absent."""
    found: list[str] = []
    for file in sorted(SEEDS.glob("*.txt")) if SEEDS.is_dir() else []:
        found += _blocks(file)
    return dict(enumerate(found, 1))


def _blocks(file: Path) -> list[str]:
    text = file.read_text()
    fenced = re.findall(r"```python[^\n]*\n(.*?)```", text, re.DOTALL)
    if fenced:
        return fenced
    found = []
    for beginning in UNFENCED:
        if beginning in text:
            rest = text[text.index(beginning) :]
            ends = [rest.index(other) for other in OTHER_LANGUAGES if other in rest]
            found.append(rest[: min(ends)])
    return found


def edited(number: int, block: str) -> str:
    """Return a block with its edits."""
    for old, new in EDITS.get(number, ()):
        assert old in block
        block = block.replace(old, new)
    return block
