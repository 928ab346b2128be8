"""An ML model node whose runs last longer than they compute, asleep, as the driver of an accelerator waits for it.

The environment variable ACCELERATED says how long, seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from vision_service.mlmodel.runtime import Runtime


class Accelerated:
    """A runtime that sleeps before it runs."""

    def __init__(self, runtime: Runtime) -> None:
        """Take the runtime."""
        self._runtime = runtime
        self._seconds = float(os.environ["ACCELERATED"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def infer(self, tensors: Mapping[str, Any]) -> Any:
        """Sleep, then run."""
        time.sleep(self._seconds)
        return self._runtime.infer(tensors)


def main() -> None:
    """Run the node."""
    from vision_service.ros import main as program
    from vision_service.ros import mlmodel_node

    load_file = mlmodel_node.load_file
    mlmodel_node.load_file = lambda *given: Accelerated(load_file(*given))
    program.mlmodel()


if __name__ == "__main__":
    sys.exit(main())
