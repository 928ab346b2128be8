"""Trying a model's file in another process, so that one that crashes or hangs native code harms nobody.

The child is a fresh interpreter without `site`, whose .pth files may do anything, for example start the interpreter
once more; it imports NumPy and the runtime only. The first of the command and of a node is a copy of their process,
made before that has imported more than these (:mod:`vision_service.mlmodel.trial_fork`). It is given the file's bytes,
not its name, so that what was tried is what is used.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import select
import signal
import threading
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from vision_service.digests import sha256_of
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel import trial_process
from vision_service.mlmodel.runtime import Runtime, RuntimeOptions, TensorInfo
from vision_service.mlmodel.runtimes import load_runtime, open_model

USABLE = (0, "")
"""The child's answer, the last line on stdout, for a file that is good: for another, an error code and the reason. It
says this itself, as who has started it is not always told how it ended."""

USUAL_SIZE = 224
"""Of an image, where a model takes any."""

SMALL_SIZE = 8
"""Along each axis where more than two may be of any size, so that the whole stays small."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_tried: dict[tuple[Any, ...], VisionError | None] = {}
_tried_lock = threading.Lock()


def try_model(runtime: str, data: bytes, options: RuntimeOptions, *, path: str, timeout: float) -> None:
    """Load a model and run it once in a child process; once in this process for each content.

    Args:
        runtime: As :func:`vision_service.mlmodel.runtimes.find_runtime` gives it.
        data: The model's file.
        options: How it is run.
        path: What the file is called, for messages.
        timeout: How long that may take, seconds.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file is unusable, crashes native code or does not finish in time;
            NOT_SUPPORTED, if the runtime is not installed.
    """
    key = (sha256_of(data).digest(), runtime, options, path)
    with _tried_lock:  # two who want the same model at once: the second waits for the first
        if key not in _tried:
            outcome = _run_child(runtime, data, options, path, timeout)
            if outcome is not None and not _is_final(outcome):
                raise outcome
            _tried[key] = outcome
    found = _tried[key]
    if found is not None:
        raise VisionError(found.code, found.message)


def _is_final(error: VisionError) -> bool:
    """Return whether the same file would fail again: not if it was out of time, or a package can be installed."""
    return error.code == ErrorCode.INVALID_ARGUMENT


def _run_child(runtime: str, data: bytes, options: RuntimeOptions, path: str, timeout: float) -> VisionError | None:
    """Return why the file cannot be used, or None if it can."""
    how = trial_process.how_of(runtime, path, options.num_threads, options.delegate, options.delegate_options)
    refused = ErrorCode.INVALID_ARGUMENT
    try:
        code, stdout, stderr = trial_process.run(runtime, data, how, timeout)
    except TimeoutError:
        msg = f"the model {path!r} cannot be used: a trial of it did not finish within {timeout:g} s"
        return VisionError(ErrorCode.DEADLINE_EXCEEDED, f"{msg}; if it is only slow, raise 'trial_timeout'")
    except OSError as error:
        return VisionError(ErrorCode.INTERNAL, f"no process could be started to try the model {path!r}: {error}")
    answer = _answer(stdout)
    if answer == USABLE:
        return None
    if answer is not None:
        return VisionError(ErrorCode(answer[0]), answer[1])
    if code == -signal.SIGKILL:
        msg = (
            f"the model {path!r} cannot be used: a trial of it was killed, probably because there is too little memory"
        )
        return VisionError(ErrorCode.MODEL_ERROR, msg)
    if code < 0:
        how = f"crashed native code (signal {-code}{_signal_name(-code)})"
        msg = f"the model {path!r} cannot be used: a trial of it {how}; the file is damaged, or not for this runtime"
        return VisionError(refused, msg)
    said = stderr.decode("utf-8", "replace").strip().splitlines()
    how = f"ended with exit code {code}" if code else "ended without an answer, as where it crashes native code"
    msg = f"the model {path!r} cannot be used: a trial of it {how}"
    return VisionError(refused, f"{msg}: {said[-1][:200]}" if said else msg)


