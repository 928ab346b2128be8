"""Whether the models that a parameter file names can be used as it says, without running their nodes."""

import pytest
import yaml

import tinymodels
from vision_service.cli.file_checks import check_file, nodes_of
from vision_service.cli.model_checks import check_models


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A classifier of three classes that its file does not name."""
    data = tinymodels.onnx({"image": ("float32", (1, 3, 8, 8))}, mean_of=(2, 3))
    return tinymodels.write(tmp_path_factory.mktemp("model"), data, "mean.onnx")


@pytest.fixture
def check(tmp_path):
    """Returns what is wrong with the models of a file of these sections, in which nothing else is wrong."""

    def found(sections):
        path = tmp_path / "robot.yaml"
        path.write_text(yaml.safe_dump({name: {"ros__parameters": each} for name, each in sections.items()}))
        assert check_file(path) == []
        return [(each.where, each.what) for each in check_models(path, nodes_of(path))]

    return found


@pytest.fixture
def labels(tmp_path):
    def write(*names):
        path = tmp_path / "labels.txt"
        path.write_text("\n".join(names))
        return str(path)

    return write


def test_models_that_fit_their_labels_are_all_right(check, model, labels):
    section = {"model": "mlmodel", "model_path": model, "label_path": labels("a", "b", "c"), "decoder": "classifier"}
    assert check({"fruit": section}) == []


def test_a_label_file_that_is_too_short_is_found(check, model, labels):
    section = {"model": "mlmodel", "model_path": model, "label_path": labels("a", "b"), "decoder": "classifier"}
    [(where, what)] = check({"/**/fruit": section})
    assert where == "/fruit"
    assert "length of label list (2)" in what


def test_a_class_that_the_model_does_not_have_is_found(check, model, labels):
    section = {"model": "mlmodel", "model_path": model, "label_path": labels("a", "b", "cat"), "decoder": "classifier"}
    [(_, what)] = check({"fruit": {**section, "label_confidences.cta": 0.5}})
    assert what == "'label_confidences': the model has no class 'cta': did you mean 'cat'?"


def test_a_folder_is_no_model(check, tmp_path):
    [(where, what)] = check({"fruit": {"model_path": str(tmp_path)}})
    assert (where, "Is a directory" in what) == ("/fruit", True)


def test_the_model_of_another_node_of_the_file_is_used(check, model, labels):
    held = {"model_path": model, "label_path": labels("a", "b", "c")}
    user = {"model": "mlmodel", "mlmodel_name": "net", "decoder": "classifier"}
    assert check({"net": held, "fruit": user}) == []
    [(where, what)] = check({"net": held, "fruit": {**user, "label_confidences.d": 0.5}})
    assert (where, "no class 'd'" in what) == ("/fruit", True)


def test_that_of_a_node_elsewhere_is_not_known(check):
    assert check({"fruit": {"model": "mlmodel", "mlmodel_name": "elsewhere"}}) == []


def test_nodes_without_a_model_file_are_passed_over(check):
    reds = {"model": "color_detector", "detect_color": "#ff0000", "hue_tolerance_pct": 0.1}
    assert check({"eye": {"driver": "synthetic"}, "reds": reds}) == []
