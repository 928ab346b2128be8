"""What `completion` prints makes bash and zsh complete the command."""

import shutil
import subprocess
from pathlib import Path

import pytest

from vision_service.cli.commands import NAMES
from vision_service.cli.completing import KINDS, NODES_TIME, script, subcommands
from vision_service.cli.main import build_parser, main

LISTED = """{"/front/get_image": "GetImage", "/robot/people/get_detections": "GetDetections", \
"/robot/people/get_status": "GetStatus"}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What bash sources, and a vision-service on PATH that lists what runs on some graph."""
    made = tmp_path_factory.mktemp("completion")
    (made / "completion").write_text(script(build_parser(), "bash"))
    listing = made / "vision-service"
    listing.write_text(f"#!/bin/sh\n[ \"$1\" = list ] && echo '{LISTED}'\n")
    listing.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def completed(folder):
    def complete(*words):
        program = (
            'source "$0/completion"; PATH="$0:$PATH"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vision_service;'
            ' printf "%s\\n" "${COMPREPLY[@]}"'
        )
        command = ["bash", "-c", program, str(folder), "vision-service", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    return complete


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ca"], ["call", "capture"]),
        (["viam"], ["viam-gateway"]),
        (["detect", "--mo"], ["--model", "--model-path"]),
        (["detect", "--model", "color"], ["color_detector"]),
        (["detect", "--model", "color_detector", "x.png", "--se"], ["--set"]),
        (["detect", "--out", ""], []),  # a folder, which the shell completes itself
        (["models", "synth"], ["synthetic"]),
        (["run", "robot.yaml", "--log-level", "w"], ["warn"]),
        (["completion", ""], ["bash", "zsh"]),
        (["call", ""], ["front", "robot/people"]),
        (["call", "/f"], ["/front"]),
        (["call", "robot/people", "get_d"], ["get_detections"]),
        (["call", "/front", ""], ["get_image"]),
        (["call", "--camera", "front", "robot/people", ""], ["get_detections", "get_status"]),
        (["call", "front", "get_image", ""], []),
        (["nothing", ""], []),
        (["call", "a|b", ""], []),
    ],
)
def test_bash_completes(completed, words, expected):
    assert completed(*words) == expected


def test_the_nodes_are_remembered_for_a_while(folder, tmp_path):
    counting = tmp_path / "vision-service"
    counting.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\necho '{LISTED}'\n")
    counting.chmod(0o755)
    program = (
        f'source "{folder}/completion"; COMP_WORDS=("{counting}" call ""); COMP_CWORD=2; _vision_service;'
        f' _vision_service; COMP_WORDS=("{counting}" call front ""); COMP_CWORD=3; _vision_service; echo "$COMPREPLY"'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "get_image"
    assert (tmp_path / "asked").read_text().split() == ["asked"]


def test_what_others_call_their_nodes_is_no_command_here(folder, tmp_path):
    odd = tmp_path / "vision-service"
    odd.write_text(f'#!/bin/sh\necho \'{{"/a$(touch {tmp_path}/run)/get_image": "GetImage"}}\'\n')
    odd.chmod(0o755)
    program = f'source "{folder}/completion"; COMP_WORDS=("{odd}" call ""); COMP_CWORD=2; _vision_service'
    subprocess.run(["bash", "-c", program], capture_output=True, timeout=60, check=False)
    assert not (tmp_path / "run").exists()


def test_a_command_that_never_lists_its_nodes_is_not_waited_for(folder, tmp_path):
    slow = tmp_path / "vision-service"
    slow.write_text("#!/bin/sh\nexec sleep 1000\n")
    slow.chmod(0o755)
    program = f'source "{folder}/completion"; _vision_service_graph "{slow}"; echo "$_vision_service_services"'
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=NODES_TIME + 60, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
def test_zsh_understands_it(tmp_path):
    (tmp_path / "completion").write_text(script(build_parser(), "zsh"))
    program = f"source {tmp_path}/completion && echo $_comps[vision-service]"
    done = subprocess.run(["zsh", "-f", "-i", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert "_vision_service" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_command_prints_it(capsys, shell):
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == script(build_parser(), shell)


class TestTheParsers:
    COMMANDS = subcommands(build_parser())

    def test_are_those_of_the_modules(self):
        folder = Path(__file__).parents[2] / "vision_service" / "cli" / "commands"
        modules = {path.stem.replace("_", "-") for path in folder.glob("*.py")} - {"--init--"}
        assert list(self.COMMANDS) == list(NAMES)
        assert set(NAMES) == modules

    def test_have_arguments_of_each_kind_that_is_completed(self):
        metavars = {action.metavar for parser in self.COMMANDS.values() for action in parser._actions}
        assert KINDS.keys() <= metavars

    @pytest.mark.parametrize("name", NAMES)
    def test_have_examples_that_they_understand(self, name):
        examples = self.COMMANDS[name].epilog.splitlines()[1:]
        assert examples
        assert all("vision-service" in example and len(example) < 120 for example in examples)
