"""Clients: calls that are safe from any thread and any callback, each with a deadline and an error code."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait

import pytest
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger
from vision_service.srv import DoCommand, GetStatus

from clients import Server, by_the_program, error_of, waiting
from robot import PATIENCE, ROOT, environment, eventually
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling import caller as calling
from vision_service.ros.calling.caller import GRACE, Caller
from vision_service.ros.calling.connection import DISCOVERY_PERIOD, Connection
from vision_service.ros.client import NamedClient
from vision_service.ros.execution.calls import LONGEST
from vision_service.ros.process.spinning import Spinner

pytestmark = pytest.mark.executor


class TestCalling:
    def test_an_answer_is_returned(self, server, client):
        assert client.do_command({"say": "hello"}) == {"timeout": 5.0, "say": "hello"}
        assert client.get_status()["state"] == "active"

    def test_each_method_has_a_twin_that_returns_a_future(self, server, client):
        future = client.do_command_async({"say": "hello"})
        assert isinstance(future, Future)
        assert future.result(PATIENCE)["say"] == "hello"

    def test_calls_do_not_wait_for_one_another(self, server, client):
        slow, gate = waiting(client, server)
        assert client.do_command({"say": "hello"})["say"] == "hello"
        gate.set_result("slow")
        assert slow.result(PATIENCE) == {"waited": "slow"}

    def test_a_burst_is_answered_completely(self, server, client):
        futures = [client.do_command_async({"number": number}) for number in range(60)]
        assert [future.result(PATIENCE)["number"] for future in futures] == list(range(60))

    def test_calls_that_are_answered_do_not_wake_the_receiving_thread_for_their_deadlines(self, server, client):
        client.do_command({"say": "hello"})
        timeouts = client._caller._connection._spinner.executor._timeouts
        for _ in range(5):
            client.do_command({"say": "hello"})
        assert len([each for *_, each in timeouts._waiting if each.call is not None]) == 1

    def test_the_node_keeps_the_timeout_that_is_given(self, server, client):
        assert client.do_command({}, timeout=0.75)["timeout"] == 0.75
        error = error_of(client.do_command_async({"wait": 1}, timeout=0.1))
        assert (error.code, "within 0.1 s" in error.message) == (ErrorCode.DEADLINE_EXCEEDED, True)

    @pytest.mark.parametrize("code", [code for code in ErrorCode if code is not ErrorCode.OK])
    def test_an_error_of_the_node_keeps_its_code_and_message(self, server, client, code):
        with pytest.raises(VisionError, match=r"^told to$") as caught:
            client.do_command({"fail": int(code)})
        assert caught.value.code is code

    def test_a_code_of_a_newer_release_is_internal(self, context, user):
        def answer(request, response):
            response.success, response.error_code, response.message = False, 77, "from the future"
            return response

        node = Node("server", context=context)
        node.create_service(GetStatus, "server/get_status", answer)
        spinner = Spinner(node)
        with NamedClient("server", user) as client, pytest.raises(VisionError, match="from the future") as caught:
            client.get_status()
        assert caught.value.code is ErrorCode.INTERNAL
        spinner.stop()
        node.destroy_node()

    def test_an_answer_that_cannot_be_read_is_internal(self, context, user):
        def answer(request, response):
            response.success, response.status = True, "{"
            return response

        node = Node("server", context=context)
        node.create_service(GetStatus, "server/get_status", answer)
        spinner = Spinner(node)
        with NamedClient("server", user) as client, pytest.raises(VisionError, match="cannot be read: JSON") as caught:
            client.get_status()
        assert caught.value.code is ErrorCode.INTERNAL
        spinner.stop()
        node.destroy_node()

    @pytest.mark.parametrize("timeout", [-1.0, float("nan"), float("inf")])
    def test_a_wrong_timeout_is_refused(self, client, timeout):
        with pytest.raises(VisionError, match="'timeout' must be a number of seconds") as caught:
            client.do_command({}, timeout=timeout)
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT

    def test_a_very_long_timeout_is_as_good_as_none(self, server, client):
        forever = client.do_command_async({"wait": 1}, timeout=1000 * LONGEST)
        short = client.do_command_async({"wait": 1}, timeout=0.1)
        assert error_of(short).code is ErrorCode.DEADLINE_EXCEEDED
        server.gates[0].set_result("at last")
        assert forever.result(PATIENCE) == {"waited": "at last"}

    @pytest.mark.parametrize("name", ["my-detector", "a b", "1st"])
    def test_a_name_that_ros_does_not_allow_is_refused(self, user, name):
        with NamedClient(name, user) as client, pytest.raises(VisionError, match="cannot be the name") as caught:
            client.get_status()
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT

    def test_answers_and_calls_leave_nothing_behind(self, server, client):
        for _ in range(3):
            client.do_command({})
        error_of(client.do_command_async({"wait": 1}, timeout=0.05))
        connection = client._caller._connection
        assert connection._pending == set()
        assert all(not each.client._pending_requests for each in connection._services.values())

    def test_who_gives_up_may_cancel(self, server, client):
        future, gate = waiting(client, server)
        assert future.cancel()
        gate.set_result("too late")
        assert client.do_command({"say": "hello"})["say"] == "hello"
        with pytest.raises(CancelledError):
            future.result(PATIENCE)

    def test_no_thread_is_made_for_a_call(self, server, client):
        client.do_command({})
        before = set(threading.enumerate())
        futures = [client.do_command_async({}) for _ in range(30)]
        assert set(threading.enumerate()) == before
        wait(futures, PATIENCE)


class TestServicesThatAreNotThere:
    @pytest.fixture(autouse=True)
    def little_grace(self, monkeypatch):
        monkeypatch.setattr(calling, "GRACE", 0.1)

    def test_an_absent_service_is_unknown_with_what_there_is(self, server, user):
        with NamedClient("servor", user) as client, pytest.raises(VisionError) as caught:
            client.get_status(timeout=0.1)
        assert caught.value.code is ErrorCode.UNKNOWN_RESOURCE
        assert "no service /servor/get_status: did you mean '/server/get_status'?" in caught.value.message

    def test_where_there_are_none_at_all_that_is_said(self, user):
        with NamedClient("server", user) as client, pytest.raises(VisionError, match="there are no vision services"):
            client.get_status(timeout=0.1)

    def test_one_that_comes_in_time_is_called(self, user, spin):
        with NamedClient("server", user) as client:
            futures = [client.do_command_async({"number": number}, timeout=PATIENCE) for number in range(5)]
            spin(Server, "server")
            assert [future.result(PATIENCE)["number"] for future in futures] == list(range(5))

    def test_each_that_waits_for_one_looks_for_it_now_and_then_only(self, user, monkeypatch):
        looks = []
        look = Connection._look
        monkeypatch.setattr(Connection, "_look", lambda self, call: (looks.append(None), look(self, call))[1])
        with NamedClient("server", user) as client:
            began = time.monotonic()
            futures = [client.get_status_async(timeout=0.5) for _ in range(20)]
            assert {error_of(future).code for future in futures} == {ErrorCode.UNKNOWN_RESOURCE}
            assert len(looks) <= len(futures) * ((time.monotonic() - began) / DISCOVERY_PERIOD + 2)

    def test_a_node_that_goes_in_the_middle_of_a_call_leaves_it_to_its_deadline(self, context, user):
        server = Server("server", context=context)
        server.start()
        spinner = Spinner(server)
        with NamedClient("server", user) as client:
            future, _ = waiting(client, server, timeout=0.5)
            spinner.stop()
            server.close()
            error = error_of(future)
            assert error.code is ErrorCode.DEADLINE_EXCEEDED
            assert error.message == "/server/do_command did not answer in time"

    def test_each_of_several_has_its_own_deadline_whichever_began_first(self, context, user):
        server = Server("server", context=context)
        server.start()
        spinner = Spinner(server)
        with NamedClient("server", user) as client:
            asked = [waiting(client, server, timeout=timeout)[0] for timeout in (PATIENCE, 0.6, 0.3, 0.6)]
            spinner.stop()
            server.close()
            assert {error_of(future).code for future in asked[1:]} == {ErrorCode.DEADLINE_EXCEEDED}
            assert not asked[0].done()

    def test_a_process_that_is_killed_in_the_middle_of_a_call_as_well_and_its_successor_answers(self, user):
        script = """
