"""A node with services, a user's node, and a client between them."""

import pytest
from rclpy.node import Node

from clients import Server
from vision_service.ros.client import NamedClient


@pytest.fixture
def server(spin):
    return spin(Server, "server")


@pytest.fixture
def user(context):
    """A user's node, which nobody spins."""
    node = Node("user", context=context)
    yield node
    node.destroy_node()


@pytest.fixture
def client(user):
    with NamedClient("server", user) as client:
        yield client
