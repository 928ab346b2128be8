"""A pool of ML models in processes of their own: members are killed, stopped, slow, other ones, and come back."""

import json
import signal
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Classification
from vision_service.msg import ErrorCode
from vision_service.srv import GetClassifications, GetVisionProperties, Infer

import tinymodels
from robot import ROOT, eventually, image_message, parameter_file, program, running
from vision_service.ros import conversion
from waiting_model import FAIL, HANG, VARIABLE

SIZE = (96, 256)
"""Of the models' input: large enough that it is worth packing."""
PATIENCE = 0.9
"""How long members may take, seconds: four times as long as usual, else, is soon over where tests share a processor."""
VISION = {
    "model": "mlmodel",
    "mlmodel_name": ["one", "two"],
    "activation": "none",
    "resource_timeout": 3.0,
    "pool_patience": PATIENCE,
    "cameras": ["view"],
}
RED = np.full((48, 128, 3), (250, 20, 30), np.uint8)


def model_file(folder, name, *labels, size=SIZE):
    """Return the file of a classifier of colours: its scores are the means of the channels."""
    data = tinymodels.tflite(
        {"image": ("float32", (1, *size, 3))}, mean_of=(1, 2), files={"labels.txt": "\n".join(labels)}
    )
    return tinymodels.write(folder, data, f"{name}.tflite")


