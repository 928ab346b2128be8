"""Says who enters and leaves a zone, who crosses a line, and how many are inside.

In two terminals:

    vision-service run people_counter.yaml
    python people_counter.py
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from vision_service.msg import LabelEvent
from vision_service.ros.client import VisionClient
from vision_service.zones.events import zone_event


class PeopleCounter(Node):
    """Listens to the events of a vision service that has zones.

    Attributes:
        inside: How many are in each zone.
        crossed: How many have come to each side of each line.
    """

    def __init__(self, service: str, say: Callable[[str], None] = print, **arguments: object) -> None:
        """Begin with those who are inside already."""
        super().__init__("people_counter", **arguments)
        self.inside: Counter[str] = Counter()
        self.crossed: Counter[tuple[str, str]] = Counter()
        self._say = say
        self.create_subscription(LabelEvent, f"{service}/events", self._count, 100)
        with VisionClient(service, self) as client:
            for name, counts in client.get_zones().items():
                self.inside[name] = sum(counts.inside.values())
                say(f"{name}: {self.inside[name]} inside" if not counts.crossed_to else f"{name}: a line")

    def _count(self, message: LabelEvent) -> None:
        event = zone_event(message.previous, message.current)
        if event is None:  # the birth or end of a track
            return
        if event.kind == "cross":
            self.crossed[event.zone, event.to_side] += 1
            self._say(f"{event.id} crossed {event.zone} from {event.from_side} to {event.to_side}")
            return
        self.inside[event.zone] += 1 if event.kind == "enter" else -1
        verb = "entered" if event.kind == "enter" else "left"
        self._say(f"{event.id} {verb} {event.zone}: {self.inside[event.zone]} inside")


def main(arguments: list[str] | None = None) -> int:
    """Count until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", default="people", help="name of the vision service (default: %(default)s)")
    given = parser.parse_args(arguments)
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        rclpy.spin(PeopleCounter(given.service))
    except KeyboardInterrupt:
        pass
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
