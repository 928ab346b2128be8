"""Many callers of a vision node at once, beside a server of Viam's Python SDK."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.calls.callers import Turn
from benchmarks.measuring import Times, milliseconds, number
from benchmarks.report import Figure, markdown_table
from benchmarks.rig.memory import KEPT_MEMORY
from benchmarks.rig.networks import Network
from benchmarks.rig.processes import robot, running

SHARED = {"1": 1, "4": 4, "32": 32}
"""How many callers there are who share a client."""
APART = {"32 apart": 32}
"""How many there are who have a client each."""
KINDS = {"image": "the same JPEG", "camera": "from the camera"}
"""What is asked of either side."""
RAW = {"raw": "the same image, raw"}
"""What is asked of ours only, because Viam's client sends JPEG."""
SIDES = {"ours": "ours", "viam": "Viam's Python SDK", "kept": "Viam's Python SDK, memory kept"}
"""The last is told by its environment to keep the memory of images, as our processes do by themselves."""
LINGER = 0.1
"""How long our camera is read after a call, seconds: it is not to disturb the other side's turns."""


class Answered:
    """What became of the calls of several turns.

    Attributes:
        times: How long each took.
        rates: How many were answered in a second, turn by turn.
    """

    def __init__(self, turns: list[Turn]) -> None:
        """Take what was measured in each turn."""
        self.times = Times(tuple(duration for durations, _ in turns for duration in durations))
        self.rates = [len(durations) / seconds for durations, seconds in turns]

    @property
    def rate(self) -> float:
        """Calls answered in a second: the median of the turns."""
        return statistics.median(self.rates)


class Crowd:
    """What became of all calls for one network.

    Attributes:
        network: The network.
        crowds: Which numbers of callers there were, of SHARED and APART.
        answered: By side, kind of call, and number of callers.
    """

    def __init__(self, network: Network, folder: Path, *, apart: bool, turns: int, seconds: float) -> None:
        """Let both sides be called in turns.

        Args:
            network: A detector.
            folder: Where the images lie as JPEG files.
            apart: Whether there are callers with a client each, too.
            turns: How many for each side, kind and number of callers.
            seconds: How long a turn lasts.
        """
        self.network = network
        self.crowds = {**SHARED, **(APART if apart else {})}
        done: dict[tuple[str, str, str], list[Turn]] = {}
        image = str(min(folder.glob("*.jpg")))
        both = [(side, what, crowd) for crowd in self.crowds for what in KINDS for side in SIDES]
        ours = [("ours", what, crowd) for crowd in SHARED for what in RAW]
        with _both_sides(network, folder) as sides:
            for _, (side, what, crowd) in product(range(turns), both + ours):
                turn = {"callers": self.crowds[crowd], "share": crowd in SHARED, "seconds": seconds, "what": what}
                done.setdefault((side, what, crowd), []).append(sides[side](**turn, file=image))
        self.answered = {key: Answered(turns) for key, turns in done.items()}

    def figures(self) -> list[Figure]:
        """Return the lines of the table."""
        others = [side for side in SIDES if side != "ours"]
        return [self._figure(what, crowd, side) for what in KINDS for crowd in self.crowds for side in others]

    def _figure(self, what: str, crowd: str, side: str) -> Figure:
        ours, theirs = self.answered["ours", what, crowd], self.answered[side, what, crowd]
        ratios = [one / other for one, other in zip(ours.rates, theirs.rates, strict=True)]
        value = ours.rate / theirs.rate
        return Figure(
            f"get_detections, {KINDS[what]}, callers at once: {crowd}, {self.network.name}",
            f"{number(ours.rate)} a second",
            f"{SIDES[side]}: {number(theirs.rate)} a second",
            f"{number(value)} ({number(min([value, *ratios]))}–{number(max([value, *ratios]))})",
            "≥ 1" if side == "viam" else "",
            value >= 1 if side == "viam" else None,
        )

    def page(self, pages: Path) -> str:
        """Draw the image into a folder, and return what stands below the table, Markdown."""
        file = pages / f"calls_{self.network.path.stem}.png"
        self._draw(file)
        rows = [
            (
                (KINDS | RAW)[what],
                crowd,
                SIDES[side],
                number(answered.rate),
                milliseconds(answered.times.median),
                milliseconds(answered.times.quantile(0.99)),
            )
            for (side, what, crowd), answered in sorted(self.answered.items(), key=lambda item: item[0][1])
        ]
        table = markdown_table(("get_detections", "at once", "whose", "calls a second", "p50", "p99"), rows)
        image = f"![Calls a second and how long they take, by the number of callers]({file.name})"
        return f"## Many callers, {self.network.name}\n\n{image}\n\n{table}"

    def _draw(self, file: Path) -> None:
        import matplotlib as mpl  # here, because who only calls many at once does not draw

        mpl.use("Agg")
        from matplotlib import pyplot

        figure, rows = pyplot.subplots(2, len(KINDS), figsize=(9, 6.5), sharex=True, layout="constrained")
        figure.suptitle(f"get_detections, {self.network.name}")
        places = range(len(self.crowds))
        for rates, durations, (what, title) in zip(*rows, KINDS.items(), strict=True):
            rates.set_title(title)
            for side, color in zip(SIDES, ("tab:blue", "tab:orange", "tab:green"), strict=True):
                found = [self.answered[side, what, crowd] for crowd in self.crowds]
                rates.plot(places, [each.rate for each in found], "o-", color=color, label=SIDES[side])
                for share, line in ((0.5, "o-"), (0.99, "o:")):
                    taken = [each.times.quantile(share) * 1e3 for each in found]
                    durations.plot(places, taken, line, color=color, label=f"{SIDES[side]}, p{share * 100:.0f}")
            rates.set_ylim(bottom=0)
            durations.set_yscale("log")
            durations.set_xticks(places, list(self.crowds))
            durations.set_xlabel("callers at once")
        for row, label in zip(rows, ("calls a second", "ms"), strict=True):
            row[0].set_ylabel(label)
        figure.legend(*rows[1][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
        figure.savefig(file, dpi=110)
        pyplot.close(figure)


@contextmanager
def _both_sides(network: Network, folder: Path) -> Iterator[dict[str, Callable[..., Turn]]]:
    """Run both servers and the callers of both; yields what has the callers of a side take a turn."""
    ports, minimum = (str(free_port()), str(free_port())), str(network.attributes["default_minimum_confidence"])
    nodes: dict[str, dict[str, Any]] = {
        "stack": {"cameras": ["camera"], "vision": ["eye"]},
        "camera": {"driver": "video", "video_path": str(folder), "frame_rate": 30.0, "loop": True, "linger": LINGER},
        "eye": {**network.parameters, "cameras": ["camera"], "linger": LINGER},
    }
    viam = ("-m", "benchmarks.peers.viam_server", str(network.path), minimum, str(folder))
    with (
        robot(**nodes),
        running(*viam, ports[0]),
        running(*viam, ports[1], environment=KEPT_MEMORY),
        calling("ours") as ours,
        calling("viam", ports[0]) as theirs,
        calling("viam", ports[1]) as kept,
    ):
        yield {"ours": ours, "viam": theirs, "kept": kept}


@contextmanager
def calling(*arguments: str, program: str = "benchmarks.calls.callers") -> Iterator[Callable[..., Turn]]:
    """Run callers in a process; yields what has them take a turn."""
    command = [sys.executable, "-m", program, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def turn(**turn: Any) -> Turn:
            print(json.dumps(turn), file=process.stdin, flush=True)
            durations, seconds = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            return durations, seconds

        try:
            yield turn
        finally:
            process.kill()


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
