"""The connection that all clients of a process share: when it begins, and when it ends."""

import gc
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node

from clients import Server, error_of, run_script, waiting
from robot import PATIENCE, eventually
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling.graph import vision_services
from vision_service.ros.client import NamedClient, VisionClient

pytestmark = pytest.mark.executor


def hidden(peer):
    """Return the nodes of connections that are on the graph."""
    return [name for name in peer.node.get_node_names() if name.startswith("_vision_client_")]


class TestSharing:
    def test_clients_of_a_context_share_a_node_and_a_thread(self, server, user, peer):
        with NamedClient("server", user) as one:
            one.get_status()
            before = set(threading.enumerate())
            with NamedClient("server", user) as other, VisionClient("detector", user) as third:
                assert other.get_status()["state"] == "active"
                assert set(threading.enumerate()) == before
                assert one._caller.node is other._caller.node is third._caller.node
        eventually(lambda: not hidden(peer), "it has ended with the last of them")

    def test_those_of_another_context_have_their_own(self, server, user):
        context = Context()
        rclpy.init(args=[], context=context)
        node = Node("other", context=context)
        with NamedClient("server", user) as one, NamedClient("server", node) as other:
            assert one._caller.node is not other._caller.node
            assert other.get_status(timeout=PATIENCE)["state"] == "active"
            rclpy.shutdown(context=context)
            assert one.get_status()["state"] == "active"
        node.destroy_node()

    def test_a_later_client_begins_a_new_one(self, server, user):
        with NamedClient("server", user) as client:
            first = client._caller.node.get_name()
        with NamedClient("server", user) as client:
            assert client._caller.node.get_name() != first
            assert client.get_status()["state"] == "active"

    def test_equal_services_are_called_by_one_service_client_which_goes_with_the_last_user(self, server, user):
        with NamedClient("server", user) as lasting:
            lasting.do_command({})
            node = lasting._caller.node
            with NamedClient("/server", user) as one, NamedClient("server", user) as other:
                for client in (one, other):
                    client.do_command({})
                    client.get_status()
                assert sorted(each.srv_name for each in node.clients) == ["/server/do_command", "/server/get_status"]
                one.close()
                assert other.get_status()["state"] == "active"
            assert [each.srv_name for each in node.clients] == ["/server/do_command"]
            assert lasting.do_command({"say": "hello"})["say"] == "hello"

    def test_names_are_relative_to_the_namespace_of_each_client(self, context, spin):
        left, right = (spin(Server, "server", namespace=space) for space in ("/left", "/right"))
        nodes = [Node("user", context=context, namespace=space) for space in ("/left", "/right")]
        with NamedClient("server", nodes[0]) as one, NamedClient("server", nodes[1]) as other:
            assert one._caller.node is other._caller.node
            one.do_command({})
            assert (left.calls, right.calls) == (1, 0)
            other.do_command({})
            assert (left.calls, right.calls) == (1, 1)
        for node in nodes:
            node.destroy_node()

    def test_clients_come_and_go_in_many_threads(self, server, user, peer):
        def use(number):
            with NamedClient("server", user) as client:
                return client.do_command({"number": number}, timeout=PATIENCE)["number"]

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(use, range(80))) == list(range(80))
        eventually(lambda: not hidden(peer), "nothing is left of them")

    def test_ten_in_a_program_without_ros_take_few_threads(self, server):
        script = """
import os
from vision_service.ros.client import CameraClient, VisionClient
clients = [kind(f"node_{number}") for number in range(5) for kind in (CameraClient, VisionClient)]
print(len(os.listdir("/proc/self/task")))
"""
        found = run_script(script)
        assert found.returncode == 0, found.stderr
        assert int(found.stdout) <= 40


