"""Calls of a node of this process: by reference, with the answers, errors and deadlines of calls over ROS."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from clients import Server, error_of, waiting
from robot import PATIENCE
from vision_service.errors import ErrorCode
from vision_service.ros.client import NamedClient
from vision_service.ros.resources.local_calls import LocalCalls


@pytest.fixture
def server(spin):
    return spin(Server, "server")


@pytest.fixture
def client(server):
    with NamedClient.by("/server", LocalCalls(server)) as client:
        yield client


def test_the_node_answers(client, server):
    assert client.do_command({"a": 1}, timeout=7.0) == {"timeout": 7.0, "a": 1}
    assert client.do_command({"a": 1})["timeout"] == server.settings.timeout
    assert client.get_status()["state"] == "active"
    assert client.get_status()["calls"]["answered"] >= 2


def test_its_errors_are_its_own(client):
    error = error_of(client.do_command_async({"fail": int(ErrorCode.NO_DEPTH)}))
    assert (error.code, error.message) == (ErrorCode.NO_DEPTH, "told to")
    assert error_of(client.do_command_async({"wait": 1}, timeout=0.05)).code == ErrorCode.DEADLINE_EXCEEDED


def test_many_may_call_at_once(client):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: client.do_command({"number": number})["number"], range(50)))
    assert found == list(range(50))


def test_a_node_that_is_not_active_refuses(client, server):
    server.trigger_deactivate()
    assert error_of(client.do_command_async({})).code == ErrorCode.NOT_ACTIVE


def test_a_method_that_there_is_not_is_named(client):
    calls = client._caller
    from vision_service.srv import GetStatus

    error = error_of(calls.call(GetStatus, "/server/get_statu", GetStatus.Request(), lambda answer: answer))
    assert (error.code, "get_status" in error.message) == (ErrorCode.UNKNOWN_RESOURCE, True)


def test_who_has_closed_is_refused_and_a_call_under_way_ends(client, server):
    future, gate = waiting(client, server)
    client.close()
    gate.set_result("it")
    assert future.result(PATIENCE) == {"waited": "it"}
    with pytest.raises(Exception, match="closed"):
        client.do_command({})
