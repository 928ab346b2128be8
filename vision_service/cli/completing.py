"""What makes a shell complete the command: a script that is made of its parser.

A generated script completes in milliseconds what the parser says, where one that starts Python (argcomplete) takes the
time of its start for each TAB, and is one more dependency. The names of nodes are asked of `vision-service list`.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from typing import Any

NODES_TIME = 2
"""How long the shell waits for the names of nodes, seconds."""
REMEMBERED = 20
"""How long it remembers them, seconds."""

KINDS = {
    "SERVICE": "nodes",
    "NODE": "nodes",
    "C": "nodes",
    "METHOD": "methods",
    "M": "models",
    "MODEL_OR_DRIVER": "attributed",
    "LEVEL": "levels",
}
"""What an argument is completed with, by what the help calls it; anything else is completed as a file."""

_BODY = r"""
_vision_service_graph() {  # the services that run, for a while; compgen expands words, so only letters that names have
  if [ -z "$_vision_service_seen" ] || [ $((SECONDS - _vision_service_seen)) -gt @REMEMBERED@ ]; then
    _vision_service_services="$(timeout -s KILL $((@NODES_TIME@ + 1)) "$1" list --json --wait @NODES_TIME@ 2>/dev/null \
      | tr ',{' '\n\n' | sed -n 's/^ *"\/\([A-Za-z0-9_/]*\)": .*/\1/p')"
    _vision_service_seen=$SECONDS
  fi
}

_vision_service_words() {  # of a kind, after _vision_service_graph; the second argument is the node
  case "$1" in
    nodes) printf '%s\n' "$_vision_service_services" | sed 's/\/[^/]*$//' | sort -u ;;
    methods)
      case "$2" in *[!A-Za-z0-9_/]*) return ;; esac
      printf '%s\n' "$_vision_service_services" | sed -n "s|^${2#/}/\([^/]*\)$|\1|p" ;;
    models) printf '%s\n' @MODELS@ ;;
    attributed) printf '%s\n' @ATTRIBUTED@ ;;
    levels) printf '%s\n' debug info warn error fatal ;;
    choices:*) printf '%s\n' "${1#choices:}" | tr ',' '\n' ;;
  esac
}

_vision_service() {
  local current="${COMP_WORDS[COMP_CWORD]}" command="" node="" kind="" positional=0 index=1 word options="" kinds=""
  COMPREPLY=()
  while [ "$index" -lt "$COMP_CWORD" ]; do
    word="${COMP_WORDS[index]}"
    kind=""
    case "$word" in
      -*) [ -z "$command" ] || kind="$(_vision_service_value "$command" "$word")" ;;
      *)
        if [ -z "$command" ]; then
          command="$word"
        else
          positional=$((positional + 1))
          [ "$positional" -gt 1 ] || node="$word"
        fi ;;
    esac
    if [ -n "$kind" ]; then  # the next word is this option's value
      index=$((index + 1))
      [ "$index" -lt "$COMP_CWORD" ] && kind=""
    fi
    index=$((index + 1))
  done
  if [ -z "$command" ]; then
    COMPREPLY=( $(compgen -W "@COMMANDS@ --help --version" -- "$current") )
    return
  fi
  if [ -z "$kind" ]; then
    _vision_service_command "$command"
    case "$current" in
      -*) COMPREPLY=( $(compgen -W "$options" -- "$current") ); return ;;
    esac
    kind="$(printf '%s\n' "$kinds" | tr ' ' '\n' | sed -n "$((positional + 1))p")"
  fi
  case "$kind" in nodes|methods) _vision_service_graph "${COMP_WORDS[0]}" ;; esac  # in this shell, which remembers them
  options="$(_vision_service_words "$kind" "$node")"
  case "$current" in
    /*) COMPREPLY=( $(compgen -P / -W "$options" -- "${current#/}") ) ;;  # a node's name with its slash
    *) COMPREPLY=( $(compgen -W "$options" -- "$current") ) ;;
  esac
}
complete -o default -F _vision_service vision-service
"""


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script.

    Args:
        parser: Of the whole command.
        shell: ``bash`` or ``zsh``; zsh runs bash's script by its own bashcompinit.
    """
    from vision_service.camera import DRIVERS
    from vision_service.camera.transforms import TRANSFORMS
    from vision_service.vision import MODELS

    commands = subcommands(parser)
    names = [name for registry in (MODELS, DRIVERS, TRANSFORMS) for name in registry.names()]
    said = {
        "COMMANDS": " ".join(commands),
        "MODELS": shlex.join(MODELS.names()),
        "ATTRIBUTED": shlex.join(names),
        "NODES_TIME": str(NODES_TIME),
        "REMEMBERED": str(REMEMBERED),
    }
    body = _BODY
    for name, text in said.items():
        body = body.replace(f"@{name}@", text)
    lines = [f"# Completion of vision-service in {shell}; written by `vision-service completion {shell}`."]
    if shell == "zsh":
        lines.append("autoload -U +X compinit && compinit; autoload -U +X bashcompinit && bashcompinit")
    lines += ["_vision_service_command() {  # sets options and kinds", '  case "$1" in']
    for name, each in commands.items():
        options = " ".join(option for action in _options(each) for option in action.option_strings)
        kinds = " ".join(kind_of(action) for action in each._actions if not action.option_strings)
        lines.append(f"    {name}) options='{options}'; kinds='{kinds}' ;;")
    lines += ["  esac", "}", "_vision_service_value() {  # prints what an option's value is", '  case "$1 $2" in']
    for name, each in commands.items():
        for action in _options(each):
            if action.nargs != 0:
                cases = "|".join(f"'{name} {option}'" for option in action.option_strings)
                lines.append(f"    {cases}) echo {shlex.quote(kind_of(action))} ;;")
    lines += ["  esac", "}"]
    return "\n".join(lines) + body


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the subcommands by their names."""
    actions: Any = parser._actions
    return next(dict(action.choices) for action in actions if isinstance(action, argparse._SubParsersAction))


def _options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (action for action in parser._actions if action.option_strings)


def kind_of(action: argparse.Action) -> str:
    """Return what an argument is completed with."""
    if action.choices is not None:
        return f"choices:{','.join(map(str, action.choices))}"
    return KINDS.get(str(action.metavar), "files")