class Hosts:
    """Processes with an ML model node each, as on hosts of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.file = model_file(folder, "colours", "red", "green", "blue")
        self.told = folder / "waiting.json"

    def tell(self, **seconds):
        """Let runs of nodes last some seconds from now on, or hang, or fail; those of all others are done at once."""
        new = self.told.with_suffix(".new")
        new.write_text(json.dumps(seconds))
        new.replace(self.told)

    @contextmanager
    def node(self, name, file=None):
        folder = self.folder / f"node_{name}"
        folder.mkdir(exist_ok=True)
        parameters = parameter_file(folder, {name: {"model_path": file or self.file}})
        arguments = ("--ros-args", "--params-file", parameters, "-r", f"__node:={name}")
        with program(ROOT / "test/waiting_model.py", *arguments) as process:
            yield process


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder / "waiting.json"))
        yield Hosts(folder)


@pytest.fixture(scope="module")
def steady(hosts):
    """The first host, which stays."""
    with hosts.node("one") as process:
        yield process


@pytest.fixture(scope="module")
def robot(steady):
    """A vision node with a pool of two, of which the first is there."""
    with running({"stack": {"vision": ["user"]}, "user": VISION}) as robot:
        robot.reach("one")
        eventually(lambda: robot.status("user")["state"] == "active", "the vision node has started")
        yield robot


@pytest.fixture
def other(hosts, robot):
    """The second host, used by the pool."""
    hosts.tell()
    eventually(lambda: not used(robot, "two"), "it is known that the one before has gone")
    with hosts.node("two") as process:
        eventually(lambda: used(robot, "two") and used(robot, "one"), "both are used")
        yield process
        hosts.tell()


def member(robot, name):
    return next(each for each in robot.status("user").get("pool", []) if each["name"] == name)


def used(robot, name, by="user"):
    """Return whether a member is used; a node that is not configured uses none."""
    return any(each["used"] for each in robot.status(by).get("pool", []) if each["name"] == name)


def ask(robot, of="user", **fields):
    image = conversion.image_to_message(RED, "rgb8", Header())
    return robot.ask(GetClassifications, f"{of}/get_classifications", image=image, count=1, **fields)


def best(robot, of="user"):
    """Return the best class, asked for now; it must be there."""
    answer = ask(robot, of).result()
    assert answer.success, answer.message
    return answer.classifications.results[0].class_id


def asked(robot):
    """Ask several times at once, because else all go to the quicker member; all must be answered."""
    answers = [ask(robot) for _ in range(6)]
    assert all(answer.result().success for answer in answers)
    return True


class TestMembers:
    def test_share_the_work(self, robot, other, hosts):
        hosts.tell(one=0.05, two=0.05)
        before = {name: member(robot, name)["runs"] for name in ("one", "two")}
        answers = [ask(robot) for _ in range(12)]
        assert all(answer.result().success for answer in answers)
        runs = {name: member(robot, name)["runs"] - before[name] for name in ("one", "two")}
        assert min(runs.values()) >= 3

    def test_the_slower_one_gets_less(self, robot, other, hosts):
        hosts.tell(one=0.02, two=0.2)
        for _ in range(2):  # what each of them takes is measured
            assert all(answer.result().success for answer in [ask(robot) for _ in range(6)])
        before = {name: member(robot, name)["runs"] for name in ("one", "two")}
        assert all(answer.result().success for answer in [ask(robot) for _ in range(20)])
        assert member(robot, "one")["runs"] - before["one"] > member(robot, "two")["runs"] - before["two"]

    def test_one_that_leaves_is_named_with_the_reason(self, robot, other):
        other.end()
        problem = eventually(lambda: robot.problem("user", "no node /two is here"), "it is said that it is left out")
        assert "the ML model 'two' is left out of the pool" in problem
        assert best(robot) == "red"

    def test_one_that_is_stopped_fails_no_call_and_comes_back_when_it_goes_on(self, robot, other):
        other.process.send_signal(signal.SIGSTOP)
        try:
            answers = [ask(robot) for _ in range(6)]
            assert all(answer.result().success for answer in answers)
            assert "not answered" in eventually(lambda: robot.problem("user", "'two'"), "it is left out")
        finally:
            other.process.send_signal(signal.SIGCONT)
        eventually(lambda: used(robot, "two"), "it is used again")

    def test_one_that_hangs_is_left_out_though_its_node_answers(self, robot, other, hosts):
        hosts.tell(two=HANG)
        assert all(ask(robot).result().success for _ in range(4))
        assert member(robot, "two")["late"] >= 1

    def test_one_whose_model_fails_costs_no_call(self, robot, other, hosts):
        hosts.tell(two=FAIL)
        eventually(lambda: asked(robot) and robot.problem("user", "fallen off the bus"), "it is left out")
        assert "'two'" in robot.problem("user", "fallen off the bus")
        hosts.tell()
        eventually(lambda: ask(robot).result().success and used(robot, "two"), "it is used again")

    def test_with_other_labels_one_is_left_out_and_named(self, robot, hosts):
        file = model_file(hosts.folder, "other", "rot", "green", "blue")
        with hosts.node("two", file):
            problem = eventually(lambda: robot.problem("user", "its label 0 is 'rot', not 'red'"), "it is said")
            assert "'two'" in problem
            assert "'one'" in problem
            assert {best(robot) for _ in range(6)} == {"red"}
            assert not used(robot, "two")
        with hosts.node("two"):
            eventually(lambda: used(robot, "two"), "the right model is used")

    def test_with_another_input_one_is_left_out_and_named(self, robot, hosts):
        with hosts.node("two", model_file(hosts.folder, "larger", "red", "green", "blue", size=(100, 256))):
            wrong = "its input is 'image' float32[1, 100, 256, 3], not 'image' float32[1, 96, 256, 3]"
            eventually(lambda: robot.problem("user", wrong), "it is said")
            assert best(robot) == "red"

    def test_no_member_is_a_model_error_with_all_names(self, robot, other, hosts, steady):
        hosts.tell(one=FAIL, two=FAIL)
        answer = ask(robot).result()
        assert answer.error_code == ErrorCode.MODEL_ERROR
        assert "'one'" in answer.message
        assert "'two'" in answer.message
        assert "start one of them again" in answer.message
        hosts.tell()
        eventually(lambda: used(robot, "one") and used(robot, "two"), "both are used again")

    def test_none_that_answers_is_a_deadline_with_all_names(self, robot, other, steady):
        for process in (other, steady):
            process.process.send_signal(signal.SIGSTOP)
        try:
            answer = ask(robot, timeout=10.0).result()
            assert answer.error_code == ErrorCode.DEADLINE_EXCEEDED
            assert "'one'" in answer.message
            assert "'two'" in answer.message
        finally:
            for process in (other, steady):
                process.process.send_signal(signal.SIGCONT)
        eventually(lambda: used(robot, "one") and used(robot, "two"), "both are used again")


class TestStreams:
    def test_results_come_in_the_order_of_frames_while_several_are_in_work(self, robot, other, hosts):
        hosts.tell(one=0.12, two=0.02)
        assert robot.set("user", {"pool_patience": 2.0}).successful
        with camera(robot, "view") as send:
            results = robot.listen(Classification, "user/view/classifications")
            eventually(lambda: send() or results.count, "results come")
            stamps = [(each.header.stamp.sec, each.header.stamp.nanosec) for each in take(results, 30, send)]
            robot.stop_listening(results)
        assert stamps == sorted(stamps)
        assert len(set(stamps)) == len(stamps)
        assert robot.set("user", {"pool_patience": PATIENCE}).successful


@contextmanager
def camera(robot, name):
    """Yields what publishes another image of a camera that the node is given."""
    publisher = robot.node.create_publisher(Image, f"{name}/image_raw", 10)
    numbers = iter(range(1, 1 << 30))
    try:
        yield lambda: publisher.publish(image_message(RED, stamp=next(numbers) * 10**7))
    finally:
        robot.node.destroy_publisher(publisher)


def take(inbox, count, send):
    found = []
    while len(found) < count:
        send()
        threading.Event().wait(0.01)
        found += inbox.drain()
    return found


class TestWhatTravels:
    def test_is_chosen_by_measuring_and_told(self, robot, other):
        def chosen():
            return asked(robot) and all(
                member(robot, name)["tensors_travel_as"] in ("raw", "bytes", "png") for name in ("one", "two")
            )

        eventually(chosen, "it is chosen")
        measured = member(robot, "one")["measured"]
        assert measured["bytes"]["bytes"] < 0.3 * measured["raw"]["bytes"]

    def test_is_lossy_only_if_the_user_says_so(self, robot, other):
        assert robot.set("user", {"tensor_encoding": "jpeg"}).successful
        try:
            assert best(robot) == "red"
            # Calls one after the other go to the quicker one, whichever that is.
            eventually(
                lambda: (
                    asked(robot) and any("jpeg" in member(robot, name).get("measured", {}) for name in ("one", "two"))
                ),
                "it is used",
            )
        finally:
            assert robot.set("user", {"tensor_encoding": "auto"}).successful

    def test_packed_wrongly_it_is_refused(self, robot):
        tensors = conversion.tensors_to_message({"image": np.zeros((1, *SIZE, 3), np.float32)})
        extra = json.dumps({"packed": {"image": {"as": "png"}}})
        answer = robot.call(Infer, "one/infer", inputs=tensors, extra=extra)
        assert answer.error_code == ErrorCode.INVALID_ARGUMENT
        assert "'image'" in answer.message


class TestNames:
    def test_a_list_of_one_is_a_plain_name(self, robot):
        assert robot.set("user", {"mlmodel_name": ["one"]}).successful
        assert "pool" not in robot.status("user")
        assert best(robot) == "red"
        eventually(
            lambda: robot.set("user", {"mlmodel_name": "one, two"}).successful, "it is known whether the second is here"
        )
        assert [each["name"] for each in robot.status("user")["pool"]] == ["one", "two"]

    def test_a_name_that_stands_twice_is_refused(self, robot):
        result = robot.set("user", {"mlmodel_name": ["one", "/one"]})
        assert not result.successful
        assert "twice" in result.reason

    def test_names_of_which_none_is_there_are_all_told(self, robot):
        result = robot.set("user", {"mlmodel_name": ["three", "four"]})
        assert not result.successful
        assert "no node /three is here" in result.reason
        assert "no node /four is here" in result.reason


def test_when_all_members_hold_another_model_that_is_taken(hosts):
    hosts.tell()
    changed = model_file(hosts.folder, "changed", "r", "g", "b")
    sections = {"stack": {"vision": ["taker"]}, "taker": VISION | {"mlmodel_name": ["three", "four"]}}

    def labels():
        return list(robot.call(GetVisionProperties, "taker/get_properties").labels)

    with running(sections) as robot:
        with hosts.node("three"), hosts.node("four"):
            eventually(lambda: labels() == ["red", "green", "blue"] and used(robot, "four", "taker"), "both are used")
        with hosts.node("three", changed), hosts.node("four", changed):
            eventually(lambda: labels() == ["r", "g", "b"], "the other model's labels are taken")
            eventually(lambda: used(robot, "three", "taker") and used(robot, "four", "taker"), "both are used")
            assert best(robot, "taker") == "r"


def test_one_that_was_killed_fails_no_call_and_comes_back(robot, other, hosts):
    other.end(signal.SIGKILL)
    with hosts.node("two"):
        assert {best(robot) for _ in range(8)} == {"red"}
        eventually(lambda: used(robot, "two"), "it is used again")
        assert {best(robot) for _ in range(4)} == {"red"}
