"""Files are tried in another process: what crashes or hangs there harms nobody here."""

import json
import os
import select
import signal
import subprocess
import sys

import numpy as np
import pytest

import testdata
import tinymodels
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel import trial, trial_process
from vision_service.mlmodel.runtime import RuntimeOptions
from vision_service.mlmodel.trial import try_model

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")

GOOD = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2))


@pytest.fixture(autouse=True)
def nothing_was_tried(monkeypatch):
    monkeypatch.setattr(trial, "_tried", {})


def attempt(data: bytes, path: str = "some/model.tflite", *, runtime="litert", timeout=60.0, **options) -> None:
    try_model(runtime, data, RuntimeOptions(**options), path=path, timeout=timeout)


def refusal(data: bytes, **options) -> VisionError:
    with pytest.raises(VisionError) as raised:
        attempt(data, **options)
    assert "\n" not in raised.value.message
    return raised.value


def crashing() -> bytes:
    """Return a file that ends the process that loads it."""
    data = bytearray(testdata.path("models/unsupported/split_concat.tflite").read_bytes())
    data[208] ^= 0xFF  # found by damaging one byte after the other: LiteRT 2.3 ends with signal 11
    return bytes(data)


def child_runs(monkeypatch, code: str) -> None:
    """Let the child run this instead; what is in braces is not replaced."""
    monkeypatch.setattr(trial_process, "CHILD", code.replace("{", "{{").replace("}", "}}"))


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("float32", (1, 4, 6, 3)),
        ("float16", (1, 4, 6, 3)),
        ("uint8", (1, 4, 6, 3)),
        ("int8", (1, 4, 6, 3)),
        ("float32", (1, -1, -1, 3)),
    ],
)
def test_a_good_file_passes(dtype, shape):
    quantization = {"image": (1 / 255, 0)} if dtype.endswith("int8") else {}
    attempt(tinymodels.tflite({"image": (dtype, shape)}, mean_of=(1, 2), quantization=quantization))


def test_a_good_onnx_file_passes():
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    attempt(tinymodels.onnx({"image": ("float32", ("n", 3, "h", "w"))}, mean_of=(2, 3)), runtime="onnx")


def test_models_that_take_no_image_are_tried_as_well():
    attempt(tinymodels.tflite({"numbers": ("int64", (2, 3)), "x": ("int32", ())}, {"out": np.zeros(4, np.int64)}))


def test_what_the_runtime_refuses_is_refused_with_its_reason():
    error = refusal(b"TFL3TFL3")
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert "'some/model.tflite' cannot be used: it is no TensorFlow Lite file" in error.message


def test_options_hold_in_the_trial():
    assert (
        "'/absent/delegate.so' cannot be loaded with a=b"
        in refusal(GOOD, delegate="/absent/delegate.so", delegate_options=(("a", "b"),)).message
    )


def test_a_damaged_file_that_crashes_the_runtime_is_refused_and_this_process_lives():
    error = refusal(crashing())
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert "'some/model.tflite' cannot be used: a trial of it crashed native code (signal 11, SIGSEGV)" in error.message


