"""What changed parameters ask for is built beside the node, in a thread, while the node goes on answering."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from vision_service.concurrency import Worker
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.calls import LONGEST, Call


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """What has to be built before parameters can be changed.

    Attributes:
        what: What it is, for error messages: "the model mlmodel".
        configuration: From what it is built; candidates of equal configurations stand for each other.
        make: Builds it, and raises VisionError to refuse the change; may take long, so it is called in any thread.
        use: Puts what was built to work; called when the parameters are set, by whoever sets them. None = it is taken.
        drop: Lets go of what was built, where the change does not come about; called in any thread.
    """

    what: str
    configuration: Any
    make: Callable[[], Any]
    drop: Callable[[Any], None]
    use: Callable[[Any], None] | None = None

    def build(self) -> Built:
        """Return what was built.

        Raises:
            VisionError: Why it cannot be built.
            Exception: What `make` raises; RuntimeError in place of what is no Exception.
        """
        try:
            return Built(self, self.make())
        except Exception:
            raise
        except BaseException as error:  # a library may even raise SystemExit, which must not end the thread
            msg = f"{self.what} raised {type(error).__name__}: {error}"
            raise RuntimeError(msg) from error


class Built:
    """What was built for a change; it is used or dropped, once, by whichever thread comes first.

    Attributes:
        candidate: What it was built for.
    """

    def __init__(self, candidate: Candidate, made: Any) -> None:
        """Take what was made for a candidate."""
        self.candidate = candidate
        self._made = made
        self._taken = threading.Lock()  # for good

    def use(self) -> None:
        """Put it to work."""
        if self.candidate.use is not None and self._taken.acquire(blocking=False):
            self.candidate.use(self._made)

    def take(self) -> tuple[bool, Any]:
        """Return whether it is the caller's from now on, and what was made."""
        return (True, self._made) if self._taken.acquire(blocking=False) else (False, None)

    def drop(self) -> None:
        """Let go of it, unless it is in use; never raises."""
        if self._taken.acquire(blocking=False):
            try:
                self.candidate.drop(self._made)
            except BaseException:  # a library may even raise SystemExit
                logging.getLogger(__name__).exception("letting go of %s failed", self.candidate.what)


class InTurn:
    """Lets the changes of one node in one after the other: ``async with turns``."""

    def __init__(self, begin: Callable[[float], Call]) -> None:
        """Begin with nobody; `begin` returns a call that lasts some seconds."""
        self._begin = begin
        self._taken = False
        self._waiting: deque[Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Wait for those who came before; each of them ends within the node's timeout."""
        if self._taken:
            turn: Future[None] = Future()
            self._waiting.append(turn)
            await self._begin(LONGEST).wait(turn, late=_waited_in_vain)
        self._taken = True

    async def __aexit__(self, *_: object) -> None:
        """Let in who has waited longest."""
        self._taken = False
        while self._waiting and not self._taken:
            turn = self._waiting.popleft()
            if turn.set_running_or_notify_cancel():
                self._taken = True  # nobody comes between
                turn.set_result(None)


class Builder:
    """Builds candidates for the changes of one node, one after the other.

    Attributes:
        turns: Of those who change the node.
    """

    def __init__(
        self, name: str, *, begin: Callable[[float], Call], timeout: Callable[[], float], stops: Callable[[], int]
    ) -> None:
        """Prepare; the thread starts when there is something to build.

        Args:
            name: The node's.
            begin: Returns a call that lasts some seconds.
            timeout: Returns how long building may take, seconds.
            stops: Returns how often the node has been deactivated, cleaned up or shut down.
        """
        self._name = name
        self._begin = begin
        self._timeout = timeout
        self._stops = stops
        self._worker: Worker | None = None
        self._building: Future[Built] | None = None
        self._awaited: Future[Built] | None = None
        self._closed = False
        self.turns = InTurn(begin)

    async def build(self, candidate: Candidate, timeout: float | None = None) -> Built:
        """Return what was built for a candidate, while the node goes on.

        What is not ready in time, or when it is abandoned, is dropped when it is; the thread is left to it.

        Args:
            candidate: What to build.
            timeout: How long that may take, seconds; None = as the node's timeout says.

        Raises:
            VisionError: Why it cannot be built; DEADLINE_EXCEEDED, if it takes too long; NOT_ACTIVE, if the node was
                deactivated, cleaned up or closed meanwhile; what :meth:`abandon` was given.
            Exception: What building raises.
        """
        stops, timeout = self._stops(), self._timeout() if timeout is None else timeout
        if self._closed:
            raise _stopped(candidate)
        if self._worker is None:
            self._worker = Worker(f"{self._name}.candidates")
        self._building = building = self._worker.submit(candidate.build)
        awaited: Future[Built] = Future()
        self._awaited = awaited
        building.add_done_callback(partial(_pass_on, awaited))
        try:
            built = await self._begin(timeout).wait(awaited, late=lambda: _too_late(candidate, timeout))
        except BaseException:
            building.add_done_callback(_drop)
            if not building.done():
                self._leave_thread()
            raise
        finally:
            self._building = self._awaited = None
            del building, awaited  # what it raised knows this frame, by which it would know itself
        if self._closed or self._stops() != stops:
            self.drop(built)
            raise _stopped(candidate)
        return built

    def abandon(self, error: VisionError) -> None:
        """Wait no longer for what is being built: who waits gets the error, in the executor's thread."""
        if self._awaited is not None:
            _end(self._awaited, error=error)

    def drop(self, built: Built) -> None:
        """Let go of what is not used; in the thread, because that may take its time."""
        if self._worker is None:
            built.drop()
        else:  # the job is left out where the thread ends before
            self._worker.submit(built.drop).add_done_callback(lambda _: built.drop())

    def close(self) -> None:
        """Build nothing any more; what is being built is dropped when it is ready."""
        self._closed = True
        if self._building is not None:
            self._building.add_done_callback(_drop)
        self._leave_thread()

    def _leave_thread(self) -> None:
        """Leave the thread to what it is building; what is to be built next has another one."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None


def _pass_on(awaited: Future[Built], building: Future[Built]) -> None:
    """Let who waits have what was built."""
    if building.cancelled():
        awaited.cancel()
    elif (error := building.exception()) is not None:
        _end(awaited, error=error)
    else:
        _end(awaited, built=building.result())


def _end(awaited: Future[Built], *, built: Built | None = None, error: BaseException | None = None) -> None:
    with suppress(InvalidStateError):  # it is abandoned, or cancelled, already
        if error is not None:
            awaited.set_exception(error)
        elif built is not None:
            awaited.set_result(built)


def _drop(building: Future[Built]) -> None:
    if not building.cancelled() and building.exception() is None:
        building.result().drop()


def _stopped(candidate: Candidate) -> VisionError:
    what = candidate.what
    msg = f"the node was deactivated, cleaned up or closed while {what} was being built; set it again when it is back"
    return VisionError(ErrorCode.NOT_ACTIVE, msg)


def _waited_in_vain() -> VisionError:
    return VisionError(ErrorCode.DEADLINE_EXCEEDED, "the changes before this one did not end")


def _too_late(candidate: Candidate, timeout: float) -> VisionError:
    msg = (
        f"{candidate.what} was not built within {timeout:g} s; if it is only slow, raise the parameter 'timeout' first"
    )
    return VisionError(ErrorCode.DEADLINE_EXCEEDED, msg)
