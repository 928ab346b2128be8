"""What nodes and clients cost beside what they do: the start, memory, threads, an idle core, imports."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import sysconfig
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rcl_interfaces.srv import ListParameters
from rich.progress import Progress
from vision_msgs.msg import Detection2DArray
from vision_service.srv import GetStatus

from benchmarks.measuring import Times, alternate, milliseconds, quotient
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.networks import COCO_SSD, DETECTOR
from benchmarks.rig.observed import MEBIBYTE, Memory, Observed, Observer, as_in_a_shell, shares

HERE = Path(__file__).resolve().parent
BARE, SUBSCRIBER = HERE / "peers" / "bare_node.py", HERE / "peers" / "plain_subscriber.py"
PLAIN_DETECTOR, CLIENTS = HERE / "peers" / "plain_detector.py", HERE / "peers" / "clients.py"
EXECUTABLES = Path(sysconfig.get_path("data")) / "lib" / "vision_service"
MODELS = {"solids": DETECTOR.path, "COCO SSD": COCO_SSD.path}
"""The detector that we ship, and a well-known larger one, where it is there."""

START_GOAL, MEMORY_GOAL, IDLE_GOAL = 0.5, 50 * MEBIBYTE, 0.03
CLIENT_COUNT, CLIENT_THREADS_GOAL, CLIENT_MEMORY_GOAL = 10, 40, 60 * MEBIBYTE
SETTLING = 1.0
"""From the first answer until memory is looked at, seconds."""

KINDS = {
    "DDS's shared memory": "^/dev/shm/",
    "LiteRT": "(?i)litert",
    "OpenCV and the libraries that it brings": "/cv2/|opencv_python",
    "other libraries and files": "^/",
    "what is allocated: Python's objects, modules, the model": "",
}
"""Of what resident memory is, by the path that is mapped."""

BARE_NODE, LEAST = "a bare node", "the least that detects"
READY = {BARE_NODE: "spins", LEAST: "ready"}
"""What they print when they are; ours say that they are active."""

IMPORTS = {
    "`import vision_service`": "import vision_service",
    "the process `vision`": "from vision_service import starting; starting.begin(); "
    "import vision_service.ros.process.spinning, vision_service.ros.vision.node",
    "`vision-service --help`": "from vision_service.cli.main import main; main(['--help'])",
}
HEAVY = ("rclpy", "numpy", "cv2", "ai_edge_litert", "onnxruntime", "scipy", "open3d", "rosbags", "matplotlib")
SHOWN = 8
"""How many of the heaviest modules are listed."""

METHOD = """
Every process is started as a user's shell would, and seen from outside; the bare node of rclpy is
`benchmarks/peers/bare_node.py`: `rclpy.init`, one node, `spin` (NumPy is in it, because rclpy's messages import it).
*The least that detects* is `benchmarks/peers/plain_detector.py`: such a node with OpenCV, LiteRT and the model, which
it has run once, one subscription and one topic of results, and the shared memory that our nodes have. Modules are
compiled already, as pip leaves them.

- *start*: from the start of the process to the line that it prints when the vision node has been activated with its
  model loaded, tried in a child process and run once; or when the others spin. Processes take turns. *As
  others see it* is until another process, which runs already, has an answer from it: of `get_status` with the state
  active, or of the others' `list_parameters`. That is mostly DDS's discovery: what is announced before the other
  side is ready for it is announced again after 1.5 s only.
- *memory*: RSS and PSS of `/proc/PID/smaps_rollup`, one second after the first answer. MB are those of `ps` and `top`:
  2^20 bytes.
- *idle*: user and system time of `/proc/PID/stat`, all threads, while a camera node in a process of its own publishes
  640×480 at 30 Hz and all contestants run beside each other: a vision node that nobody listens to, the same with
  `keep_subscribed: true`, and a node as tutorials begin one (`benchmarks/peers/plain_subscriber.py`), which is
  subscribed always, makes an array of every image, and does nothing with it.
- *clients*: `benchmarks/peers/clients.py`, a program that imports the clients, makes ten without `rclpy.init`, and
  calls with each a node that is not there; its threads (all of them: DDS's and OpenCV's too), and its RSS beyond that
  of the same program with no clients.
- *imports*: `python -X importtime`; its clock makes imports slower than they are. `vision` runs up to where the node is
  made.
"""


MEMORY_EXPLAINED = """
What a vision node has beyond the bare one: the segment of shared memory of 16 MiB, without which large images between
processes are lost, and all of which Fast DDS writes zeros to when it makes it, so that nobody gets SIGBUS later; the
code of LiteRT, as far as it is used; its own modules, those of its interfaces included; its services and topics in
DDS, of which it has four times as many. OpenCV is imported with its first use: for compressed images, annotated ones
that somebody wants, for masks; plain images become tensors without it. The least that detects has the shared memory and
LiteRT as well, and OpenCV, with which it resizes. Ours leaves out the code generator that messages import, which both
others have, and OpenSSL with it: digests of files up to 16 MB are Python's own. Of what it allocates, 8 MB are its 200
modules, none of which takes more than 0.5 MB, 4 MB the messages of other packages. What tests say by name
(`test/test_imports.py`) is imported by none that does not use it; threads share two places to allocate, and what making
a node took is given back when it is active (`vision_service/heap.py`), 2 MB together.
"""


@dataclass
class Starts:
    """What was seen of the starts of one contestant.

    Attributes:
        answered: After how many seconds it has answered another process.
        memory: What it held then.
        parts: The same by kind, of the last start, bytes.
    """

    answered: list[float] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)

    def held(self, kind: str) -> float:
        """Return the median of "resident" or "proportional" memory, bytes."""
        return statistics.median(getattr(memory, kind) for memory in self.memory)


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure all of it."""
    observer = Observer()
    try:
        with Progress(transient=True) as progress:
            times, starts = started(observer, 2 if quick else 8, progress)
            idle, streaming, rate = idled(observer, windows=2 if quick else 6, seconds=2.0 if quick else 4.0)
    finally:
        observer.close()
    figures = [
        *start_figures(times, starts),
        *memory_figures(starts, streaming),
        *idle_figures(idle, rate),
        clients_figure(2 if quick else 5),
        heavy_figure(),
    ]
    return Report(
        "Footprint: start, memory, idling, imports", METHOD, figures, f"{memory_section(starts)}\n\n{imports_section()}"
    )


def vision(model: Path, name: str, **parameters: str) -> list[str]:
    """Return the arguments of a vision node with a model of a file, for the camera `front`."""
    given = {"model": "mlmodel", "model_path": str(model), "cameras": "[front]", **parameters}
    return [
        "--ros-args",
        "-r",
        f"__node:={name}",
        *(part for item in given.items() for part in ("-p", "{}:={}".format(*item))),
    ]


# The start, and memory.


def started(observer: Observer, rounds: int, progress: Progress) -> tuple[dict[str, Times], dict[str, Starts]]:
    """Return how long nodes take until they work, and what was seen of them besides."""
    starts: dict[str, Starts] = defaultdict(Starts)

    def start(contestant: str, begin: Callable[[str], Observed], asked: type, service: str) -> Callable[[], float]:
        def job() -> float:
            name = f"node_{time.monotonic_ns()}"  # DDS remembers for a while who left
            with begin(name) as process:
                process.says(READY.get(contestant, "active: "))
                took = process.age
                observer.ask(asked, f"/{name}/{service}")
                starts[contestant].answered.append(process.age)
                time.sleep(SETTLING)
                starts[contestant].memory.append(process.memory)
                starts[contestant].parts = process.resident(KINDS)
            return took

        return job

    contestants = {
        title: start(
            title, lambda name, peer=peer: Observed(peer[0], name, *peer[1:]), ListParameters, "list_parameters"
        )
        for title, peer in {BARE_NODE: (BARE,), LEAST: (PLAIN_DETECTOR, DETECTOR.path)}.items()
    }
    for title, model in MODELS.items():
        if model.exists():
            begin = lambda name, model=model: Observed(EXECUTABLES / "vision", *vision(model, name))  # noqa: E731
            contestants[title] = start(title, begin, GetStatus, "get_status")
    return alternate(contestants, rounds, warm_up=0, progress=progress), starts


def start_figures(times: dict[str, Times], starts: dict[str, Starts]) -> list[Figure]:
    """Return the figures of starting."""
    figures = []
    for title in [title for title in times if title not in READY]:
        for beside in READY if title == "solids" else (BARE_NODE,):
            ours, theirs = times[title], times[beside]
            aimed = (title, beside) == ("solids", BARE_NODE)
            figures.append(
                Figure(
                    f"start until active, {title}",
                    str(ours),
                    f"{beside}: {theirs}",
                    str(quotient(ours, theirs)),
                    f"< {milliseconds(START_GOAL)}" if aimed else "",
                    ours.median < START_GOAL if aimed else None,
                )
            )
    seen, bare_seen = (Times(tuple(starts[name].answered)) for name in ("solids", BARE_NODE))
    figures.append(
        Figure(
            "as others see it, solids", str(seen), f"{BARE_NODE} answers: {bare_seen}", str(quotient(seen, bare_seen))
        )
    )
    return figures


def memory_figures(starts: dict[str, Starts], streaming: Memory) -> list[Figure]:
    """Return the figures of memory."""
    figures = []
    for kind, short in (("resident", "RSS"), ("proportional", "PSS")):
        for title in [title for title in starts if title not in READY]:
            for beside in READY if title == "solids" else (BARE_NODE,):
                theirs = starts[beside].held(kind)
                more = starts[title].held(kind) - theirs
                aimed = (title, kind, beside) == ("solids", "resident", BARE_NODE)
                figures.append(
                    Figure(
                        f"{short}, {title}",
                        f"{megabytes(starts[title].held(kind))} = {beside} + {megabytes(more)}",
                        f"{beside}: {megabytes(theirs)}",
                        f"{starts[title].held(kind) / theirs:.2f}",
                        f"{BARE_NODE} + {megabytes(MEMORY_GOAL)}" if aimed else "",
                        more <= MEMORY_GOAL if aimed else None,
                    )
                )
    both = f"{megabytes(streaming.resident)} RSS, {megabytes(streaming.proportional)} PSS"
    return [*figures, Figure("memory after detections of 640×480 were streamed, solids", both)]


def memory_section(starts: dict[str, Starts]) -> str:
    """Return the table of what memory is made of, Markdown."""
    rows = [(kind, *(megabytes(seen.parts[kind]) for seen in starts.values())) for kind in KINDS]
    return f"## What resident memory is\n\n{markdown_table(('', *starts), rows)}\n\n{MEMORY_EXPLAINED}"


def megabytes(count: float) -> str:
    """Return bytes for people."""
    return f"{count / MEBIBYTE:.0f} MB"


# Idling.


def idled(observer: Observer, *, windows: int, seconds: float) -> tuple[dict[str, list[float]], Memory, float]:
    """Return the shares of a core that contestants take beside a camera, by window of time.

    Returns:
        The shares; the memory that the vision node holds after it has streamed; the camera's frames a second.
    """
    name = f"node_{time.monotonic_ns()}"
    camera = ["--ros-args", "-r", "__node:=front", "-p", "driver:=synthetic", "-p", "frame_rate:=30.0"]
    solids = MODELS["solids"]
    commands: dict[str, Sequence[str | Path]] = {
        "camera": (EXECUTABLES / "camera", *camera),
        "ours": (EXECUTABLES / "vision", *vision(solids, f"{name}_ours")),
        "kept": (EXECUTABLES / "vision", *vision(solids, f"{name}_kept", keep_subscribed="true")),
        "tutorial": (SUBSCRIBER, f"{name}_tutorial", "/front/image_raw"),
        "bare": (BARE, f"{name}_bare"),
    }
    with ExitStack() as running:
        processes = {title: running.enter_context(Observed(*command)) for title, command in commands.items()}
        for service in ("front", f"{name}_ours", f"{name}_kept"):
            while observer.ask(GetStatus, f"/{service}/get_status").state != "active":
                time.sleep(0.1)
        time.sleep(4.0)  # whoever is discovered late is subscribed by then
        frames, began = frames_of(observer), time.monotonic()
        taken = [shares(list(processes.values()), seconds) for _ in range(windows)]
        rate = (frames_of(observer) - frames) / (time.monotonic() - began)
        received: list[Detection2DArray] = []
        observer.node.create_subscription(Detection2DArray, f"/{name}_ours/detections", received.append, 1)
        ends = time.monotonic() + 10.0
        while len(received) < 60 and time.monotonic() < ends:
            time.sleep(0.1)
        streaming = processes["ours"].memory
    return dict(zip(commands, map(list, zip(*taken, strict=True)), strict=True)), streaming, rate


def frames_of(observer: Observer) -> int:
    """Return how many frames the camera has read so far."""
    return int(json.loads(observer.ask(GetStatus, "/front/get_status").status)["frames"])


def idle_figures(idle: dict[str, list[float]], rate: float) -> list[Figure]:
    """Return the figures of idling."""
    ours = statistics.median(idle["ours"])
    what = f"a core while nobody listens, camera at {rate:.0f} Hz"
    besides = {
        "tutorial": "subscribed always, as in tutorials",
        "kept": "ours with keep_subscribed",
        "bare": "a bare node",
    }
    figures = []
    for title, name in besides.items():
        theirs = statistics.median(idle[title])
        ratio = f"{ours / theirs:.2f}" if theirs else ""
        figures.append(Figure(what, percent(idle["ours"]), f"{name}: {percent(idle[title])}", ratio))
    figures[0] = Figure(
        what, figures[0].ours, figures[0].beside, figures[0].ratio, f"< {IDLE_GOAL:.0%} of a core", ours < IDLE_GOAL
    )
    return figures


def percent(values: Iterable[float]) -> str:
    """Return shares of a core for people."""
    values = sorted(values)
    return f"{statistics.median(values):.1%} ({values[0]:.1%}–{values[-1]:.1%})"


# Clients.


def clients_figure(rounds: int) -> Figure:
    """Return what many clients in one program take, beside one."""
    seen: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for count in [0, 1, CLIENT_COUNT] * rounds:
        with Observed(CLIENTS, str(count)) as process:
            process.says("called")
            seen[count].append((process.threads, process.memory.resident))
    threads, memory = (
        {count: statistics.median(each[index] for each in found) for count, found in seen.items()} for index in (0, 1)
    )
    more = {count: memory[count] - memory[0] for count in (1, CLIENT_COUNT)}
    return Figure(
        f"{CLIENT_COUNT} clients in a program without `rclpy.init`",
        f"{threads[CLIENT_COUNT]:.0f} threads, {megabytes(memory[0])} + {megabytes(more[CLIENT_COUNT])}",
        f"one client: {threads[1]:.0f} threads, {megabytes(memory[0])} + {megabytes(more[1])}",
        f"{more[CLIENT_COUNT] / more[1]:.2f} of the memory",
        f"≤ {CLIENT_THREADS_GOAL} threads, imports + {megabytes(CLIENT_MEMORY_GOAL)}",
        threads[CLIENT_COUNT] <= CLIENT_THREADS_GOAL and more[CLIENT_COUNT] <= CLIENT_MEMORY_GOAL,
    )


# Imports.


@dataclass(frozen=True)
class Imports:
    """What Python says of imports.

    Attributes:
        seconds: How long each module took with all that it imports, by name, outermost ones included.
    """

    seconds: dict[str, float]
    total: float

    @classmethod
    def of(cls, program: str) -> Imports:
        """Run a program with `-X importtime`."""
        said = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", program],
            env=as_in_a_shell(),
            capture_output=True,
            text=True,
            check=True,
        ).stderr
        lines = re.findall(r"import time:\s*(\d+) \|\s*(\d+) \| +(\S+)", said)
        return cls({name: int(all_) / 1e6 for _, all_, name in lines}, sum(int(own) for own, _, _ in lines) / 1e6)

    def heaviest(self) -> list[tuple[str, float]]:
        """Return the packages' modules that took longest, with their seconds."""
        return sorted(self.seconds.items(), key=lambda item: -item[1])[:SHOWN]


