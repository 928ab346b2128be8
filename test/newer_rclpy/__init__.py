"""Stand-ins for newer releases of rclpy: they make the installed one behave as those do, as far as our package can see.

Robots are updated, wheels are not: Jazzy's rclpy since 7.1.9 and Kilted's since 9.1.4 schedule coroutines otherwise
than the wheels 7.1.6 and 9.1.2, and 10.0 does so otherwise again. What is imitated, of our own writing:

- `Executor` has no `_tasks`, but `_pending_tasks`, `_ready_tasks`, `_call_task_in_next_spin`, `create_future` and
  `is_spinning`; to spin one that spins is a RuntimeError, and `spin` calls `_spin_once_impl`, so that an overridden
  `spin_once` is passed by (`executors.py`).
- A task that awaits a future is parked until that is done, and called again in the next turn if it yields None; it may
  await only futures of its own executor, and a future only once before that is done (`tasks.py`).
- 7.1.9 resumes a parked task in a callback of the future, which is a task itself; 10.0 keeps the task among the
  future's callbacks, and leaves out tasks that have ended when their turn comes (before, that is a KeyError).
- A timer that is cancelled between being ready and its turn is left out.

Not imitated, because it is compiled, or because nodes and not executors do it: content filters, `TimerInfo` on Jazzy,
10.0's `BaseNode` and its new arguments of entities.

`install` is called by `conftest.py` when the environment variable names a release, and by `children/sitecustomize.py`
in the processes that tests start.
"""

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

VARIABLE = "VISION_SERVICE_RCLPY"
"""The environment variable that names a release of RELEASES; without it the installed rclpy is left as it is."""
RELEASES = ("7.1.9", "10.0")
"""What can be imitated; the first stands for 9.1.4 too."""
CHILDREN = Path(__file__).parent / "children"
"""The folder that is put on PYTHONPATH, so that child processes get the stand-in too."""
PATCHED = "rclpy.executors"
"""The module whose import is followed by the changes; all that runs tasks imports it."""


def install_chosen() -> None:
    """Install the stand-in that the environment asks for, if it does, here and in all child processes.

    Raises:
        ValueError: There is no stand-in for that release.
        RuntimeError: The installed rclpy needs none, or is in use already.
    """
    release = os.environ.get(VARIABLE)
    if not release:
        return
    if release not in RELEASES:
        msg = f"{VARIABLE} is {release!r}, but there are stand-ins only for {' and '.join(RELEASES)}"
        raise ValueError(msg)
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(CHILDREN) not in folders:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHILDREN), *folders]))
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    if PATCHED in sys.modules:
        msg = f"{PATCHED} is imported already, so it can no longer behave like {release}"
        raise RuntimeError(msg)
    sys.meta_path.insert(0, _Finder(release))


class _Finder(MetaPathFinder):
    """Finds the one module as Python does, and has it changed after it has run."""

    def __init__(self, release):
        self._release = release

    def find_spec(self, name, path=None, target=None):
        if name != PATCHED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = _Loader(spec.loader, self._release)
        return spec


class _Loader(Loader):
    """Runs a module as another loader does, and changes it."""

    def __init__(self, loader, release):
        self._loader = loader
        self._release = release

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        if hasattr(module.Executor, "_call_task_in_next_spin"):
            msg = f"{VARIABLE}={self._release}: the installed rclpy is a newer one itself and needs no stand-in"
            raise RuntimeError(msg)
        from newer_rclpy import executors, tasks

        tasks.change(self._release)
        executors.change(module, self._release)
