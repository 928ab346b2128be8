"""Lists whose entries are names: what each names has parameters of its own below that name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from rclpy.parameter import Parameter


class Declaring(Protocol):
    """Declares configurations; see `vision_service.ros.parameters.declared.Parameters`."""

    def declare(self, configuration: type, *, prefix: str = "") -> None:
        """Declare a configuration's attributes."""

    def undeclare(self, configuration: type, *, prefix: str = "") -> None:
        """Take that back."""

    def declared_below(self, configuration: type) -> list[str]:
        """Return the names below which a configuration is declared."""


class ParameterLists:
    """The lists of a node that name what has a configuration below each name."""

    def __init__(self, parameters: Declaring) -> None:
        """Know no list yet.

        Args:
            parameters: The node's.
        """
        self._parameters = parameters
        self._configurations: dict[str, type] = {}
        self._new: list[str] = []

    def __contains__(self, listing: str) -> bool:
        """Whether a parameter is such a list."""
        return listing in self._configurations

    def add(self, listing: str, configuration: type) -> None:
        """Let a list, which is declared already, name what has a configuration of its own below each name.

        What it names is declared with the next change of the list, so that both can be set at once.

        Args:
            listing: The name of the list.
            configuration: The dataclass; :meth:`follow` declares what the list names now.
        """
        self._configurations[listing] = configuration

    def follow(self, listing: str, names: Collection[str]) -> None:
        """Declare what a list names, and take back what it does not name any more."""
        self.forget_others({listing: names})
        for name in names:
            self._parameters.declare(self._configurations[listing], prefix=f"{name}.")

    def forget_others(self, changes: Mapping[str, Any]) -> None:
        """Take back what changed lists do not name any more; other changes are none of theirs."""
        for listing in changes.keys() & self._configurations.keys():
            configuration = self._configurations[listing]
            for name in self._parameters.declared_below(configuration):
                if name not in changes[listing]:
                    self._parameters.undeclare(configuration, prefix=f"{name}.")

    def declare_new(self, parameters: Sequence[Parameter]) -> None:
        """Declare what lists name anew with this change; it is taken back if the change is refused."""
        self._new = []
        for parameter in parameters:
            configuration = self._configurations.get(parameter.name)
            if configuration is None or parameter.type_ != Parameter.Type.STRING_ARRAY:
                continue
            declared = self._parameters.declared_below(configuration)
            for name in dict.fromkeys(parameter.value):
                if name.isidentifier() and name not in declared:  # others are refused when the list is checked
                    self._parameters.declare(configuration, prefix=f"{name}.")
                    self._new.append(name)

    def forget_new(self) -> None:
        """Take back what a change that is refused has named anew."""
        for configuration in self._configurations.values():
            for name in self._new:
                self._parameters.undeclare(configuration, prefix=f"{name}.")
        self._new = []