def test_a_crash_counts_where_nobody_is_told_how_children_end():
    """A process that was started with SIGCHLD ignored, as some supervisors do, gets no exit codes."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert "a trial of it ended without an answer" in refusal(crashing()).message
        assert "it is no TensorFlow Lite file" in refusal(b"TFL3TFL3").message
        attempt(GOOD)
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_what_a_library_prints_is_no_answer(monkeypatch):
    for printed in ("[0, 1]", "[99999, 'a']", "7", "{}", "[0]"):
        child_runs(monkeypatch, f"import os; print({printed!r}, flush=True); os.abort()")
        assert "crashed native code (signal 6, SIGABRT)" in refusal(GOOD, path=printed).message


def test_a_crash_names_its_signal(monkeypatch):
    child_runs(monkeypatch, "import os; os.abort()")
    assert "crashed native code (signal 6, SIGABRT)" in refusal(GOOD).message


def test_a_trial_that_is_killed_is_told_from_a_crash_and_may_be_tried_again(monkeypatch):
    with monkeypatch.context() as patched:
        child_runs(patched, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        error = refusal(GOOD)
        assert error.code == ErrorCode.MODEL_ERROR
        assert "too little memory" in error.message
    attempt(GOOD)


def test_a_trial_that_hangs_is_ended_and_may_be_tried_again(monkeypatch):
    with monkeypatch.context() as patched:
        child_runs(patched, "while True: pass")
        error = refusal(GOOD, timeout=0.5)
        assert error.code == ErrorCode.DEADLINE_EXCEEDED
        assert "did not finish within 0.5 s" in error.message
        assert "'trial_timeout'" in error.message
    attempt(GOOD)


def test_another_failure_of_the_child_is_told_in_one_line(monkeypatch):
    child_runs(monkeypatch, "raise MemoryError('of 5 TB')")
    assert "ended with exit code 1: MemoryError: of 5 TB" in refusal(GOOD).message


def test_a_content_is_tried_once(monkeypatch):
    attempt(GOOD)
    assert "no TensorFlow Lite file" in refusal(b"nothing").message
    child_runs(monkeypatch, "import os; os.abort()")
    attempt(GOOD)
    assert "no TensorFlow Lite file" in refusal(b"nothing").message
    assert "crashed" in refusal(GOOD + b"\0").message
    assert "crashed" in refusal(GOOD, num_threads=2).message


def test_the_child_imports_neither_images_nor_ros_and_runs_no_startup_files(monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('startup files were run')")
    monkeypatch.syspath_prepend(tmp_path)
    (line,) = [line for line in trial_process.CHILD.splitlines() if line.startswith("os._exit")]
    heavy = "[name for name in ('cv2', 'rclpy', 'site', 'sitecustomize') if name in sys.modules]"
    checked = f"code = main(sys.argv[2:]); found = {heavy}; os._exit(code or (7 if found else 0))"
    monkeypatch.setattr(trial_process, "CHILD", trial_process.CHILD.replace(line, checked))
    attempt(GOOD)


def test_the_child_finds_what_this_process_finds(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    (tmp_path / "numpy.py").write_text("raise ImportError('this is not NumPy')")
    monkeypatch.chdir("/")
    attempt(GOOD)


class TestBegunEarly:
    """A command begins the trial before it imports what loads the model."""

    @pytest.fixture(autouse=True)
    def it_cannot_be_copied(self, monkeypatch):
        monkeypatch.setattr(trial_process, "alone", lambda: False)

    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "model.tflite"
        path.write_bytes(GOOD)
        yield str(path)
        for begun in trial_process._begun.values():
            begun.end()
        trial_process._begun.clear()

    def test_it_is_the_one_that_counts(self, file, monkeypatch):
        trial_process.begin(file)
        child_runs(monkeypatch, "raise SystemExit('a second one')")
        attempt(GOOD, file)

    def test_of_another_content_it_does_not_count(self, file, monkeypatch):
        child_runs(monkeypatch, "raise SystemExit('the first one')")
        trial_process.begin(file)
        monkeypatch.undo()
        attempt(GOOD + b"\0", file)

    def test_what_it_refuses_is_refused(self, file, monkeypatch):
        child_runs(monkeypatch, "import os; os.abort()")
        trial_process.begin(file)
        monkeypatch.undo()
        with pytest.raises(VisionError, match="crashed"):
            attempt(GOOD, file)

    @pytest.mark.parametrize("content", [b"", b"no model at all"])
    def test_what_is_no_model_is_left_to_whoever_loads_it(self, tmp_path, content):
        path = tmp_path / "other"
        path.write_bytes(content)
        trial_process.begin(str(path))
        trial_process.begin(str(tmp_path / "absent"))
        trial_process.begin(str(tmp_path))
        assert not trial_process._begun


class TestInACopyOfTheProcess:
    """A command that has one thread begins the trial in a copy of itself."""

    TRY = """
import os, sys
from vision_service import starting
starting.begin()
from vision_service.mlmodel import trial_process
trial_process.FreshTrial = None  # it must not be needed
{before}
trial_process.{how}
from vision_service.errors import VisionError
from vision_service.mlmodel.runtime import RuntimeOptions
from vision_service.mlmodel.trial import try_model
data = open(sys.argv[1], "rb").read()
try:
    try_model("litert", data, RuntimeOptions(), path=sys.argv[1], timeout={timeout})
    print("good")
except VisionError as error:
    print(int(error.code), error.message)
