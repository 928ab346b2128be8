"""What a vision node's model builds on may change: another ML model, a detector with other labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.parameters.candidates import Builder, Candidate
from vision_service.ros.resources.following import Followed

if TYPE_CHECKING:
    from vision_service.ros.resources.pooling import FollowedMember

LOOK_AGAIN = 0.5
"""How soon it is looked again at what a pool has left out, seconds."""


class ModelRenewal:
    """Makes the model anew, beside the running one, when what it was made with is another one."""

    def __init__(
        self,
        node: ServiceNode,
        builder: Builder,
        *,
        followed: Callable[[], Mapping[str, Followed | FollowedMember]],
        make: Callable[[], Candidate | None],
    ) -> None:
        """Look at nothing yet.

        Args:
            node: The vision node.
            builder: Its builder.
            followed: Returns what the model builds on, by names.
            make: Returns the same model, to be made of what that is now; None = there is none.
        """
        self._node = node
        self._builder = builder
        self._followed = followed
        self._make = make
        self._taking = False
        self._taken_in_vain: dict[str, Any] = {}
        self._left_out: set[str] = set()

    def look(self) -> None:
        """Look at what the model was made with, and take what another one is."""
        followed = dict(self._followed())
        for each in followed.values():
            each.look()
        away = [each.away for each in followed.values() if each.needed and each.away]
        self._node.diagnostics.report("away", "; ".join(away))
        self._tell_left_out({name: each.away for name, each in followed.items() if not each.needed})
        changed = {name: each.identity for name, each in followed.items() if each.changed}
        if not changed:
            self._taken_in_vain = {}
            self._node.diagnostics.report("changed", "")
        elif not self._taking and changed != self._taken_in_vain and not away and self._node.executor is not None:
            self._taking = True
            what = " and ".join(followed[name].what for name in changed)
            self._node.executor.create_task(self._take(what, changed))

    def _tell_left_out(self, away: Mapping[str, str]) -> None:
        """Say which members of a pool are left out, each once, and look soon whether they are back."""
        for name in self._left_out - away.keys():
            self._node.diagnostics.report(f"pool {name}", "")
        for name, why in away.items():
            self._node.diagnostics.report(f"pool {name}", why)
        self._left_out = set(away)
        if any(away.values()):
            self._node.look_within(LOOK_AGAIN)

    async def _take(self, what: str, changed: dict[str, Any]) -> None:
        """Make the model anew of what has changed, beside the running one."""
        try:
            async with self._builder.turns:
                candidate = self._make()
                if candidate is not None:
                    (await self._builder.build(candidate)).use()
                    self._node.get_logger().info(f"{what} is another one now: its contract and labels were taken")
                    self._node.diagnostics.report("changed", "")
        except Exception as error:
            missing = isinstance(error, VisionError) and error.code in (
                ErrorCode.UNKNOWN_RESOURCE,
                ErrorCode.NOT_ACTIVE,
                ErrorCode.DEADLINE_EXCEEDED,
            )
            self._taken_in_vain = {} if missing else changed  # what is missing may come
            why = f"{what} is another one now, which cannot be used: {reason(error)}"
            for name in changed:
                if name in self._followed():
                    self._followed()[name].refuse(why)
            if self._node.state == "active":
                self._node.diagnostics.report("changed", why)
        finally:
            self._taking = False
