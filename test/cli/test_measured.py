"""What was measured on other people's models and images, through the command."""

import json

import pytest

import testdata
from vision_service.cli.main import main
from vision_service.image import encode
from vision_service.types import Classification, Detection

METHODS = {"detect": "detector", "classify": "classifier"}


@pytest.mark.parametrize(
    ("command", "model"),
    [(command, model) for command, kind in METHODS.items() for model in testdata.models(kind)],
)
def test_every_image_gives_what_was_measured(command, model, tmp_path, capsys):
    results = testdata.of_model(model)
    files = [str(file_of(result["image"], tmp_path)) for result in results]
    options = [f"--{name.replace('_', '-')}={value}" for name, value in testdata.attributes(model).items()]

    assert main([command, *files, *options, "--json"]) == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == files
    for result, line in zip(results, lines, strict=True):
        if command == "detect":
            testdata.check_detections(result, [Detection(**item) for item in line["detections"]])
        else:
            testdata.check_classifications(result, [Classification(**item) for item in line["classifications"]])


def file_of(image, folder):
    """Return an image's file, a new one for the colours of a point cloud."""
    if "#" not in image:
        return testdata.path(image)
    path = folder / f"{image.partition('/')[2]}.png"
    shown = testdata.image(image)
    path.write_bytes(encode(shown.pixels, "image/png", encoding=shown.encoding))
    return path
