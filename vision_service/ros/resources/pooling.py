"""The members of a pool of ML models: asked now and then what they hold, left out, and taken again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotReady
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from rclpy.node import Node

from vision_service import srv
from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.mlmodel.link import Link
from vision_service.mlmodel.pool import Pool
from vision_service.mlmodel.pool_members import PoolModel
from vision_service.ros.calling.caller import Caller
from vision_service.ros.resources.following import answered
from vision_service.ros.resources.local_nodes import LocalMLModelNode
from vision_service.ros.resources.shared_mlmodel import LocalMLModel, RemoteMLModel

PACKED = "packed_tensors"
"""In an ML model node's status: how the tensors of a call may be packed."""
NOT_CONFIGURED = "its node is not configured"


@dataclass(frozen=True)
class Held:
    """What an ML model node says that it holds.

    Attributes:
        identity: By which the model is known; empty = the node does not say; None = there is none yet.
        packed: How tensors that are sent to it may be packed.
    """

    identity: str | None
    packed: tuple[str, ...] = ()


def held(response: Any) -> Held:
    """Return what the status of an ML model node says. Nodes that do not say what they hold never change."""
    status = json.loads(response.status)
    known = response.state in ("inactive", "active")
    return Held(str(status.get("model_id", "")) if known else None, tuple(map(str, status.get(PACKED, ()))))


class Place(Protocol):
    """Where a member is; every function returns at once."""

    def missing(self) -> str:
        """Return why there is nobody to ask; empty = there is."""

    def ask(self) -> Future[Held]:
        """Return a future of what it holds; raise VisionError, if it cannot be asked."""

    def model(self, found: Held) -> Future[Any]:
        """Return a future of the model that it holds."""


class LocalPlace:
    """An ML model node of this process."""

    def __init__(self, node: LocalMLModelNode) -> None:
        """Take the node."""
        self._node = node

    def missing(self) -> str:
        """Return why there is nobody to ask; empty = there is."""
        return "" if self._node.model_id else self._node.last_error or NOT_CONFIGURED

    def ask(self) -> Future[Held]:
        """Return a future of what it holds."""
        return answered(Held(self._node.model_id or None))

    def model(self, found: Held) -> Future[Any]:
        """Return a future of the model that it holds."""
        return answered(LocalMLModel(self._node))


class RemotePlace:
    """An ML model node elsewhere."""

    def __init__(self, full_name: str, node: Node, caller: Callable[[], Caller], timeout: Callable[[], float]) -> None:
        """Take how it is reached.

        Args:
            full_name: The node's.
            node: Who uses it.
            caller: Returns what calls it; it is made when the node is there.
            timeout: Returns how long it may take to answer, seconds.
        """
        self._full_name = full_name
        self._node = node
        self._caller = caller
        self._timeout = timeout
        self._link = Link((), lambda said: node.get_logger().info(f"to {full_name} {said}"))

    def missing(self) -> str:
        """Return why there is nobody to ask; empty = there is."""
        here = self._node.count_services(f"{self._full_name}/get_metadata")
        return "" if here else f"no node {self._full_name} is here"

    def ask(self) -> Future[Held]:
        """Return a future of what it holds."""
        service, request = f"{self._full_name}/get_status", srv.GetStatus.Request()
        return self._caller().call(srv.GetStatus, service, request, held, self._timeout())

    def model(self, found: Held) -> Future[Any]:
        """Return a future of the model that it holds."""
        self._link.understand(found.packed)
        caller, service = self._caller(), f"{self._full_name}/get_metadata"

        def make(metadata: Any) -> RemoteMLModel:
            return RemoteMLModel(self._full_name, caller, metadata, self._timeout, self._link, found.identity or "")

        return caller.call(srv.GetMetadata, service, srv.GetMetadata.Request(), make, self._timeout())


