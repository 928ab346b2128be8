"""Commands of a model's or driver's own."""

from typing import ClassVar

import pytest

from vision_service.commands import HasCommands
from vision_service.errors import ErrorCode, VisionError


class Lamp(HasCommands):
    commands: ClassVar = {"dim": "Sets how bright it is: level, 0 to 1."}

    def run_command(self, name, arguments):
        return {"ran": name, **arguments}


def test_a_command_gets_what_else_it_was_given():
    assert Lamp().do_command({"command": "dim", "level": 0.5}) == {"ran": "dim", "level": 0.5}


def test_help_lists_what_there_is():
    assert Lamp().do_command({"command": "help"}) == {
        "commands": {"help": "This list.", "dim": "Sets how bright it is: level, 0 to 1."}
    }
    assert HasCommands().do_command({"command": "help"}) == {"commands": {"help": "This list."}}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({"command": "dimm"}, r"no command 'dimm' here: did you mean 'dim'\?"),
        ({"command": "dance"}, "no command 'dance' here: known are dim, help"),
        ({}, "no command '' here: known are dim, help"),
        ({"command": ["dim"]}, r"no command \['dim'\] here"),
        ({"dim": 1}, "no command '' here"),
    ],
)
def test_other_commands_are_not_supported(command, message):
    with pytest.raises(VisionError, match=message) as raised:
        Lamp().do_command(command)
    assert raised.value.code == ErrorCode.NOT_SUPPORTED
