"""The model `tracker`: on rendered images, with the trained detector and with one that knows the truth."""

import json
import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from vision_service.camera.synthetic import Synthetic
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.resources import LocalResources
from vision_service.types import Detection, DetectionExtra, Frame, InstanceMask, LabelChange
from vision_service.vision import MODELS
from vision_service.vision.camera_tracks import ANSWERS
from vision_service.vision.mlmodel import MLModel
from vision_service.vision.model import Needs, VisionModel, methods, only_live_changes
from vision_service.vision.tracker import EVENTS, Tracker

TRAINED = Path(__file__).resolve().parents[2] / "models" / "solids_detector.tflite"
RATE = 30
SECOND = 1_000_000_000


class TruthDetector(VisionModel):
    """Knows where the solids of the synthetic camera are."""

    labels = ("cube", "ball", "cylinder", "cone")

    def __init__(self) -> None:
        self.frames = 0

    def detect(self, frame: Frame) -> list[Detection]:
        self.frames += 1
        if frame.image is None:
            raise VisionError(ErrorCode.NO_FRAME, "there is no image")
        return [Detection(item.class_name, 0.9, *item.box) for item in frame.extra["truth"]]


class Memory(VisionModel):
    """Says of a frame what another detector said of it, which then looks at each frame once for all tests."""

    def __init__(self, detector: VisionModel) -> None:
        self.labels = detector.labels
        self._detector = detector
        self._said = {}

    def detect(self, frame: Frame) -> list[Detection]:
        key = id(frame.image)
        if key not in self._said:
            self._said[key] = frame, self._detector.detect(frame)  # the frame is kept, else its id may come again
        return self._said[key][1]


class Screened(VisionModel):
    """Another detector that sees nothing of the image's left part during some time."""

    def __init__(self, detector: VisionModel, edge: float, start: float, end: float) -> None:
        self.labels = detector.labels
        self._detector = detector
        self._edge = edge
        self._start, self._end = start * SECOND, end * SECOND

    def detect(self, frame: Frame) -> list[Detection]:
        found = self._detector.detect(frame)
        return [item for item in found if item.x_max > self._edge or not self._start <= frame.stamp < self._end]


def tracker(detector: VisionModel, **attributes) -> Tracker:
    resources = LocalResources({"vision": {"detector": lambda _: detector}})
    values = {"detector_name": "detector", **attributes}
    return Tracker(configure(Tracker.Config, values, of="the model tracker"), resources)


