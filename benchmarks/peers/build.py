"""A program that is run with the sources of one build or another: an empty service in the executor of that build.

`python build.py NAMESPACE`: offers /NAMESPACE/empty until its input ends.
"""

import os
import sys

import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

try:
    from vision_service.ros.process.spinning import Spinner
except ImportError:  # where an earlier build has it
    from vision_service.ros.process import Spinner

THE_SERVICES_OF_OUR_NODES = 20


async def answer(request, response):
    """Answer as our nodes do, by a coroutine, with nothing."""
    return response


def main():
    """Serve, beside as many other services as a vision node has."""
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = Node("bare", namespace=sys.argv[1])
    group = ReentrantCallbackGroup()
    for name in ("empty", *(f"other_{number}" for number in range(THE_SERVICES_OF_OUR_NODES))):
        node.create_service(Trigger, name, answer, callback_group=group)
    Spinner(node)
    sys.stdin.read()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