def heavy_figure() -> Figure:
    """Return what the process `vision` imports of the heavy libraries that it can do without."""
    found = [name for name in HEAVY[3:] if name in Imports.of(IMPORTS["the process `vision`"]).seconds]
    return Figure(
        "heavy libraries that `vision` imports before a model asks for them",
        ", ".join(found) or "none",
        f"there are: {', '.join(HEAVY[3:])}",
        goal="none",
        met=not found,
    )


def imports_section() -> str:
    """Return the tables of imports, Markdown."""
    taken = {title: Imports.of(program) for title, program in IMPORTS.items()}
    bare = Imports.of("import rclpy.node")
    rows = [
        (
            title,
            len(found.seconds),
            milliseconds(found.total),
            *("✓" if name in found.seconds else "" for name in HEAVY),
        )
        for title, found in {**taken, "`import rclpy.node`, for comparison": bare}.items()
    ]
    parts = [
        "## Imports",
        "Which libraries are imported (✓), and how long all imports take:",
        markdown_table(("program", "modules", "all", *HEAVY), rows),
        "The heaviest modules, each with all that it is the first to import:",
        markdown_table(
            taken,
            zip(
                *(
                    [f"{name} {milliseconds(seconds)}" for name, seconds in found.heaviest()]
                    for found in taken.values()
                ),
                strict=True,
            ),
        ),
    ]
    return "\n\n".join(parts)
