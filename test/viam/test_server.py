"""The server by itself: who may call, what is too large, and what it has."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from certificates import certificates, openssl
from grpclib import GRPCError, Status
from grpclib.client import Channel
from grpclib.metadata import encode_grpc_message
from viam.components.camera import Camera
from viam.proto.robot import (
    FrameSystemConfigRequest,
    GetCloudMetadataRequest,
    GetOperationsRequest,
    GetVersionRequest,
    ResourceNamesRequest,
    RobotServiceStub,
)
from viam.proto.rpc.auth import AuthenticateRequest, AuthServiceStub, Credentials
from viam.proto.service.mlmodel import InferRequest, MLModelServiceStub
from viam.proto.service.vision import GetDetectionsFromCameraRequest, GetDetectionsRequest, VisionServiceStub

from vision_service.errors import ErrorCode, VisionError
from vision_service.viam.directory import Directory, Found
from vision_service.viam.limits import LARGEST_MESSAGE
from vision_service.viam.security import Safety, read_keys, safety
from vision_service.viam.server import Gateway

KEY_ID = "0e26a1f2-3a53-4d3c-9bdc-2a6b7ea3fd0c"


def listening(keys=()):
    server = Gateway(Quiet, host="127.0.0.1", port=0, safety=Safety(keys=dict(keys)), aliases={})
    return closing(server)


class Quiet:
    """A client that nobody calls."""

    def __init__(self, found):
        self.name = found.node

    def close(self):
        pass


def call(server, method):
    """Return what a method of the bare protocol answers."""

    async def main():
        channel = Channel("127.0.0.1", server.port)
        try:
            return await method(channel)
        finally:
            channel.close()

    return asyncio.run(main())


def refusal(server, method):
    with pytest.raises(GRPCError) as raised:
        call(server, method)
    return raised.value.status, raised.value.message


def detect(size=0):
    return lambda channel: VisionServiceStub(channel).GetDetections(GetDetectionsRequest(name="x", image=bytes(size)))


def test_a_message_that_is_too_large_is_refused_and_the_next_one_answered():
    with listening() as server:
        status, message = refusal(server, detect(LARGEST_MESSAGE + 1))
        assert status is Status.RESOURCE_EXHAUSTED
        assert str(LARGEST_MESSAGE) in message
        status, message = refusal(server, detect(LARGEST_MESSAGE // 4))
        assert (status, message) == (
            Status.NOT_FOUND,
            "UNKNOWN_RESOURCE: no vision 'x': there are none on the graph",
        )


def test_who_has_no_key_is_refused_and_told_how_to_have_one():
    with listening({KEY_ID: "secret"}) as server:
        status, message = refusal(
            server, lambda channel: RobotServiceStub(channel).ResourceNames(ResourceNamesRequest())
        )
    assert status is Status.UNAUTHENTICATED
    assert "with_api_key" in message


@pytest.mark.parametrize(
    ("kind", "key", "name"),
    [
        ("api-key", "wrong", KEY_ID),
        ("api-key", "secret", "0e26a1f2-3a53-4d3c-9bdc-2a6b7ea3fd0d"),
        ("api-key", "", KEY_ID),
        ("api-key", "", ""),
        ("robot-secret", "secret", KEY_ID),
    ],
)
def test_a_wrong_key_is_refused(kind, key, name):
    with listening({KEY_ID: "secret"}) as server:
        status, message = refusal(server, names_with(kind, key, name))
    assert (status, "API key" in message) == (Status.UNAUTHENTICATED, True)


def test_who_has_the_key_is_answered():
    with listening({KEY_ID: "secret"}) as server:
        server.follow([Found("camera", "/front")]).result(5)
        assert [each.name for each in call(server, names_with("api-key", "secret", KEY_ID)).resources] == ["front"]


def names_with(kind, key, name):
    """Return what asks for the resources as the SDK does it: for a token first."""

    async def ask(channel):
        request = AuthenticateRequest(entity=name, credentials=Credentials(type=kind, payload=key))
        token = (await AuthServiceStub(channel).Authenticate(request)).access_token
        asked = {"authorization": f"Bearer {token}"}
        return await RobotServiceStub(channel).ResourceNames(ResourceNamesRequest(), metadata=asked)

    return ask


def test_it_says_which_gateway_it_is():
    with listening() as server:
        told = call(server, lambda channel: RobotServiceStub(channel).GetVersion(GetVersionRequest()))
        assert told.platform == "vision_service"


@pytest.mark.parametrize("request_type", [GetCloudMetadataRequest, GetOperationsRequest, FrameSystemConfigRequest])
def test_a_method_of_the_cloud_or_of_viams_server_is_said_to_be_one(request_type):
    method = request_type.__name__.removesuffix("Request")
    with listening() as server:
        status, message = refusal(server, lambda channel: getattr(RobotServiceStub(channel), method)(request_type()))
    expected = f"{method} is a part of Viam's cloud or of viam-server, not of this gateway"
    assert (status, message) == (Status.UNIMPLEMENTED, expected)


def test_an_error_of_ours_is_told_to_who_calls_and_logged_once(caplog):
    """Quiet has none of the methods that a client of ours has."""
    with listening() as server:
        server.follow([Found("vision", "/eye")]).result(5)
        ask = GetDetectionsFromCameraRequest(name="eye", camera_name="front")
        for _ in range(3):
            status, message = refusal(server, lambda channel: VisionServiceStub(channel).GetDetectionsFromCamera(ask))
            assert (status, message.split(":")[0]) == (Status.INTERNAL, "INTERNAL")
    assert [each.message for each in caplog.records if "logged once" in each.message] == [
        "/viam.service.vision.v1.VisionService/GetDetectionsFromCamera failed (logged once)"
    ]


@pytest.mark.parametrize("name", [100_000 * "x", 2_000 * "\N{GRINNING FACE}"], ids=["long", "many bytes"])
def test_what_is_repeated_of_a_request_does_not_end_the_connection(name):
    """Clients take only so much in the headers that an error message travels in."""

    async def program(channel):
        for _ in range(2):
            with pytest.raises(GRPCError) as raised:
                await VisionServiceStub(channel).GetDetections(GetDetectionsRequest(name=name))
            assert raised.value.status is Status.NOT_FOUND
            assert raised.value.message.startswith(f"UNKNOWN_RESOURCE: no vision '{name[:100]}")
            assert raised.value.message.endswith(f"{name[-20:]}': there are none on the graph")
            assert len(encode_grpc_message(raised.value.message)) < 8000

    with listening() as server:
        call(server, program)


def tensor(shape, data):
    """Return a request with one tensor of bytes."""
    request = InferRequest(name="solids")
    request.input_tensors.tensors["image"].shape.extend(shape)
    request.input_tensors.tensors["image"].uint8_tensor.data = data
    return request


@pytest.mark.parametrize("shape", [(1, 2, 2, 3), (2**40, 2**40), (2**63, 2)], ids=str)
def test_tensors_whose_numbers_do_not_fit_their_shape_are_refused(shape):
    with listening() as server:
        server.follow([Found("mlmodel", "/solids")]).result(5)
        status, message = refusal(server, lambda channel: MLModelServiceStub(channel).Infer(tensor(shape, b"abc")))
    assert (status, message.split(":")[0]) == (Status.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert "the numbers of an input tensor do not fit its shape" in message


def test_a_port_that_is_taken_is_named():
    with listening() as server, pytest.raises(VisionError, match=str(server.port)):
        Gateway(Quiet, host="127.0.0.1", port=server.port, safety=Safety(), aliases={})


def test_a_resource_that_has_gone_is_not_found_and_those_that_are_left_are_named():
    ask = GetDetectionsFromCameraRequest(name="eye", camera_name="front")
    with listening() as server:
        server.follow([Found("vision", "/eye"), Found("vision", "/eyes")]).result(5)
        server.follow([Found("vision", "/eyes")]).result(5)
        status, message = refusal(server, lambda channel: VisionServiceStub(channel).GetDetectionsFromCamera(ask))
    assert status is Status.NOT_FOUND
    assert "did you mean 'eyes'?" in message


@pytest.mark.parametrize(
    ("host", "files", "why"),
    [
        ("0.0.0.0", ("", ""), "certificate_file"),  # noqa: S104
        ("127.0.0.1", ("own.pem", ""), "both"),
        ("localhost", ("nowhere.pem", "nowhere.key"), "cannot be used"),
        ("no.such.host.invalid", ("", ""), "no address"),
    ],
)
def test_what_is_not_safe_is_refused(host, files, why):
    with pytest.raises(VisionError, match=why):
        safety(host, *files, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_programs_of_this_machine_need_no_tls(host):
    assert safety(host, "", "", "") == Safety()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "one line"),
        ("me: secret", "no UUID"),
        (f"{KEY_ID}: 5", "quotes"),
        (f"{KEY_ID}: ''", "quotes"),
        ("a: [", "read"),
        (5000 * "[", "nested too deeply"),
    ],
)
def test_a_file_of_keys_that_is_none_is_refused(content, why, tmp_path):
    file = tmp_path / "keys.yaml"
    file.write_text(content)
    with pytest.raises(VisionError, match=why):
        read_keys(str(file))


def test_files_that_reading_would_wait_for_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    pipe, (_, own, key) = str(tmp_path / "pipe"), certificates(tmp_path)
    with pytest.raises(VisionError, match="named pipe"):
        read_keys(pipe)
    for files in ((pipe, str(key)), (str(own), pipe)):
        with pytest.raises(VisionError, match="cannot be used: ValueError: it is a named pipe"):
            safety("127.0.0.1", *files, "")
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", tmp_path / "encrypted.key")
    with pytest.raises(VisionError, match="the key is encrypted"):
        safety("127.0.0.1", str(own), str(tmp_path / "encrypted.key"), "")


# Names.


def directory(*nodes, aliases=()):
    found = Directory(Quiet, dict(aliases))
    asyncio.run(found.follow(nodes))
    return found


def test_a_namespace_stands_before_the_name_as_that_of_another_machine():
    assert directory(Found("camera", "/robot1/front"), Found("vision", "/eye")).names == {
        "camera": ["robot1:front"],
        "vision": ["eye"],
        "mlmodel": [],
    }


def test_an_alias_is_a_further_name_wherever_the_node_is():
    found = directory(Found("camera", "/robot1/front"), aliases={"my-camera": "robot1/front", "other": "/nobody"})
    assert found.names["camera"] == ["my-camera", "robot1:front"]


@pytest.mark.parametrize(
    ("service", "name", "ours"),
    [
        ("/robot1/eye", "my-camera", "front"),
        ("/robot1/eye", "robot1:front", "front"),
        ("/eye", "robot1:front", "/robot1/front"),
        ("/eye", "", ""),
        ("/eye", "usb_cam", "usb_cam"),
        ("/eye", "robot2:front", "/robot2/front"),
    ],
)
def test_a_camera_is_called_as_the_vision_service_knows_it(service, name, ours):
    found = directory(Found("camera", "/robot1/front"), aliases={"my-camera": "robot1:front"})
    assert found.there(service, name) == ours


@pytest.mark.parametrize(
    ("service", "ours", "name"),
    [
        ("/robot1/eye", "front", "my-camera"),
        ("/eye", "/robot1/front", "my-camera"),
        ("/eye", "usb_cam", "usb_cam"),
        ("/eye", "", ""),
    ],
)
def test_and_back(service, ours, name):
    found = directory(Found("camera", "/robot1/front"), aliases={"my-camera": "robot1:front"})
    assert found.here(service, ours) == name


def test_a_short_name_is_that_of_the_node_without_namespaces_where_there_is_one():
    found = directory(Found("camera", "/a/front"), Found("camera", "/front"))
    asked = Camera.get_resource_name("front")
    assert found.get_resource(Camera, asked).client.name == "/front"


def test_an_alias_that_is_the_name_of_another_camera_is_refused_and_all_else_offered():
    found = Directory(Quiet, {"front": "/back", "my-camera": "/back"})
    nodes = [Found("camera", "/back"), Found("camera", "/front"), Found("vision", "/zebra")]
    with pytest.raises(VisionError, match=r"aliases\.front: a camera of that name is on the graph"):
        asyncio.run(found.follow(nodes))
    assert found.names == {"camera": ["my-camera", "back", "front"], "vision": ["zebra"], "mlmodel": []}
    assert found.get_resource(Camera, Camera.get_resource_name("front")).client.name == "/front"
    assert found.here("/zebra", "back") == "my-camera"
    with pytest.raises(VisionError, match=r"aliases\.front"):  # until the other one leaves
        asyncio.run(found.follow(nodes))
    asyncio.run(found.follow([Found("camera", "/back")]))
    assert sorted(found.names["camera"]) == ["back", "front", "my-camera"]


def test_a_node_that_cannot_be_called_keeps_no_other_from_being_offered():
    def connect(found):
        if found.node == "/broken":
            raise VisionError(ErrorCode.NOT_ACTIVE, "it is broken")
        return Quiet(found)

    found = Directory(connect, {})
    with pytest.raises(VisionError, match="it is broken"):
        asyncio.run(found.follow([Found("camera", "/broken"), Found("vision", "/eye")]))
    assert found.names == {"camera": [], "vision": ["eye"], "mlmodel": []}


def test_two_robots_with_the_same_names_do_not_get_mixed_up():
    found = directory(Found("camera", "/a/front"), Found("camera", "/b/front"))
    assert found.names["camera"] == ["a:front", "b:front"]
    asyncio.run(found.follow([Found("camera", "/b/front")]))
    assert found.names["camera"] == ["b:front"]


def test_who_asks_a_gateway_that_has_just_begun_is_told_what_it_finds():
    """One that came back to a gateway that was restarted would otherwise lose all that it has."""
    with listening() as server, ThreadPoolExecutor(1) as aside:
        asked = aside.submit(call, server, ask_for_names)
        server.follow([]).result(5)
        server.follow([Found("camera", "/front")]).result(5)
        assert [each.name for each in asked.result(10).resources] == ["front"]


NODES = [Found("camera", f"/camera_{number}") for number in range(6)]
NEW, OLD = {"viam_client": "python;v0.85.1;v0.1.500"}, {"viam_client": "python;v0.84.0;v0.1.400"}


def told(server, metadata, times=3):
    """Return what a connection is told when it asks for the names some times."""

    async def ask(channel):
        return [[str(each) for each in (await ask_for_names(channel, metadata)).resources] for _ in range(times)]

    return call(server, ask)


@pytest.mark.parametrize("metadata", [NEW, OLD, {}])
def test_who_asks_for_the_first_time_is_told_the_resources_by_their_names(metadata):
    with listening() as server:
        server.follow(NODES).result(5)
        assert told(server, metadata)[0] == [f"rdk:component:camera/{each.node[1:]}" for each in NODES]


@pytest.mark.parametrize("number", [1, 2, 6])
def test_no_connection_is_told_later_what_another_one_was_told(number):
    """The SDK's clients use the connection that replaces a lost one only if its second list is another."""
    with listening() as server:
        server.follow(NODES[:number]).result(5)
        lists = [told(server, NEW) for _ in range(4)]
    assert len({tuple(each) for first, second, _ in lists for each in (first, second)}) == 1 + len(lists)
    for first, second, third in lists:
        assert second == third
        assert second[:-1] == first
        assert second[-1].startswith("vision_service:gateway:connection/")


def test_older_clients_are_told_no_names_that_they_could_not_forget_again():
    """Before 0.85 the SDK fails where a name vanishes that it has no client for; the order must do."""
    with listening() as server:
        server.follow(NODES).result(5)
        lists = [told(server, OLD) for _ in range(4)]
    assert all(sorted(first) == sorted(second) and second == third for first, second, third in lists)
    assert len({tuple(second) for _, second, _ in lists}) > 1


def test_who_asks_a_gateway_that_has_just_begun_is_told_what_appears_one_after_the_other():
    with listening() as server, ThreadPoolExecutor(1) as aside:
        asked = aside.submit(told, server, NEW, 1)
        for number in range(1, 7):
            server.follow(NODES[:number]).result(5)
            time.sleep(0.1)
        assert len(asked.result(10)[0]) == 6


def ask_for_names(channel, metadata=None):
    return RobotServiceStub(channel).ResourceNames(ResourceNamesRequest(), metadata=metadata)
