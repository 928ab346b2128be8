"""A wait set that is made once for the entities of an executor's nodes, and used as long as they are the same.

Events of the middleware (who matched, whose quality of service does not) are rare, but a vision node can have thirty,
and each costs time at every turn. So while there is much to do they are waited for now and then only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from rclpy.context import Context
from rclpy.event_handler import EventHandler
from rclpy.exceptions import InvalidHandle

from vision_service.ros.execution import compat

WAITABLES = "waitables"
KINDS = {
    "timers": ("timer", compat.take_timer),
    "subscriptions": ("subscription", compat.take_subscription),
    "guards": ("guard_condition", compat.take_guard_condition),
    "clients": ("client", compat.take_client),
    "services": ("service", compat.take_service),
}
"""What nodes and what wait sets call the kinds of entities, and what takes them; served in this order."""
EVENTS_PERIOD = 0.05
"""At least this often events are waited for, seconds."""
QUIET = 40_000_000
"""When nothing else has come for so long, they are, nanoseconds: a camera's next image comes sooner, and waiting twice
for each image takes twice the time."""

Take = Callable[[Any], compat.Work | None]
Entities = Mapping[str, Sequence[Any]]
"""By the names that nodes have for their kinds."""


class WaitSet:
    """Waits for entities, which are kept from being destroyed until it is released.

    Attributes:
        entities: All that were given.
        woken: The pointers of the guard conditions that have ended the last waiting.
    """

    def __init__(self, entities: Entities, guards: Sequence[Any], context: Context) -> None:
        """Take hold of entities.

        Args:
            entities: Of the nodes; those that are being destroyed are left out.
            guards: Guard conditions that do no more than end the waiting.
            context: Theirs.
        """
        self.entities = entities
        self.woken: Sequence[int] = ()
        self._held = ExitStack()
        try:
            self._make(entities, guards, context)
        except BaseException:
            self._held.close()
            raise

    def _make(self, entities: Entities, guards: Sequence[Any], context: Context) -> None:
        self._held.enter_context(context.handle)
        self._guards = [guard.handle for guard in guards if self._hold(guard.handle)]
        self._known = {
            kind: {each.handle.pointer: each for each in entities.get(kind, ()) if self._hold(each.handle)}
            for kind in KINDS
        }
        held = [waitable for waitable in entities.get(WAITABLES, ()) if self._hold(waitable)]
        self._waitables = [waitable for waitable in held if not isinstance(waitable, EventHandler)]
        self._events = [waitable for waitable in held if isinstance(waitable, EventHandler)]
        self._events_due = 0.0
        size = compat.NumberOfEntities(
            *(len(self._known[kind]) for kind in ("subscriptions", "guards", "timers", "clients", "services"))
        )
        size.num_guard_conditions += len(self._guards)
        for waitable in held:
            size += waitable.get_num_entities()
        self._set = compat.WaitSet(
            size.num_subscriptions,
            size.num_guard_conditions,
            size.num_timers,
            size.num_clients,
            size.num_services,
            size.num_events,
            context.handle,
        )
        self._kinds = [
            (getattr(self._set, f"add_{name}"), name, take, self._known[kind])
            for kind, (name, take) in KINDS.items()
            if self._known[kind]
        ]

    def wait(self, nanoseconds: int, *, exclusive: bool) -> list[tuple[Take, Any]]:
        """Return what is ready, each with what takes it.

        Args:
            nanoseconds: How long to wait at most; negative = until something is ready.
            exclusive: Whether a callback group may be taken by a coroutine that waits; its entities are left out.
        """
        if self._events and time.monotonic() < self._events_due:
            quiet = QUIET if nanoseconds < 0 else min(nanoseconds, QUIET)
            ready = self._wait(quiet, self._waitables, exclusive)
            if ready or self.woken or quiet == nanoseconds:
                return ready
            nanoseconds = max(nanoseconds - quiet, -1)
        began = time.monotonic()
        ready = self._wait(nanoseconds, [*self._waitables, *self._events], exclusive)
        ended = time.monotonic()
        if ended - began < EVENTS_PERIOD:  # there is much to do
            self._events_due = ended + EVENTS_PERIOD
        return ready

    def _wait(self, nanoseconds: int, waitables: Sequence[Any], exclusive: bool) -> list[tuple[Take, Any]]:
        """Return what is ready, and note which guard conditions have ended the waiting."""
        self._set.clear_entities()
        for guard in self._guards:
            self._set.add_guard_condition(guard)
        for add, _, _, known in self._kinds:
            for entity in known.values():
                if not exclusive or _free(entity):
                    add(entity.handle)
        if exclusive:
            waitables = [waitable for waitable in waitables if _free(waitable)]
        for waitable in waitables:
            waitable.add_to_wait_set(self._set)
        self._set.wait(nanoseconds)
        ready: list[tuple[Take, Any]] = [
            (compat.take_waitable, waitable) for waitable in waitables if waitable.is_ready(self._set)
        ]
        for _, name, take, known in self._kinds:
            ready += [(take, known[found]) for found in self._set.get_ready_entities(name) if found in known]
        self.woken = self._set.get_ready_entities("guard_condition")
        return ready

    def release(self) -> None:
        """Let go of the entities; may be called twice."""
        self._held.close()

    def _hold(self, handle: Any) -> bool:
        with suppress(InvalidHandle):
            self._held.enter_context(handle)
            return True
        return False


def _free(entity: Any) -> bool:
    """Return whether an entity's callback group lets it be served now."""
    return entity.callback_group is None or bool(entity.callback_group.can_execute(entity))