import sys
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.process.spinning import run

class Hanging(ServiceNode):
    async def command(self, command, call):
        if "wait" in command:
            print("asked", flush=True)
            import time
            time.sleep(3600)
        return {"pid": 1}

run(lambda: [Hanging("server")], [])
"""

        def start():
            return subprocess.Popen(
                [sys.executable, "-c", script],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
                env=environment(),
            )

        with NamedClient("server", user) as client, start() as child:
            future = client.do_command_async({"wait": 1}, timeout=PATIENCE)
            assert next(by_the_program(child.stdout)) == "asked\n"
            impatient = client.do_command_async({}, timeout=0.1)
            child.kill()
            assert error_of(impatient).code is ErrorCode.DEADLINE_EXCEEDED
            with start() as successor:
                eventually(lambda: answers(client), "the successor answers")
                successor.kill()
            future.cancel()

    def test_a_late_answer_is_dropped(self, context, user):
        entered, door, answered = threading.Event(), threading.Event(), threading.Event()

        def answer(request, response):
            entered.set()
            door.wait(PATIENCE)
            response.success = True
            answered.set()
            return response

        node = Node("server", context=context)
        node.create_service(GetStatus, "server/get_status", answer)
        spinner = Spinner(node)
        with NamedClient("server", user) as client:
            late = client.get_status_async(timeout=0.1)
            assert entered.wait(PATIENCE)
            assert error_of(late).code is ErrorCode.DEADLINE_EXCEEDED
            door.set()
            assert answered.wait(PATIENCE)
            assert client.get_status(timeout=PATIENCE) == {"state": ""}
            assert error_of(late).code is ErrorCode.DEADLINE_EXCEEDED
        spinner.stop()
        node.destroy_node()


def answers(client):
    try:
        return client.do_command({}, timeout=0.2)
    except VisionError:
        return None


class TestThreads:
    def test_any_number_of_threads_may_share_a_client(self, server, client):
        with ThreadPoolExecutor(8) as pool:
            numbers = list(pool.map(lambda number: client.do_command({"number": number})["number"], range(100)))
        assert numbers == list(range(100))

    @pytest.mark.parametrize("kind", [SingleThreadedExecutor, MultiThreadedExecutor])
    def test_a_callback_of_the_users_node_may_wait_for_an_answer(self, server, context, user, client, kind, peer):
        def callback(request, response):
            response.success = client.do_command({"say": "hello"})["say"] == "hello"
            return response

        user.create_service(Trigger, "user/ask", callback)
        executor = kind(context=context)
        executor.add_node(user)
        thread = threading.Thread(target=executor.spin, daemon=True)
        thread.start()
        assert peer.call(Trigger, "user/ask").success
        assert user.executor is executor  # nobody has stolen it
        executor.shutdown(PATIENCE)
        thread.join(PATIENCE)

    def test_a_callback_in_the_servers_own_executor_may_wait_too_if_it_is_not_the_server_that_has_to_answer(
        self, server, context, spin
    ):
        asked = threading.Event()

        class Asking(Server):
            def activate(self):
                self.client = NamedClient("server", self)
                self.timer = self.create_timer(0.01, self.ask)

            def ask(self):
                self.timer.cancel()
                self.answer = self.client.do_command({"say": "hello"})
                asked.set()

            def cleanup(self):
                self.client.close()

        node = spin(Asking, "asking")
        assert asked.wait(PATIENCE)
        assert node.answer["say"] == "hello"

    def test_an_answer_can_be_awaited_by_asyncio(self, server, client):
        async def ask():
            return await asyncio.gather(
                *(asyncio.wrap_future(client.do_command_async({"number": number})) for number in range(5))
            )

        assert [answer["number"] for answer in asyncio.run(ask())] == list(range(5))

    def test_the_callback_of_an_answer_may_make_another_call(self, server, client):
        done = Future()

        def first(answer):
            second = client.do_command_async({"number": answer.result()["number"] + 1})
            second.add_done_callback(lambda answer: done.set_result(answer.result()["number"]))

        client.do_command_async({"number": 1}).add_done_callback(first)
        assert done.result(PATIENCE) == 2

    @pytest.mark.parametrize("ending", ["answer", "deadline", "closing"])
    def test_and_wait_for_it(self, server, user, ending):
        done = Future()
        with NamedClient("server", user) as client, NamedClient("server", user) as waited_for:

            def first(_):
                done.set_result((client if ending != "closing" else waited_for).do_command({"say": "hello"}))

            future, gate = waiting(client, server, timeout=0.1 if ending == "deadline" else PATIENCE)
            future.add_done_callback(first)
            if ending == "answer":
                gate.set_result(None)
            elif ending == "closing":
                client.close()
            assert done.result(PATIENCE)["say"] == "hello"

    def test_what_is_added_runs_in_one_thread_of_the_client_in_its_order(self, server, client):
        order, threads, done = [], set(), threading.Event()
        future, gate = waiting(client, server)
        for number in range(20):
            future.add_done_callback(lambda _, n=number: (order.append(n), threads.add(threading.get_ident())))
        future.add_done_callback(lambda _: done.set())
        assert not any("callbacks" in thread.name for thread in threading.enumerate())  # which starts when it is needed
        gate.set_result(None)
        assert done.wait(PATIENCE)
        assert order == list(range(20))
        assert len(threads) == 1
        assert not threads & {threading.get_ident(), client._caller._connection._spinner.thread.ident}

    def test_one_that_fails_keeps_no_other_from_running(self, server, client, caplog):
        done = threading.Event()

        def fail(_):
            raise SystemExit("no more")

        future, gate = waiting(client, server)
        future.add_done_callback(fail)
        future.add_done_callback(lambda _: done.set())
        gate.set_result(None)
        assert done.wait(PATIENCE)
        assert "no more" in caplog.text

    def test_what_is_added_to_a_future_that_is_done_is_called_at_once(self, server, client):
        future, threads = client.do_command_async({}), []
        future.result(PATIENCE)
        future.add_done_callback(lambda _: threads.append(threading.current_thread()))
        assert threads == [threading.current_thread()]

    def test_one_that_waits_holds_up_no_other_client(self, server, user):
        door, entered = threading.Event(), threading.Event()
        with NamedClient("server", user) as one, NamedClient("server", user) as other:
            future, gate = waiting(one, server)
            future.add_done_callback(lambda _: (entered.set(), door.wait(PATIENCE)))
            gate.set_result(None)
            assert entered.wait(PATIENCE)
            assert other.do_command({"say": "hello"})["say"] == "hello"
            assert one.do_command({"say": "hello"})["say"] == "hello"
            door.set()

    def test_another_client_may_be_waited_for_there(self, server, client, user):
        done = Future()
        with NamedClient("server", user) as other:
            client.do_command_async({}).add_done_callback(lambda _: done.set_result(other.do_command({"say": "hello"})))
            assert done.result(PATIENCE)["say"] == "hello"


def test_grace_is_for_the_nodes_own_answer(server, client):
    """The node's message says more than the client's."""
    assert GRACE > 0
    error = error_of(client.do_command_async({"wait": 1}, timeout=0.2))
    assert error.message.startswith("not ready within 0.2 s")


def test_the_caller_takes_any_service_of_the_package(server, user):
    caller = Caller(user)
    request = DoCommand.Request(command=json.dumps({"say": "hello"}))
    future = caller.call(DoCommand, "/server/do_command", request, lambda response: response.result, 7.0)
    assert json.loads(future.result(PATIENCE)) == {"timeout": 7.0, "say": "hello"}
    caller.close()
