"""An ML model node whose runs last as long as a file says, as those of an accelerator do: without using a processor.

The environment variable WAITING names the file, which holds seconds by node name, in JSON; a node that it does not name
runs its model at once. A node of which it says "hang" never answers; one of which it says "fail" has a broken model.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vision_service.mlmodel.runtime import Runtime

VARIABLE = "WAITING"
HANG, FAIL = "hang", "fail"


class Waiting:
    """An ML model's runtime that waits before it runs."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._runtime = runtime
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def infer(self, tensors: Mapping[str, Any]) -> Any:
        path = Path(os.environ[VARIABLE])
        told = json.loads(path.read_text()).get(self._name, 0.0) if path.exists() else 0.0
        if told == HANG:
            threading.Event().wait()
        if told == FAIL:
            raise RuntimeError("the accelerator has fallen off the bus")
        time.sleep(told)
        return self._runtime.infer(tensors)


def main() -> None:
    """Run the ML model node."""
    from vision_service.ros import main as program
    from vision_service.ros import mlmodel_node

    name = next(each.partition(":=")[2] for each in sys.argv if each.startswith("__node:="))
    load_file = mlmodel_node.load_file
    mlmodel_node.load_file = lambda *given: Waiting(load_file(*given), name)
    program.mlmodel()


if __name__ == "__main__":
    sys.exit(main())