class TestClosing:
    def test_calls_under_way_are_answered(self, server, user):
        client = NamedClient("server", user)
        sent, _ = waiting(client, server)
        with NamedClient("absent", user) as absent:
            unsent = absent.get_status_async(timeout=PATIENCE)
        client.close()
        for future in (sent, unsent):
            error = error_of(future)
            assert (error.code, error.message) == (ErrorCode.NOT_ACTIVE, "this client was closed")

    def test_later_calls_are_refused(self, server, user):
        client = NamedClient("server", user)
        client.close()
        client.close()
        with pytest.raises(VisionError, match="this client was closed") as caught:
            client.get_status()
        assert caught.value.code is ErrorCode.NOT_ACTIVE

    def test_it_may_be_closed_while_others_call(self, server, user):
        client = NamedClient("server", user)
        outcomes, started = [], threading.Barrier(5)

        def call():
            started.wait(PATIENCE)
            while True:
                try:
                    client.do_command({})
                except VisionError as error:
                    outcomes.append(error.code)
                    return

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        started.wait(PATIENCE)
        eventually(lambda: server.calls > 20, "calls are under way")
        client.close()
        for thread in threads:
            thread.join(PATIENCE)
        assert outcomes == [ErrorCode.NOT_ACTIVE] * 4

    def test_it_may_be_closed_in_the_callback_of_an_answer(self, server, user):
        client, closed = NamedClient("server", user), threading.Event()
        client.do_command_async({}).add_done_callback(lambda _: (client.close(), closed.set()))
        assert closed.wait(PATIENCE)
        eventually(lambda: not client._caller._connection._spinner.thread.is_alive(), "its threads end")

    def test_its_node_and_its_threads_go_with_it(self, server, user, peer):
        before = set(threading.enumerate())
        client = NamedClient("server", user)
        client.get_status()
        name = client._caller.node.get_name()
        client.close()
        eventually(lambda: set(threading.enumerate()) <= before, "its threads end")
        eventually(lambda: name not in peer.node.get_node_names(), "its node is gone")
        reference = weakref.ref(client._caller)
        del client
        gc.collect()
        assert reference() is None

    def test_of_several_only_the_calls_of_the_closed_one_are_ended(self, server, user):
        one, other = NamedClient("server", user), NamedClient("server", user)
        ended, _ = waiting(one, server)
        kept, gate = waiting(other, server)
        one.close()
        assert error_of(ended).code is ErrorCode.NOT_ACTIVE
        with pytest.raises(VisionError, match="this client was closed"):
            one.get_status()
        gate.set_result("kept")
        assert kept.result(PATIENCE) == {"waited": "kept"}
        other.close()

    def test_functions_that_wait_for_its_answers_still_run(self, server, user):
        client, ended = NamedClient("server", user), Future()
        future, _ = waiting(client, server)
        future.add_done_callback(lambda future: ended.set_result(future.exception().code))
        client.close()
        assert ended.result(PATIENCE) is ErrorCode.NOT_ACTIVE
        eventually(lambda: not any("callbacks" in thread.name for thread in threading.enumerate()), "the thread ends")

    def test_ros_may_be_shut_down_while_clients_are_made(self):
        refused = []

        def make(node):
            try:
                while True:
                    NamedClient("server", node).close()
            except VisionError as error:
                refused.append(error.code)

        for _ in range(5):
            context = Context()
            rclpy.init(args=[], context=context)
            node = Node("short", context=context)
            threads = [threading.Thread(target=make, args=(node,)) for _ in range(3)]
            for thread in threads:
                thread.start()
            context.shutdown()
            for thread in threads:
                thread.join(PATIENCE)
        assert refused == [ErrorCode.NOT_ACTIVE] * 15

    def test_when_ros_is_shut_down_everybody_is_answered(self, server):
        context = Context()
        rclpy.init(args=[], context=context)
        node = Node("short", context=context)
        client, absent = NamedClient("server", node), NamedClient("absent", node)
        sent, _ = waiting(client, server)
        unsent = absent.get_status_async(timeout=PATIENCE)
        context.shutdown()
        for future in (sent, unsent):
            error = error_of(future)
            assert (error.code, error.message) == (ErrorCode.NOT_ACTIVE, "ROS was shut down")
        with pytest.raises(VisionError, match="ROS was shut down") as caught:
            client.get_status()
        assert caught.value.code is ErrorCode.NOT_ACTIVE
        with pytest.raises(VisionError, match="ROS was shut down") as caught:
            NamedClient("server", node)
        assert caught.value.code is ErrorCode.NOT_ACTIVE
        client.close()
        absent.close()