"""
    INSTEAD = "from vision_service.mlmodel import trial\ntrial._run_once = lambda model: {}"

    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "model.tflite"
        path.write_bytes(GOOD)
        return path

    @pytest.fixture(params=["begin(sys.argv[1])", "prepare('litert')"], ids=["begun", "prepared"], autouse=True)
    def the_way(self, request):
        self.how = request.param

    def told(self, file, before: str = "", timeout: float = 30.0) -> str:
        """Return what the program prints for a file."""
        program = self.TRY.format(before=before, timeout=timeout, how=self.how)
        done = subprocess.run(
            [sys.executable, "-c", program, str(file)], capture_output=True, text=True, timeout=60, check=True
        )
        assert "Traceback" not in done.stderr
        return done.stdout

    def test_a_good_file_passes(self, file):
        assert self.told(file) == "good\n"

    def test_a_damaged_file_that_crashes_the_runtime_is_refused_and_the_command_lives(self, file):
        file.write_bytes(crashing())
        assert "cannot be used: a trial of it crashed native code (signal 11, SIGSEGV)" in self.told(file)

    def test_where_nobody_is_told_how_children_end_they_say_it_themselves(self, file):
        ignored = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
        assert self.told(file, ignored) == "good\n"
        ends = self.INSTEAD.format("[os.write(1, b'so far'), os._exit(0)]")
        assert "a trial of it ended without an answer" in self.told(file, f"{ignored}\n{ends}")
        hangs = self.INSTEAD.format("__import__('time').sleep(1000)")
        assert "did not finish within 0.2 s" in self.told(file, f"{ignored}\n{hangs}", timeout=0.2)

    def test_it_ends_with_the_wait_for_it(self, file):
        """As where Ctrl-C ends that: a model that hangs in native code does not see it."""
        before = """
from vision_service.mlmodel.trial_fork import ForkedTrial
def interrupted(*_): raise KeyboardInterrupt
ForkedTrial._talk = interrupted
import atexit
def left():
    try: os.waitpid(-1, os.WNOHANG)
    except ChildProcessError: print("no child is left")
atexit.register(left)
"""
        program = self.TRY.format(before=before, timeout=30.0, how=self.how)
        done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, timeout=60)
        assert "KeyboardInterrupt" in done.stderr
        assert done.stdout == "no child is left\n"

    def test_what_the_runtime_refuses_is_refused_with_its_reason(self, file):
        file.write_bytes(b"TFL3TFL3")
        assert "it is no TensorFlow Lite file" in self.told(file)

    def test_one_that_hangs_is_ended(self, file):
        told = self.told(file, self.INSTEAD.format("__import__('time').sleep(1000)"), timeout=0.2)
        assert "did not finish within 0.2 s" in told

    def test_one_that_closes_its_streams_and_hangs_is_ended(self, file):
        hangs = "[os.close(1), os.close(2), __import__('time').sleep(1000)]"
        assert "did not finish within 0.2 s" in self.told(file, self.INSTEAD.format(hangs), timeout=0.2)

    def test_one_that_prints_a_lot_passes(self, file):
        assert self.told(file, self.INSTEAD.format("os.write(2, b'x' * 1_000_000)")) == "good\n"

    def test_another_failure_is_told_in_one_line(self, file):
        told = self.told(file, self.INSTEAD.format("1 / 0"))
        assert "ended with exit code 1: ZeroDivisionError: division by zero" in told

    def test_what_the_command_does_at_its_end_is_done_once(self, file):
        before = "import atexit; atexit.register(print, 'the end'); print('begun')"
        assert self.told(file, before) == "begun\ngood\nthe end\n"

    def test_one_of_many_bytes_passes(self, file):
        file.write_bytes(GOOD + bytes(3_000_000))
        assert self.told(file) == "good\n"


def test_a_copy_that_nothing_needs_is_ended_and_leaves_nothing():
    program = """
import os
from vision_service import starting
starting.begin()
from vision_service.mlmodel import trial_process
trial_process.FreshTrial = None  # it must not be needed
trial_process.prepare("litert")
before = len(os.listdir("/proc/self/fd"))
trial_process.dismiss()
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child is left, and", before - len(os.listdir("/proc/self/fd")), "files are closed")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "no child is left, and 3 files are closed\n"


