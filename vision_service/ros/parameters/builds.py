"""What has to be built before a change of parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rcl_interfaces.msg import SetParametersResult

from vision_service.ros.parameters.candidates import Built, Candidate


class ParameterBuilds:
    """What the change under way needs: it is built at once, but for who only tries to set, and builds it elsewhere."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._built: Built | None = None
        self._trying: int | None = None  # the thread that only tries to set
        self._offered: Built | None = None
        self._lacking: Candidate | None = None

    def attempt(
        self, change: Callable[[], SetParametersResult], built: Built | None = None
    ) -> SetParametersResult | Candidate:
        """Return what came of a change, or what has to be built first.

        Args:
            change: Sets the parameters.
            built: What was built for it; it is used if that is what it needs now.
        """
        self._trying, self._offered, self._lacking = threading.get_ident(), built, None
        try:
            result = change()
        finally:
            lacking, self._lacking = self._lacking, None
            self._trying = self._offered = None
        return lacking if lacking is not None else result

    def have(self, candidate: Candidate | None) -> bool:
        """Return whether what a change needs is there; who only tries to set is told what is not.

        Raises:
            Exception: What building it raises.
        """
        offered = self._offered
        if candidate is None:
            return True
        if self._trying != threading.get_ident():
            self._built = candidate.build()
        elif offered is not None and offered.candidate.configuration == candidate.configuration:
            self._built = offered
        else:
            self._lacking = candidate
            return False
        return True

    def take(self) -> Built | None:
        """Return what was built for the change that is made now; None = nothing."""
        built, self._built = self._built, None
        return built

    def drop(self) -> None:
        """Let go of what was built for a change that did not come about."""
        built = self.take()
        if built is not None:
            built.drop()