def frames(count: int, *, rate: float = RATE, name: str = "camera", **attributes) -> list[Frame]:
    """Return frames of the synthetic camera with their stamps; the first one is a second after the epoch."""
    values = {"frame_rate": rate, "width_px": 160, "height_px": 120, **attributes}
    camera = Synthetic(configure(Synthetic.Config, values, of="the camera"), LocalResources())
    return [
        replace(camera.read(), stamp=SECOND + round(number / rate * SECOND), camera_name=name, frame_id="optical")
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def trained():
    config = configure(MLModel.Config, {"model_path": str(TRAINED), "default_minimum_confidence": 0.2}, of="the model")
    model = MLModel(config, LocalResources())
    yield Memory(model)
    model.close()


@pytest.fixture(scope="module")
def table():
    """Eight seconds of six solids that move about, some of them before others."""
    return frames(240, seed=9, objects=6, speed=3.0, width_px=640, height_px=480)


@pytest.fixture(scope="module")
def slow_table():
    """Four seconds of the same solids at an easy pace."""
    return frames(120, seed=9, objects=6, width_px=640, height_px=480)


def solid_of(item: Detection, frame: Frame) -> int | None:
    """Return the number of the solid that a detection shows; None = of none."""

    def overlap(box) -> float:
        width = min(item.x_max, box.x_max) - max(item.x_min, box.x_min)
        height = min(item.y_max, box.y_max) - max(item.y_min, box.y_min)
        common = max(width, 0) * max(height, 0)
        return common / (item.area + (box.x_max - box.x_min) * (box.y_max - box.y_min) - common)

    best = max(frame.extra["truth"], key=lambda solid: overlap(solid.box))
    return best.id if overlap(best.box) >= 0.5 else None


def follow(model: Tracker, seen: list[Frame]) -> dict[int, list[str]]:
    """Return the ids that each solid has, one after the other: one, if there is no switch."""
    ids = defaultdict(list)
    for frame in seen:
        for item in model.detect(frame):
            solid = solid_of(item, frame)
            if solid is not None and ids[solid][-1:] != [item.id]:
                ids[solid].append(item.id)
    return dict(ids)


def kind(event: LabelChange) -> str:
    return "born" if event.current else "died"


def track(event: LabelChange) -> str:
    return event.current or event.previous


def kinds(model: Tracker) -> list[str]:
    return [kind(event) for event in model.events()]


# What it is.


def test_it_is_registered_as_tracker():
    assert MODELS.get("tracker") is Tracker


def test_it_detects_and_nothing_else_and_must_see_every_frame():
    assert methods(tracker(TruthDetector())) == {"detect"}
    assert Tracker.sees_every_frame
    assert Tracker.sees_every_frame


def test_it_needs_of_a_frame_what_its_detector_needs():
    detector = TruthDetector()
    detector.needs = Needs.IMAGE | Needs.DEPTH
    assert tracker(detector).needs == Needs.IMAGE | Needs.DEPTH


def test_a_detector_that_does_not_exist_is_refused():
    with pytest.raises(VisionError, match="detector") as raised:
        tracker(TruthDetector(), detector_name="detectr")
    assert raised.value.code == ErrorCode.UNKNOWN_RESOURCE


def test_a_tracker_of_itself_is_refused():
    config = configure(Tracker.Config, {"detector_name": "me"}, of="the model tracker")
    resources = LocalResources({"vision": {"me": lambda resources: Tracker(config, resources)}})
    with pytest.raises(VisionError, match="me -> me") as raised:
        Tracker(config, resources)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_its_labels_are_the_detectors_that_are_chosen():
    assert tracker(TruthDetector()).labels == TruthDetector.labels
    assert tracker(TruthDetector(), chosen_labels=["Cone", "cube"]).labels == ("cube", "cone")


def test_a_label_that_the_detector_never_finds_is_refused():
    with pytest.raises(VisionError, match="'cones': did you mean 'cone'") as raised:
        tracker(TruthDetector(), chosen_labels=["cones"])
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_a_detector_that_does_not_say_its_labels_may_find_any():
    detector = TruthDetector()
    detector.labels = ()
    model = tracker(detector, chosen_labels=["Cone"], min_track_persistence=1)
    (frame,) = frames(1, objects=6)
    assert model.labels == ()
    assert {item.class_name for item in model.detect(frame)} == {"cone"}


def test_only_another_detector_or_other_labels_make_another_model():
    before = Tracker.Config(detector_name="detector")
    live = replace(before, min_confidence=0.3, high_confidence=0.6, min_track_persistence=5, iou_threshold=0.4)
    assert only_live_changes(before, replace(live, occlusion_tolerance=2.0, across_classes=False))
    assert not only_live_changes(before, replace(before, detector_name="other"))
    assert not only_live_changes(before, replace(before, chosen_labels=("cube",)))


# Ids stay with solids.


def test_every_solid_keeps_one_id_for_eight_seconds(trained, table):
    model = tracker(trained)
    ids = follow(model, table)
    assert sorted(ids) == [1, 2, 3, 4, 5, 6]
    assert [len(of_one) for of_one in ids.values()] == [1] * 6
    assert len({of_one[0] for of_one in ids.values()}) == 6
    assert kinds(model) == ["born"] * 6


def test_the_solids_do_pass_before_each_other(table):
    assert min(solid.visible_fraction for frame in table for solid in frame.extra["truth"]) < 0.75


def test_the_boxes_and_confidences_are_the_detectors(trained, table):
    model = tracker(trained)
    for frame in table[:10]:
        model.detect(frame)
    found = model.detect(table[10])
    assert len(found) == 6
    assert [replace(item, id="") for item in found] == [
        item for item in trained.detect(table[10]) if (item.x_min, item.y_min) in {(x.x_min, x.y_min) for x in found}
    ]


@pytest.mark.parametrize("step", [2, 3, 6])
def test_at_a_lower_frame_rate_too(trained, table, step):
    ids = follow(tracker(trained), table[::step])
    assert [len(of_one) for of_one in ids.values()] == [1] * 6


def test_when_two_of_three_frames_are_lost_by_chance(trained, table):
    kept = [frame for frame in table if random.Random(frame.stamp).random() < 1 / 3]
    assert 60 < len(kept) < 100
    ids = follow(tracker(trained), kept)
    assert [len(of_one) for of_one in ids.values()] == [1] * 6


@pytest.mark.parametrize("edge", [300, 400, 640])
def test_when_solids_are_out_of_sight_for_a_while(trained, slow_table, edge):
    model = tracker(Screened(trained, edge=edge, start=3.0, end=3.8))
    hidden = sum(len(trained.detect(frame)) for frame in slow_table) - sum(
        len(Screened(trained, edge=edge, start=3.0, end=3.8).detect(frame)) for frame in slow_table
    )
    assert hidden > 40
    ids = follow(model, slow_table)
    assert [len(of_one) for of_one in ids.values()] == [1] * 6
    assert kinds(model) == ["born"] * 6


def test_when_they_are_away_for_longer_than_is_tolerated_they_are_new(trained, slow_table):
    model = tracker(Screened(trained, edge=640, start=2.5, end=4.0))
    ids = follow(model, slow_table)
    assert [len(of_one) for of_one in ids.values()] == [2] * 6
    events = model.events()
    assert [kind(event) for event in events] == ["born"] * 6 + ["died"] * 6 + ["born"] * 6
    assert {track(event) for event in events[6:12]} == {first for first, _ in ids.values()}
    assert {track(event) for event in events[12:]} == {second for _, second in ids.values()}
    assert [event.stamp / SECOND for event in events[6:12]] == pytest.approx([3.5] * 6, abs=1 / RATE)


def test_unless_more_is_tolerated(trained, slow_table):
    model = tracker(Screened(trained, edge=640, start=2.5, end=4.0), occlusion_tolerance=3.0)
    follow(model, slow_table)
    assert "died" not in kinds(model)


def test_a_detector_that_wavers_between_two_classes_needs_a_track_across_them(trained):
    """Which is the default."""
    wavering = frames(120, seed=16, objects=6, speed=3.0, width_px=640, height_px=480)
    assert any(len(of_one) > 1 for of_one in follow(tracker(trained, across_classes=False), wavering).values())
    ids = follow(tracker(trained), wavering)
    assert [len(of_one) for of_one in ids.values()] == [1] * 6


def test_only_chosen_and_sure_detections_are_tracked(trained, table):
    model = tracker(trained, chosen_labels=["ball"])
    assert {item.class_name for frame in table[:5] for item in model.detect(frame)} == {"ball"}
    sure = tracker(trained, min_confidence=1.0)
    assert [item for frame in table[:5] for item in sure.detect(frame)] == []


def test_what_detections_carry_stays_with_them():
    detector = TruthDetector()
    detector.extras, detector.skeleton = frozenset({"masks"}), ((0, 1),)
    extra, detect = DetectionExtra(mask=InstanceMask(3, 4, 2, 1, (0, 2))), detector.detect
    detector.detect = lambda frame: [replace(item, class_index=7, extra=extra) for item in detect(frame)]
    model = tracker(detector, min_track_persistence=1)
    assert (model.extras, model.skeleton) == ({"masks"}, ((0, 1),))
    for frame in frames(3):
        found = model.detect(frame)
        assert found
        assert all(item.id for item in found)
        assert {(item.class_index, item.extra) for item in found} == {(7, extra)}


# Frames and their time.


def test_a_frame_that_comes_again_has_the_same_answer_and_changes_nothing():
    detector = TruthDetector()
    model = tracker(detector, min_track_persistence=2)
    first, second = frames(2)
    assert [model.detect(first), model.detect(first)] == [[], []]
    found = model.detect(second)
    assert len(found) == 5
    assert model.detect(replace(second, extra={})) == found
    assert model.detect(first) == []
    assert detector.frames == 2


def test_the_caller_may_do_with_an_answer_what_he_wants():
    model = tracker(TruthDetector(), min_track_persistence=1)
    (frame,) = frames(1)
    model.detect(frame).clear()
    assert len(model.detect(frame)) == 5


def test_answers_are_kept_of_the_last_frames_only():
    detector = TruthDetector()
    model = tracker(detector)
    seen = frames(ANSWERS + 1)
    for frame in seen:
        model.detect(frame)
    model.detect(seen[1])
    assert detector.frames == ANSWERS + 1
    model.detect(seen[0])
    assert detector.frames == ANSWERS + 2


def test_a_frame_that_comes_late_is_named_but_not_learned_from():
    in_order, late = tracker(TruthDetector()), tracker(TruthDetector())
    seen = frames(30, speed=3.0)
    expected = [in_order.detect(frame) for frame in seen]
    for frame in (*seen[:10], *seen[15:20]):
        late.detect(frame)
    before = late.do_command({"command": "tracks"})
    assert late.detect(seen[12]) == expected[12]
    assert late.do_command({"command": "tracks"}) == before


def test_when_time_jumps_back_everything_begins_anew():
    model = tracker(TruthDetector(), min_track_persistence=1)
    seen = frames(60, objects=1)
    first = [model.detect(frame)[0].id for frame in seen]
    again = [model.detect(frame)[0].id for frame in seen]
    (name,) = {item.class_name for item in model.detect(seen[-1])}
    assert first == [f"{name}_1"] * 60
    assert again == [f"{name}_2"] * 60
    assert [(kind(event), track(event), event.stamp) for event in model.events()] == [
        ("born", f"{name}_1", seen[0].stamp),
        ("died", f"{name}_1", seen[-1].stamp),
        ("born", f"{name}_2", seen[0].stamp),
    ]


def test_a_second_is_late_and_more_is_a_jump():
    model = tracker(TruthDetector(), min_track_persistence=1)
    (frame,) = frames(1)
    ids = {item.id for item in model.detect(replace(frame, stamp=10 * SECOND))}
    assert {item.id for item in model.detect(replace(frame, stamp=9 * SECOND))} == ids
    assert ids.isdisjoint(item.id for item in model.detect(replace(frame, stamp=9 * SECOND - 1)))


def arriving(seen: list[Frame], **changes) -> list[Frame]:
    """Return frames that arrive one by one at the times of their stamps, from a second on; and then other changes."""
    return [replace(frame, arrived=frame.stamp, **changes) for frame in seen]


@pytest.mark.parametrize("stamp", [0, 7 * SECOND])
def test_stamps_of_0_or_that_stand_still_are_replaced_by_the_time_of_arrival(stamp):
    by_stamps, by_arrival = tracker(TruthDetector()), tracker(TruthDetector())
    seen = frames(60, speed=3.0)
    for frame, same in zip(seen, arriving(seen, stamp=stamp), strict=True):
        expected, found = by_stamps.detect(frame), by_arrival.detect(same)
    assert found == expected
    assert {item.id for item in found} == {f"{item.class_name}_{item.id.rpartition('_')[2]}" for item in found}
    assert by_stamps.warning == ""
    assert "the stamps of camera 'camera'" in by_arrival.warning
    assert ("are 0" if stamp == 0 else "stand still at 7.000 s") in by_arrival.warning
    assert {event.stamp for event in by_arrival.events()} == {stamp}
    # A frame that comes again is still known.
    assert by_arrival.detect(same) == found


def test_tracks_go_on_when_stamps_cease_to_run_and_when_they_run_again():
    model = tracker(TruthDetector(), min_track_persistence=1)
    seen = arriving(frames(300, objects=1))
    still = [replace(frame, stamp=seen[99].stamp) for frame in seen[100:200]]
    shown = [model.detect(frame) for frame in (*seen[:100], *still, *seen[200:])]
    assert {item.id for found in shown for item in found} == {shown[0][0].id}
    assert model.warning == ""
    assert [kind(event) for event in model.events()] == ["born"]
    assert [(item.x_min, item.y_min) for item in shown[150]] == [(box.x_min, box.y_min) for box in boxes(still[50])]


@pytest.mark.parametrize("without", [{"camera_name": ""}, {"stamp": 0}])
def test_an_image_without_a_camera_or_for_once_without_a_stamp_is_answered_without_ids_and_changes_nothing(without):
    model = tracker(TruthDetector(), min_track_persistence=1)
    first, second = frames(2)
    model.detect(first)
    model.events()
    before = model.do_command({"command": "tracks"})
    found = model.detect(replace(second, **without))
    assert len(found) == 5
    assert {item.id for item in found} == {""}
    assert model.do_command({"command": "tracks"}) == before
    assert model.events() == []


def test_each_camera_is_followed_by_itself_and_ids_are_unique_over_all():
    model = tracker(TruthDetector())
    left, right = frames(60, name="left", seed=1), frames(60, name="right", seed=2, rate=10)
    ids = {"left": set(), "right": set()}
    for frame in sorted(left + right, key=lambda frame: frame.stamp):
        ids[frame.camera_name] |= {item.id for item in model.detect(frame)}
    assert len(ids["left"]) == len(ids["right"]) == 5
    assert ids["left"].isdisjoint(ids["right"])
    events = model.events()
    assert {(event.camera_name, track(event)) for event in events} == {
        (camera, item) for camera, items in ids.items() for item in items
    }


def test_a_frame_on_which_the_detector_fails_changes_nothing():
    model = tracker(TruthDetector(), min_track_persistence=2)
    first, second = frames(2)
    model.detect(first)
    with pytest.raises(VisionError, match="no image"):
        model.detect(replace(second, image=None))
    assert len(model.detect(second)) == 5


def test_other_attributes_hold_from_the_next_frame_on_and_for_frames_that_come_again():
    model = tracker(TruthDetector(), min_track_persistence=3)
    first, second = frames(2)
    model.detect(first)
    assert model.detect(second) == []
    model.update(replace(model.config, min_track_persistence=1))
    third = replace(second, stamp=second.stamp + SECOND // RATE)
    assert len(model.detect(third)) == 5
    model.update(replace(model.config, min_confidence=0.95))
    assert model.detect(third) == []


def test_what_is_too_small_or_too_large_is_not_tracked():
    (frame,) = frames(1)
    areas = {item.class_name: item.area / (160 * 120) for item in boxes(frame)}
    middle = sorted(item.area for item in boxes(frame))[2] / (160 * 120)
    model = tracker(TruthDetector(), min_track_persistence=1, minimum_area=middle)
    found = model.detect(frame)
    assert 0 < len(found) < 5
    assert min(item.area for item in found) / (160 * 120) >= middle
    name = next(iter(areas))
    model.update(replace(model.config, minimum_area=0.0, label_maximum_areas={name.upper(): 0.0}))
    assert name not in {item.class_name for item in model.detect(replace(frame, stamp=frame.stamp + SECOND))}


def test_a_limit_of_a_label_that_the_detector_never_finds_is_refused():
    with pytest.raises(VisionError, match="'label_minimum_areas': the detector 'detector' never finds 'cubb'"):
        tracker(TruthDetector(), label_minimum_areas={"cubb": 0.1})


def boxes(frame: Frame) -> list[Detection]:
    return TruthDetector().detect(frame)


# Events and commands.


def test_an_event_tells_what_came_and_went():
    model = tracker(TruthDetector(), min_track_persistence=1, occlusion_tolerance=0.0)
    (frame,) = frames(1, objects=1)
    (item,) = model.detect(frame)
    model.detect(replace(frame, stamp=2 * SECOND, extra={"truth": ()}))
    born, died = model.events()
    assert born == LabelChange("", item.id, 0.9, "camera", frame.stamp, "optical")
    assert died == LabelChange(item.id, "", 0.0, "camera", 2 * SECOND, "optical")
    assert (born.previous, born.current) == ("", item.id)
    assert (died.previous, died.current) == (item.id, "")


def test_events_are_told_once():
    model = tracker(TruthDetector(), min_track_persistence=1)
    model.detect(*frames(1))
    assert len(model.events()) == 5
    assert model.events() == []


def test_events_that_nobody_fetches_do_not_pile_up():
    model = tracker(TruthDetector(), min_track_persistence=1, occlusion_tolerance=0.0)
    (frame,) = frames(1)
    for number in range(1, EVENTS // 5):
        truth = frame.extra["truth"] if number % 2 else ()
        model.detect(replace(frame, stamp=number * SECOND, extra={"truth": truth}))
    events = model.events()
    assert len(events) <= EVENTS
    assert events[-1].stamp == (EVENTS // 5 - 1) * SECOND


def test_the_command_tracks_lists_the_living_tracks():
    model = tracker(TruthDetector(), min_track_persistence=1)
    first, second = frames(2, objects=1, speed=0, rate=10)
    assert model.do_command({"command": "tracks"}) == {"tracks": []}
    (item,) = model.detect(first)
    model.detect(second)
    model.detect(replace(second, stamp=second.stamp + SECOND // 2, extra={"truth": ()}))
    (track,) = json.loads(json.dumps(model.do_command({"command": "tracks"})))["tracks"]
    box = track.pop("box")
    assert track == {
        "camera_name": "camera",
        "id": item.id,
        "class_name": item.class_name,
        "confidence": 0.9,
        "age": pytest.approx(0.6),
        "unseen": pytest.approx(0.5),
    }
    assert [box[edge] for edge in ("x_min", "y_min", "x_max", "y_max")] == pytest.approx(
        [item.x_min, item.y_min, item.x_max, item.y_max], abs=0.5
    )


def test_the_command_reset_ends_all_tracks_and_numbers_go_on():
    model = tracker(TruthDetector(), min_track_persistence=1)
    first, second = frames(2, objects=1)
    (before,) = model.detect(first)
    assert model.do_command({"command": "reset"}) == {}
    assert model.do_command({"command": "tracks"}) == {"tracks": []}
    (after,) = model.detect(second)
    assert (before.id, after.id) == (f"{before.class_name}_1", f"{before.class_name}_2")
    assert kinds(model) == ["born", "died", "born"]


def test_after_a_reset_a_frame_that_comes_again_is_new():
    model = tracker(TruthDetector(), min_track_persistence=1)
    (frame,) = frames(1, objects=1)
    (before,) = model.detect(frame)
    model.do_command({"command": "reset"})
    (after,) = model.detect(frame)
    assert (before.id, after.id) == (f"{before.class_name}_1", f"{before.class_name}_2")


def test_the_command_help_lists_the_commands():
    assert set(tracker(TruthDetector()).do_command({"command": "help"})["commands"]) == {"help", "reset", "tracks"}


@pytest.mark.parametrize("command", [{"command": "track"}, {"command": 3}, {}])
def test_an_unknown_command_is_refused_with_those_there_are(command):
    with pytest.raises(VisionError, match="tracks") as raised:
        tracker(TruthDetector()).do_command(command)
    assert raised.value.code == ErrorCode.NOT_SUPPORTED


def test_it_may_be_closed_twice_and_leaves_its_detector_open():
    detector = TruthDetector()
    model = tracker(detector)
    model.close()
    model.close()
    assert detector.detect(Frame(image=Image(frames(1)[0].image.rgb), extra={"truth": ()})) == []
