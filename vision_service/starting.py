"""How a process of ours starts, whether it is a command or runs nodes: sparing what only the start would take.

Not for programs that import this package: how they collect garbage and use their cores is theirs to say.
"""

from __future__ import annotations

import gc
import os
import signal
from contextlib import suppress

SOME_GARBAGE = 50_000
"""How many more objects there must be before the garbage collector looks for those that only refer to each other.
Importing makes that many, nearly all needed, and takes a tenth longer when they are looked through again and again."""
BLAS_THREADS = "OPENBLAS_NUM_THREADS"
"""Says how many threads OpenBLAS has, which NumPy and OpenCV bring one each of; else each starts one for each core.
The longest that we ask of it, turning a million points, takes 1 ms longer in one."""


_usual: list[tuple[int, int, int]] = []
"""When garbage was collected before; empty = this process does not start, or has done so."""


def begin() -> None:
    """Prepare this process for importing; to be called before NumPy is imported."""
    _usual[:] = _usual or [gc.get_threshold()]
    gc.set_threshold(SOME_GARBAGE)
    os.environ.setdefault(BLAS_THREADS, "1")
    with suppress(ValueError):  # not in the main thread
        # Who starts us may ignore it, which is inherited: then nobody would be told how our children end.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def end() -> None:
    """Go on as usual, if this process has begun by :func:`begin`.

    What there is by now is needed as long as the process: the garbage collector leaves it out from now on, which would
    hold up all threads for some 50 ms each time.
    """
    if _usual:
        gc.freeze()
        gc.set_threshold(*_usual.pop())