class FollowedMember:
    """One member, as a vision node follows what its model was made with; see `following.Followed`.

    Attributes:
        what: What it is, for people.
        needed: Whether the model can do nothing without it: others stand in for it.
        differs: Whether it answers, but holds another model than the pool's.
        agrees: Whether it answers, and holds the pool's model.
        identity: What it held last.
    """

    needed = False

    def __init__(self, name: str, pool: Pool, place: Place, members: Mapping[str, FollowedMember]) -> None:
        """Take what it is.

        Args:
            name: In the pool.
            pool: The pool.
            place: Where it is.
            members: All of the pool, this one included, when they are known.
        """
        self.what = f"the ML model {name!r}"
        self.place = place
        self.differs = self.agrees = False
        self.identity: Any = None
        self._name = name
        self._pool = pool
        self._members = members
        self._held: Held | None = None
        self._gone = False
        self._began = 0.0
        self._asked: Future[Held] | None = None

    @property
    def away(self) -> str:
        """Why it is left out; empty = it is used."""
        why = self._pool.left_out(self._name)
        return f"{self.what} is left out of the pool: {why}" if why else ""

    @property
    def changed(self) -> bool:
        """Whether those that answer all hold another model than the pool's, this one too: that is to be taken then."""
        return self.differs and not any(each.agrees for each in self._members.values())

    def refuse(self, why: str) -> None:
        """Run nothing of the pool, because results would be misread; an empty text = run again."""
        self._pool.refuse(why)

    def look(self) -> None:
        """Ask what it holds, unless it has not answered yet; never waits."""
        missing = self.place.missing()
        if missing:
            self._is_away(missing, gone=True)
        elif self._asked is None or self._asked.done():
            self._began = time.monotonic()
            try:
                self._asked = self.place.ask()
            except VisionError as error:
                self._is_away(error.message)
            else:
                self._asked.add_done_callback(self._answered)

    def take(self, found: Held, model: PoolModel) -> None:
        """Use the model that it holds, if that is the pool's."""
        self._held, self.identity, self._gone = found, found.identity, False
        self.differs = bool(self._pool.take(self._name, model, found.identity or ""))
        self.agrees = not self.differs

    def _answered(self, asked: Future[Held]) -> None:
        """Take what it says; in any thread."""
        error = asked.exception()
        if error is not None:
            # One that is gone is known to be; one that does its runs is only too busy to say how it is.
            if not self._gone and not self._pool.done_since(self._name, self._began):
                self._is_away(reason(error))
            return
        found = asked.result()
        if found.identity is None:
            self._is_away(NOT_CONFIGURED, gone=True)
        elif found != self._held:
            self.place.model(found).add_done_callback(partial(self._found, found))
        elif self.agrees:
            self._pool.answers(self._name)

    def _found(self, found: Held, model: Future[PoolModel]) -> None:
        error = model.exception()
        if error is None:
            self.take(found, model.result())
        else:
            self._is_away(reason(error))

    def _is_away(self, why: str, *, gone: bool = False) -> None:
        """Leave it out; what it holds when it comes back has to be looked at."""
        self._held = None
        self._gone = gone
        self.differs = self.agrees = False
        self._pool.leave_out(self._name, why, gone=gone)


def find_members(
    pool: Pool, places: Mapping[str, Place], answer: Callable[[str, str, Callable[[], Future[Any]]], Any]
) -> dict[str, FollowedMember]:
    """Return the members of a pool, each asked what it holds; the first that answers is what all have to be.

    Args:
        pool: Has no models yet.
        places: Where its members are, by their names.
        answer: Given a question's name, a member's, and what asks it, returns the answer; raises VisionError, or
            TimeoutError if there is none yet.

    Raises:
        VisionError: UNKNOWN_RESOURCE, if none can be used, or one that is there has not answered yet.
    """
    members: dict[str, FollowedMember] = {}
    reasons: dict[str, str] = {}
    for name, place in places.items():
        member = members[name] = FollowedMember(name, pool, place, members)
        missing = place.missing()
        if not missing:
            try:
                found = answer("/get_status", name, place.ask)
                if found.identity is not None:
                    member.take(found, answer("", name, partial(place.model, found)))
                    continue
                missing = NOT_CONFIGURED
            except VisionError as error:
                missing = error.message
            except NotReady:  # else it would be chance which one the others have to be like
                msg = f"the ML model {name!r} cannot be used: it has not answered yet; try again"
                raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg) from None
        reasons[name] = missing
        pool.leave_out(name, missing, gone=True)
    if len(reasons) == len(places):
        told = "; ".join(f"{name!r}: {why}" for name, why in reasons.items())
        msg = f"none of the ML models can be used ({told}): start one of them, or name others"
        raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
    return members