class TestContexts:
    def test_a_given_node_lends_context_and_namespace_only(self, context, spin):
        spin(Server, "server", namespace="/robot")
        node = Node("user", context=context, namespace="/robot")
        with NamedClient("server", node) as relative, NamedClient("/robot/server", node) as absolute:
            assert relative.get_status()["state"] == absolute.get_status()["state"] == "active"
            assert node.executor is None
            assert relative._caller.node.context is context
        node.destroy_node()

    def test_its_node_is_hidden_and_has_no_services(self, client, peer):
        name = client._caller.node.get_name()
        assert name.startswith("_vision_client_")
        eventually(lambda: name in peer.node.get_node_names(), "it is there")
        assert not any(name in service for service, _ in peer.node.get_service_names_and_types())

    @pytest.mark.parametrize("initialized", [False, True])
    def test_without_a_node_it_has_a_context_of_its_own_unless_ros_is_initialized(self, server, initialized):
        script = f"""
import rclpy
from vision_service.ros.client import NamedClient
if {initialized}:
    rclpy.init()
with NamedClient("server") as client:
    print(client.get_status(timeout=30.0)["state"])
    print(client._caller.node.context is rclpy.get_default_context())
print(rclpy.ok())
"""
        found = run_script(script)
        assert found.stdout.split() == ["active", str(initialized), str(initialized)], found.stderr
        assert (found.returncode, found.stderr) == (0, "")

    def test_a_program_that_forgets_to_close_it_ends_well(self, server):
        script = """
from vision_service.ros.client import NamedClient
client = NamedClient("server")
print(client.get_status(timeout=30.0)["state"])
client.do_command_async({"wait": 1}, timeout=3600.0).add_done_callback(print)
"""
        found = run_script(script)
        assert (found.returncode, found.stdout, found.stderr) == (0, "active\n", "")

    def test_without_ros_the_context_goes_with_the_last_client_and_a_later_one_has_a_new_one(self, server):
        script = """
from vision_service.ros.client import NamedClient
contexts = []
for _ in range(2):
    with NamedClient("server") as one, NamedClient("server") as other:
        contexts.append(one._caller.node.context)
        print(one.get_status(timeout=30.0)["state"], other._caller.node.context is contexts[-1])
    print(contexts[-1].ok())
print(contexts[0] is contexts[1])
"""
        found = run_script(script)
        assert found.stdout.split() == ["active", "True", "False"] * 2 + ["False"], found.stderr
        assert (found.returncode, found.stderr) == (0, "")

    @pytest.mark.parametrize("shutdown", [False, True])
    def test_it_follows_ros_that_is_initialized_and_shut_down_again(self, server, shutdown):
        script = f"""
import rclpy
from vision_service.errors import VisionError
from vision_service.ros.client import NamedClient
for _ in range(2):
    rclpy.init()
    client = NamedClient("server")
    print(client.get_status(timeout=30.0)["state"])
    if not {shutdown}:
        client.close()
    rclpy.shutdown()
    try:
        client.get_status()
    except VisionError as error:
        print(error.code.name)
print(NamedClient("server").get_status(timeout=30.0)["state"])
"""
        found = run_script(script)
        assert found.stdout.split() == ["active", "NOT_ACTIVE"] * 2 + ["active"], found.stderr
        assert (found.returncode, found.stderr) == (0, "")

    def test_the_services_of_the_graph_are_listed_with_their_types(self, server, client, peer):
        eventually(lambda: "/server/do_command" in vision_services(peer.node), "it is there")
        found = vision_services(peer.node)
        assert found["/server/do_command"] == "DoCommand"
        assert not any("parameter" in name or "state" in name for name in found)
