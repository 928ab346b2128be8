"""Resources: how models and drivers reach each other by name."""

import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import LocalResources


class Thing:
    """A resource that writes down when it is closed."""

    def __init__(self, name, journal):
        self.name = name
        self._journal = journal

    def close(self):
        self._journal.append(self.name)


class Detector(Thing):
    def detect(self, frame):
        return []


class Classifier(Thing):
    detect = None

    def classify(self, frame, count=-1):
        return []


class Broken(Thing):
    def close(self):
        super().close()
        raise VisionError(ErrorCode.CAMERA_ERROR, "it does not close")


def test_a_resource_is_made_once_when_it_is_first_asked_for():
    made = []

    def make(resources):
        made.append("cam")
        return Thing("cam", [])

    resources = LocalResources({"camera": {"cam": make}})
    assert made == []
    assert resources.camera("cam") is resources.camera("cam")
    assert made == ["cam"]


def test_a_resource_finds_what_it_needs_in_turn():
    resources = LocalResources(
        {
            "camera": {"small": lambda found: ("small of", found.camera("big")), "big": lambda _: "big"},
        }
    )
    assert resources.camera("small") == ("small of", "big")


def test_kinds_have_names_of_their_own():
    resources = LocalResources(
        {"mlmodel": {"fruit": lambda _: "runtime"}, "camera": {"fruit": lambda found: ("uses", found.mlmodel("fruit"))}}
    )
    assert resources.camera("fruit") == ("uses", "runtime")


@pytest.mark.parametrize(
    ("needs", "cycle"),
    [
        ({"a": "a"}, "a -> a"),
        ({"a": "b", "b": "a"}, "a -> b -> a"),
        ({"a": "b", "b": "c", "c": "b"}, "b -> c -> b"),
    ],
    ids=["itself", "each other", "further down"],
)
def test_a_dependency_cycle_is_refused_and_named(needs, cycle):
    makers = {name: lambda found, other=other: found.camera(other) for name, other in needs.items()}
    with pytest.raises(VisionError, match=rf"cycle\): {cycle}$") as caught:
        LocalResources({"camera": makers}).camera("a")
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


def test_what_could_not_be_made_is_tried_again():
    attempts = []

    def make(_):
        attempts.append(1)
        if len(attempts) == 1:
            raise VisionError(ErrorCode.CAMERA_ERROR, "not plugged in")
        return "cam"

    resources = LocalResources({"camera": {"cam": make}})
    with pytest.raises(VisionError, match="not plugged in"):
        resources.camera("cam")
    assert resources.camera("cam") == "cam"


def test_a_vision_model_is_given_for_what_it_can_do():
    detector, classifier = Detector("d", []), Classifier("c", [])
    resources = LocalResources({"vision": {"d": lambda _: detector, "c": lambda _: classifier}})
    assert resources.detector("d") is detector
    assert resources.classifier("c") is classifier


@pytest.mark.parametrize(
    ("ask", "name", "message"),
    [
        ("detector", "c", "the vision service 'c' is no detector: it cannot detect or label"),
        ("classifier", "d", "the vision service 'd' is no classifier: it cannot classify"),
        ("detector", "door", "no vision 'door': known are c, d"),
        ("camera", "cam", "no camera 'cam': there are none here"),
        ("mlmodel", "fruits", "no mlmodel 'fruits': did you mean 'fruit'?"),
    ],
    ids=["cannot detect", "cannot classify", "unknown", "none at all", "misspelt"],
)
def test_what_is_not_there_is_unknown(ask, name, message):
    resources = LocalResources(
        {
            "vision": {"d": lambda _: Detector("d", []), "c": lambda _: Classifier("c", [])},
            "mlmodel": {"fruit": lambda _: "runtime"},
        }
    )
    with pytest.raises(VisionError) as caught:
        getattr(resources, ask)(name)
    assert (caught.value.code, caught.value.message) == (ErrorCode.UNKNOWN_RESOURCE, message)


def test_without_makers_everything_is_unknown():
    with pytest.raises(VisionError, match="there are none here"):
        LocalResources().camera("cam")


def test_all_are_closed_the_last_one_first_and_once():
    journal = []
    resources = LocalResources(
        {"camera": {name: lambda _, name=name: Thing(name, journal) for name in ("first", "second", "unused")}}
    )
    resources.camera("first")
    resources.camera("second")
    resources.close()
    resources.close()
    assert journal == ["second", "first"]


def test_one_that_does_not_close_does_not_keep_the_others_open():
    journal = []
    makers = {"first": lambda _: Thing("first", journal), "broken": lambda _: Broken("broken", journal)}
    resources = LocalResources({"camera": makers})
    resources.camera("first")
    resources.camera("broken")
    with pytest.raises(VisionError, match="it does not close"):
        resources.close()
    assert journal == ["broken", "first"]
