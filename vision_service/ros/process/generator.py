"""Messages without their code generator.

Every message, when it is first used, imports the package rosidl_generator_py for one small function; with it come the
generator, its parser and 64 modules, 8 MB and 25 ms in each process (Jazzy, Kilted). The package does without where
these are not installed, and so it does here.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

PACKAGE = "rosidl_generator_py"
GENERATOR = f"{PACKAGE}.generate_py_impl"


def leave_out_generator() -> None:
    """Load that package without the generator; for processes of ours, where nobody generates code."""
    if PACKAGE in sys.modules:
        return
    modules: dict[str, Any] = sys.modules
    modules[GENERATOR] = None  # Python's own way to say that there is no such module
    try:
        with suppress(ImportError):  # another release, which needs it: then it is loaded with the first message
            import rosidl_generator_py  # noqa: F401
    finally:
        del modules[GENERATOR]