def _answer(stdout: bytes) -> tuple[int, str] | None:
    """Return what a child answered; None, if it ended before."""
    try:
        code, message = json.loads(stdout.rstrip().rpartition(b"\n")[2])
    except (ValueError, TypeError):  # something else that was printed
        return None
    known = isinstance(message, str) and code in {0, *ErrorCode}
    return (code, message) if known else None


def _signal_name(number: int) -> str:
    try:
        return f", {signal.Signals(number).name}"
    except ValueError:
        return ""


# The child's part.


def main(arguments: list[str]) -> int:
    """Try the model that comes on stdin, behind a line that says how; return the exit code.

    Args:
        arguments: Which runtimes to load before.
    """
    _end_with_parent()
    with suppress(VisionError):  # said when the model is opened
        for runtime in arguments:
            load_runtime(runtime)
    with os.fdopen(0, "rb", closefd=False) as stdin:
        ready, _, _ = select.select([stdin], [], [], trial_process.PATIENCE)
        how = stdin.readline() if ready else b""
        return tried(stdin.read(), how.decode()) if how else trial_process.UNUSED


def tried(data: bytes, how: str) -> int:
    """Try a model in this very process, which is a child; return its exit code, and answer on stdout.

    Args:
        data: The model's file.
        how: What :func:`vision_service.mlmodel.trial_process.how_of` returns.
    """
    _end_with_parent()
    _give_way()
    runtime, path, num_threads, delegate, delegate_options = json.loads(how)
    options = RuntimeOptions(num_threads, delegate, tuple((name, value) for name, value in delegate_options))
    answer = USABLE
    try:
        _run_once(open_model(runtime, data, options, path=path))
    except VisionError as error:
        code = ErrorCode.INVALID_ARGUMENT if error.code == ErrorCode.MODEL_ERROR else error.code
        answer = int(code), error.message
    with os.fdopen(1, "wb", closefd=False) as stdout:  # what Python calls so may be another one in a copy
        stdout.write(f"\n{json.dumps(answer)}\n".encode())
    return 0


def _end_with_parent() -> None:
    """End with the process that has started this one, however that ends: a model that hangs would stay for ever.

    With its thread, that is, which waits for the answer.
    """
    with suppress(AttributeError):  # not Linux
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    reads = select.poll()
    reads.register(1, 0)
    if reads.poll(0):  # it had ended before: nobody is left to read what this one says
        os._exit(1)


def _give_way() -> None:
    """Leave no memory dump behind, and be the first to go where memory runs out."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except (ImportError, OSError, ValueError):
        pass


def _run_once(model: Runtime) -> None:
    """Run a model on noise.

    Raises:
        VisionError: It fails; not if that may be due to the sizes that were made up for a model of any size.
    """
    random = Random(0)  # noqa: S311 (NumPy's takes a tenth of the trial to be imported)
    try:
        model.infer({info.name: _noise(info, random) for info in model.inputs})
    except VisionError:
        if not any(-1 in info.shape for info in model.inputs):
            raise


def _noise(info: TensorInfo, random: Random) -> np.ndarray[Any, Any]:
    any_size = USUAL_SIZE if info.shape[1:].count(-1) <= 2 else SMALL_SIZE
    shape = [size if size >= 0 else any_size if axis else 1 for axis, size in enumerate(info.shape)]
    dtype = np.dtype(info.dtype)
    values = np.frombuffer(random.randbytes(math.prod(shape)), np.uint8).reshape(shape)
    if dtype.kind == "f":
        return (values / 127.5 - 1).astype(dtype)
    # Integers may be places in a table: small ones, but for images of bytes.
    most = 255 if dtype == np.uint8 else 127 if dtype == np.int8 else 1
    return (values & most).astype(dtype)
