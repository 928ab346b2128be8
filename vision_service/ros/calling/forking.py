"""What a forked process must not destroy: its copies of what belongs to the process that it was copied from."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def never_destroy(item: object) -> None:
    """Keep something even when Python goes: its destructor would wait for threads that this process has not."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))


def leave_statics_alone() -> None:
    """Have this process end without the destructors of what it has copied.

    DDS's would join threads that are not here, which aborts, and tell everybody that the participant of the other
    process has gone. What is registered later, as that of the participants of this process, runs before.
    """
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):  # on_exit is glibc's
        libc.on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None)
        libc.__cxa_atexit(ctypes.cast(libc.fflush, ctypes.c_void_p), None, None)
