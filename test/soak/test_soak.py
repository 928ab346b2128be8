"""Many callers for long: all calls are answered, and nodes hold no more memory, threads or files than before."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from enduring import EXECUTABLES, VISION, nodes, work_again
from reliability import number, recorded
from robot import PATIENCE, ROOT, environment, eventually, lone_peer

CALLS = number("CALLS", 100_000)
CALLERS = number("CALLERS", 32)
MINUTES = number("MINUTES", 10)
COMMAND = f"make soak CALLS={CALLS} CALLERS={CALLERS} MINUTES={MINUTES}"
PROCESSES = 4
WARM_UP = 0.5
"""Which share of the run comes before what nodes hold is first looked at."""
LONGEST = 6
"""After how many times MINUTES the run ends, even if there were not so many calls."""
GROWTH = 5 * 2**20
"""How much more memory a node may hold at the end than after its warm-up, bytes."""

pytestmark = pytest.mark.soak


class Callers:
    """Processes of callers, who say each second how their calls ended."""

    def __init__(self):
        shares = [CALLERS // PROCESSES + (each < CALLERS % PROCESSES) for each in range(PROCESSES)]
        self._said = {}
        self._processes = [
            subprocess.Popen(
                [sys.executable, str(ROOT / "test/soak/callers.py"), str(share)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment(ROOT / "test"),
            )
            for share in shares
            if share
        ]
        self._readers = [threading.Thread(target=self._read, args=(each,)) for each in self._processes]
        for reader in self._readers:
            reader.start()

    def _read(self, process):
        for line in process.stdout:
            self._said[process.pid] = json.loads(line)

    @property
    def codes(self):
        """How many calls ended how so far."""
        return sum((Counter(said["counts"]) for said in list(self._said.values())), Counter())

    @property
    def lost(self):
        """How many calls had no answer, and what is known of them."""
        said = list(self._said.values())
        return sum(each["lost"] for each in said), [line for each in said for line in each["unanswered"]]

    def end(self):
        for process in self._processes:
            process.stdin.close()
        for process, reader in zip(self._processes, self._readers, strict=True):
            assert process.wait(2 * PATIENCE) == 0
            reader.join(PATIENCE)

    def kill(self):
        for process in self._processes:
            process.kill()


def held(process):
    """Return what a process holds: resident bytes, threads, open files."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return {
        "rss": int(fields["VmRSS"].split()[0]) * 1024,
        "threads": int(fields["Threads"]),
        "fds": len(list(Path(f"/proc/{process.pid}/fd").iterdir())),
    }


def entities(peer, name):
    """Return how many publishers, subscriptions, services and clients a node has on the graph."""
    node = peer.node
    found = {}
    for kind in ("publisher", "subscriber", "service", "client"):
        names = getattr(node, f"get_{kind}_names_and_types_by_node")(name, "/")
        found[kind] = len(names)
    return found


def at_rest(stack, peer):
    """Return what each node holds while nobody calls: who has just gone is forgotten first."""

    def look():
        return {name: {**held(each.process), **entities(peer, name)} for name, each in stack.running.items()}

    previous = look()
    for _ in range(int(PATIENCE)):
        time.sleep(1.0)
        now = look()
        steady = all(now[name][kind] == previous[name][kind] for name in now for kind in now[name] if kind != "rss")
        if steady:
            return now
        previous = now
    return previous


@pytest.fixture
def peer():
    with lone_peer() as peer:
        yield peer


def call(stack, share, progress):
    """Have callers call for a share of the run; return how many calls ended how, and which had no answer."""
    seconds, calls = 60.0 * MINUTES * share, CALLS * share
    callers = Callers()
    began = time.monotonic()
    task = progress.add_task(f"{CALLERS} callers", total=1.0, memory="")
    try:
        while True:
            time.sleep(1.0)
            lasted, made = time.monotonic() - began, sum(callers.codes.values())
            memory = " ".join(f"{name} {held(each.process)['rss'] / 2**20:.1f}" for name, each in stack.running.items())
            progress.update(task, completed=min(lasted / seconds, made / calls), memory=f"{made} calls, MiB: {memory}")
            if (lasted >= seconds and made >= calls) or lasted >= LONGEST * seconds:
                break
        callers.end()
    finally:
        callers.kill()
    return callers.codes, callers.lost, lasted


def test_nodes_hold_no_more_after_many_calls(tmp_path, peer):
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[memory]}"))
    what = "callers in 4 processes call a stack of three processes in 8 ways, come and go"
    with recorded(what, COMMAND) as run, nodes(tmp_path) as stack, Progress(*columns) as progress:
        work_again()
        eventually(lambda: all(name in peer.node.get_node_names() for name in EXECUTABLES), "all nodes are seen")
        _, warm_lost, _ = call(stack, WARM_UP, progress)
        before = at_rest(stack, peer)
        codes, lost, lasted = call(stack, 1.0, progress)
        after = at_rest(stack, peer)
        made = sum(codes.values())
        growth = {name: {kind: after[name][kind] - before[name][kind] for kind in after[name]} for name in after}
        run.times = f"{made} calls of {CALLERS} callers in {lasted / 60:.1f} min, after half of that to warm up"
        ends = ", ".join(f"{count} {name}" for name, count in codes.most_common())
        run.happened = f"{lost[0] + warm_lost[0]} calls without an answer ({ends}); " + "; ".join(
            f"{name}: {grown['rss'] / 2**20:+.1f} MiB, {grown['threads']:+d} threads, {grown['fds']:+d} files, "
            f"{sum(grown[kind] for kind in ('publisher', 'subscriber', 'service', 'client')):+d} DDS entities"
            for name, grown in growth.items()
        )
        run.figures = {"codes": dict(codes), "before": before, "after": after, "seconds": lasted, "lost": lost}
        assert (warm_lost, lost) == ((0, []), (0, []))
        assert codes["OK"] > made / 2
        assert made >= CALLS, "the machine is too slow for so many calls"
        for name, grown in growth.items():
            assert grown.pop("rss") < GROWTH, (name, growth)
            assert all(count <= 0 for count in grown.values()), (name, growth)
        assert "Traceback" not in stack.logs()
        assert VISION in growth
