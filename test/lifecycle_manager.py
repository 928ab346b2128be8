"""What nav2's lifecycle manager (Jazzy) asks of its nodes, in its order: it is C++, and installed on few machines.

With ``bond``, the other side of each bond is bondpy's, as nav2's is bondcpp's: the two have the same state machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.duration import Duration

from robot import Peer

BOND_TIMEOUT = 4.0
HEARTBEAT_PERIOD = 0.1
OUTCOMES = {
    Transition.TRANSITION_CONFIGURE: State.PRIMARY_STATE_INACTIVE,
    Transition.TRANSITION_ACTIVATE: State.PRIMARY_STATE_ACTIVE,
    Transition.TRANSITION_DEACTIVATE: State.PRIMARY_STATE_INACTIVE,
    Transition.TRANSITION_CLEANUP: State.PRIMARY_STATE_UNCONFIGURED,
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: State.PRIMARY_STATE_FINALIZED,
}


class LifecycleManager:
    """Brings nodes up in the order of their names, and down in the other.

    Attributes:
        bonds: By the nodes' names, while they are active.
    """

    def __init__(self, peer: Peer, names: Sequence[str], *, bond: bool) -> None:
        self._peer = peer
        self._names = list(names)
        self._bond = bond
        self.bonds: dict[str, Any] = {}

    def startup(self) -> bool:
        """Configure all nodes, then activate them; stop at the first that fails."""
        return self.change(Transition.TRANSITION_CONFIGURE) and self.change(Transition.TRANSITION_ACTIVATE)

    def reset(self) -> bool:
        """Deactivate all nodes, then clean them up."""
        return self.change(Transition.TRANSITION_DEACTIVATE) and self.change(Transition.TRANSITION_CLEANUP)

    def change(self, transition: int) -> bool:
        """Have all nodes do a transition; stop at the first that fails."""
        up = transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)
        return all(self._change(name, transition) for name in (self._names if up else reversed(self._names)))

    def _change(self, name: str, transition: int) -> bool:
        asked = Transition(id=transition)
        if not self._peer.call(ChangeState, f"{name}/change_state", transition=asked).success:
            return False
        if self._peer.call(GetState, f"{name}/get_state").current_state.id != OUTCOMES[transition]:
            return False
        if transition == Transition.TRANSITION_ACTIVATE and self._bond:
            return self._connect(name)
        if transition == Transition.TRANSITION_DEACTIVATE:
            self.bonds.pop(name, None)
        return True

    def _connect(self, name: str) -> bool:
        from bondpy.bondpy import Bond

        bond = self.bonds[name] = Bond(self._peer.node, "bond", name)
        bond.heartbeat_timeout, bond.heartbeat_period = BOND_TIMEOUT, HEARTBEAT_PERIOD
        bond.start()
        return bool(bond.wait_until_formed(Duration(seconds=BOND_TIMEOUT / 2)))
