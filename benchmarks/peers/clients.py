"""A program that uses clients without `rclpy.init`, as a script does. It prints a line when all of them have called.

python benchmarks/peers/clients.py COUNT
"""

import sys
import threading
from contextlib import suppress

from vision_service.ros.client import CameraClient, VisionClient


def main() -> None:
    """Make the clients, have each call a node that is not there, and keep them until told to stop."""
    kinds = (CameraClient, VisionClient)
    clients = [kinds[number % 2](f"absent_{number}") for number in range(int(sys.argv[1]))]
    calls = [client.get_status_async(timeout=0.5) for client in clients]
    for call in calls:
        call.exception()
    print("called", flush=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


if __name__ == "__main__":
    main()
