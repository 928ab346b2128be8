"""Registries: from the name a user writes to the class that does it, our own and third parties'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vision_service.configuration import did_you_mean
from vision_service.entry_points import may_exist
from vision_service.errors import ErrorCode, VisionError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Registry:
    """Classes by name, each imported when it is first asked for.

    A third party joins by an entry point of the registry's group in its own package; our own names come first.
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str], *, for_files: str = "") -> None:
        """Make a registry.

        Args:
            kind: What its classes are, for messages: "vision model".
            group: The entry point group that third parties use.
            builtin: Where our own classes are: name -> "module:Class".
            for_files: What to do where the name of a file is given, for the end of an error message.
        """
        self.kind = kind
        self._group = group
        self._builtin = dict(builtin)
        self._for_files = for_files

    def names(self) -> list[str]:
        """Return all names that can be asked for, sorted."""
        return sorted({*self._builtin, *(point.name for point in self._third_party())})

    def own(self) -> list[str]:
        """Return our own names, in the order in which they were given."""
        return list(self._builtin)

    def foreign(self) -> list[str]:
        """Return the names of third parties' classes that are used, sorted."""
        return sorted({point.name for point in self._third_party()} - set(self._builtin))

    def unused(self) -> list[str]:
        """Return a message for each third party's class that is not used, because its name is one of ours."""
        return [
            f"the {self.kind} {point.name!r} of {point.value} is not used, because ours has that name: its author has "
            "to rename it"
            for point in self._third_party()
            if point.name in self._builtin
        ]

    def get(self, name: str) -> Any:
        """Return the class of that name.

        Raises:
            VisionError: UNKNOWN_RESOURCE, with what may be meant, or why a third party's class cannot be imported.
        """
        if name in self._builtin:
            module, _, class_name = self._builtin[name].partition(":")
            return getattr(import_module(module), class_name)
        for point in self._third_party():
            if point.name == name:
                try:
                    return point.load()
                except Exception as error:
                    msg = f"the {self.kind} {name!r} of {point.value} cannot be imported: {error}"
                    raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg) from error
        is_file = self._for_files and ("." in name or "/" in name)
        hint = f": {self._for_files}" if is_file else did_you_mean(name, self.names())
        raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"no {self.kind} {name!r}{hint}")

    def name_of(self, cls: type) -> str:
        """Return the name of one of our own classes; of another one, what it is called in Python."""
        place = f"{cls.__module__}:{cls.__name__}"
        return next((name for name, of in self._builtin.items() if of == place), cls.__name__)

    def _third_party(self) -> Iterable[EntryPoint]:
        if not may_exist(self._group):
            return ()
        from importlib.metadata import entry_points

        return entry_points(group=self._group)
