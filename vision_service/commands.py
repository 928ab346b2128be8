"""DoCommand: the commands of a model's or driver's own, which tell what they are when asked for help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError

HELP = "help"


class HasCommands:
    """What can be given commands: ``{"command": NAME, …}``, the other entries being the command's arguments.

    Attributes:
        commands: What there is besides "help": name -> what it does, for people.
    """

    commands: ClassVar[Mapping[str, str]] = {}

    def do_command(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a command returns; ``{"command": "help"}`` lists them.

        Raises:
            VisionError: NOT_SUPPORTED, if there is none of that name; or the command's own.
        """
        name = command.get("command", "")
        known = {HELP: "This list.", **self.commands}
        if name == HELP:
            return {"commands": known}
        if not isinstance(name, str) or name not in known:
            hint = did_you_mean(str(name), known)
            raise VisionError(ErrorCode.NOT_SUPPORTED, f"no command {name!r} here{hint}")
        return self.run_command(name, {key: value for key, value in command.items() if key != "command"})

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what one of `commands` returns: a mapping that JSON can hold.

        Args:
            name: Which.
            arguments: All that the command was given besides its name.

        Raises:
            VisionError: What the caller should know.
        """
        raise NotImplementedError(f"{type(self).__name__}.run_command does not know its own command {name!r}")