def test_a_process_with_a_second_thread_is_not_copied():
    program = """
import json, threading, time
from vision_service.mlmodel.trial_fork import alone
before, stop = alone(), threading.Event()
thread = threading.Thread(target=stop.wait); thread.start()
beside = alone(); stop.set(); thread.join()
ends = time.monotonic() + 20  # the kernel lists a thread for a moment after it was joined
while not (after := alone()) and time.monotonic() < ends: time.sleep(0.001)
print(json.dumps([before, beside, after]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [True, False, True]


@pytest.mark.parametrize("way", ["a copy", "a fresh interpreter"])
def test_a_trial_that_hangs_ends_with_the_process_that_waits_for_it(tmp_path, way):
    """However that ends: killed, for example, when it can do nothing more."""
    os.mkfifo(tmp_path / "hanging")
    (tmp_path / "model.tflite").write_bytes(GOOD)
    hangs = "from vision_service.mlmodel import trial; trial._run_once = lambda _: [open({!r}, 'w'), signal.pause()]"
    hangs = f"import signal; {hangs.format(str(tmp_path / 'hanging'))}"
    program = f"""
import sys
from vision_service.mlmodel import trial_process
trial_process.CHILD = trial_process.CHILD.replace("os._exit", sys.argv[2] + "\\nos._exit")
exec(sys.argv[2])
if {way == "a copy"}: trial_process.begin(sys.argv[1])
from vision_service.mlmodel.runtime import RuntimeOptions
trial.try_model("litert", open(sys.argv[1], "rb").read(), RuntimeOptions(), path=sys.argv[1], timeout=1000)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "model.tflite"), hangs]
    with subprocess.Popen(command) as waits, (tmp_path / "hanging").open("rb") as held:  # opened when the trial hangs
        waits.kill()
        ended, _, _ = select.select([held], [], [], 60)
        assert ended
        assert held.read() == b""


class TestPreparedFresh:
    """A program that cannot be copied prepares a fresh interpreter, which waits for what it is given."""

    @pytest.fixture(autouse=True)
    def prepared(self, monkeypatch):
        monkeypatch.setattr(trial_process, "alone", lambda: False)
        monkeypatch.setattr(trial_process, "_prepared", [])

    def test_it_tries_the_first_model(self, monkeypatch):
        trial_process.prepare("litert")
        child_runs(monkeypatch, "raise SystemExit('a second one')")
        attempt(GOOD)
        assert "a second one" in refusal(GOOD + b"\0").message

    def test_what_it_refuses_is_refused(self):
        trial_process.prepare("litert")
        assert "it is no TensorFlow Lite file" in refusal(b"TFL3TFL3").message

    def test_it_tries_models_of_another_runtime_too(self):
        pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
        trial_process.prepare("litert")
        attempt(tinymodels.onnx({"image": ("float32", ("n", 3, "h", "w"))}, mean_of=(2, 3)), runtime="onnx")

    def test_an_onnx_file_is_prepared_for(self, tmp_path, monkeypatch):
        pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
        data = tinymodels.onnx({"image": ("float32", ("n", 3, "h", "w"))}, mean_of=(2, 3))
        (tmp_path / "model.onnx").write_bytes(data)
        trial_process.begin(str(tmp_path / "model.onnx"))
        child_runs(monkeypatch, "raise SystemExit('a second one')")
        attempt(data, runtime="onnx")

    def test_one_that_has_ended_in_vain_does_not_count(self, monkeypatch):
        with monkeypatch.context() as patched:
            child_runs(patched, f"raise SystemExit({trial_process.UNUSED})")
            trial_process.prepare("litert")
        attempt(GOOD)
        with monkeypatch.context() as patched:
            child_runs(patched, f"raise SystemExit({trial_process.UNUSED})")
            trial_process.prepare("litert")
        assert "it is no TensorFlow Lite file" in refusal(b"TFL3TFL3").message

    def test_one_that_nothing_needs_is_ended_and_leaves_nothing(self):
        trial_process.prepare("litert")
        (prepared,) = trial_process._prepared
        trial_process.dismiss()
        assert prepared._process.returncode is not None
        trial_process.dismiss()
        attempt(GOOD)

    def test_one_that_is_given_nothing_ends_by_itself(self, monkeypatch):
        short = "from vision_service.mlmodel import trial_process\ntrial_process.PATIENCE = 0.01\nos._exit"
        monkeypatch.setattr(trial_process, "CHILD", trial_process.CHILD.replace("os._exit", short))
        trial_process.prepare("litert")
        (prepared,) = trial_process._prepared
        assert prepared._process.wait(60) == trial_process.UNUSED
