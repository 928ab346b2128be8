"""What is no call of gRPC, byte by byte on a connection of our own: it is refused, and the gateway goes on."""

import logging
import socket
import struct
from contextlib import closing

import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from grpclib import Status
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, StreamEnded
from test_server import listening
from viam.proto.robot import GetVersionRequest
from viam.proto.service.vision import GetDetectionsRequest

from vision_service.viam import malformed

PATIENCE = 20.0
VERSION, DETECT = "/viam.robot.v1.RobotService/GetVersion", "/viam.service.vision.v1.VisionService/GetDetections"
GOOD = GetDetectionsRequest(name="x").SerializeToString()
NOT_FOUND = (Status.NOT_FOUND, "UNKNOWN_RESOURCE: no vision 'x': there are none on the graph")


@pytest.fixture(scope="module")
def port():
    with listening() as server:
        yield server.port


class Stranger:
    """A connection that sends what it is told to."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._h2 = H2Connection(H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False))
        self._h2.initiate_connection()
        self.send()

    def send(self, *data):
        """Send what there is to be sent, and these bytes."""
        self._socket.sendall(self._h2.data_to_send() + b"".join(data))

    def call(self, *pieces, path=DETECT, more=()):
        """Return the status and the message that a call ends with, or None, if the connection does."""
        headers = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"), ("te", "trailers")]
        headers += [("content-type", "application/grpc"), *more]
        stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(stream, headers)
        for piece in pieces:
            self._h2.send_data(stream, piece)
        self._h2.end_stream(stream)
        self.send()
        told = {}
        while data := self._socket.recv(1 << 16):
            for event in self._h2.receive_data(data):
                told |= {name.decode(): value.decode() for name, value in getattr(event, "headers", None) or ()}
                if isinstance(event, ConnectionTerminated):
                    return None
                if isinstance(event, StreamEnded):
                    return Status(int(told["grpc-status"])), told.get("grpc-message", "")
            self.send()
        return None

    def close(self):
        """Hang up."""
        self._socket.close()


@pytest.fixture
def stranger(port, caplog):
    """Of which nothing is logged, as strangers may send it as often as they like; and which can go on calling."""
    with closing(Stranger(port)) as stranger, caplog.at_level(logging.WARNING):
        yield stranger
        assert stranger.call(message(GetVersionRequest().SerializeToString()), path=VERSION) == (Status.OK, "")
    assert caplog.messages == []


def message(content, compressed=0, length=None):
    """Return a message of gRPC as it is sent."""
    return struct.pack(">BI", compressed, len(content) if length is None else length) + content


@pytest.mark.parametrize(
    ("pieces", "status", "said"),
    [
        ([], Status.INVALID_ARGUMENT, "the call ended without a request"),
        ([b"\0\0\0"], Status.INVALID_ARGUMENT, "the request is cut off"),
        ([message(b"abc", length=100)], Status.INVALID_ARGUMENT, "the request is cut off"),
        ([message(b"\xff" * 20)], Status.INVALID_ARGUMENT, "the request is no message of this method"),
        ([message(b"\x0a\x02\xff\xfe")], Status.INVALID_ARGUMENT, "the request is no message of this method"),
        ([message(GOOD, compressed=1)], Status.UNIMPLEMENTED, "NOT_SUPPORTED: a compressed message"),
    ],
    ids=["none", "no length", "cut off", "garbage", "no UTF-8", "compressed"],
)
def test_a_request_that_is_none_is_refused_with_what_is_wrong(stranger, pieces, status, said):
    told, why = stranger.call(*pieces)
    assert told is status
    assert said in why


@pytest.mark.parametrize(("value", "status"), [("soon", Status.INVALID_ARGUMENT), ("0n", Status.DEADLINE_EXCEEDED)])
def test_a_time_that_is_none_is_named(stranger, value, status):
    told, why = stranger.call(message(GOOD), more=[("grpc-timeout", value)])
    assert told is status
    assert status is Status.DEADLINE_EXCEEDED or "the header grpc-timeout is not a time" in why


@pytest.mark.parametrize("failure", [ValueError, OverflowError])
def test_a_header_that_cannot_be_read_is_named(stranger, monkeypatch, failure):
    """grpclib does not answer such a call."""

    def fails(*_):
        raise failure

    assert stranger.call(message(GOOD), more=[("token-bin", "YWJj"), ("grpc-timeout", "5S")]) == NOT_FOUND
    with monkeypatch.context() as patched:
        patched.setattr(malformed, "decode_bin_value", fails)
        told = (Status.INVALID_ARGUMENT, "INVALID_ARGUMENT: the header token-bin is not base64")
        assert stranger.call(message(GOOD), more=[("token-bin", "YWJj")]) == told
    monkeypatch.setattr(malformed.Deadline, "from_headers", fails)
    told = (Status.INVALID_ARGUMENT, "INVALID_ARGUMENT: the header grpc-timeout is not a time, such as 500m")
    assert stranger.call(message(GOOD), more=[("grpc-timeout", "5S")]) == told


@pytest.mark.parametrize("missing", [":path", ":method", ":method, :path"])
def test_a_call_without_what_every_call_has_is_refused(missing):
    headers = [(name, "x") for name in (":method", ":path", "te") if name not in missing]
    assert malformed.refusal(headers).message == f"INVALID_ARGUMENT: there is no header {missing}"
    assert malformed.refusal([(":method", "POST"), (":path", DETECT)]) is None


def test_letters_that_headers_do_not_have_end_no_connection(stranger):
    assert stranger.call(message(GOOD), more=[("place", "Küche"), ("grpc-timeout", "99999999H")]) == NOT_FOUND


@pytest.mark.parametrize("kind", [0x0A, 0x0C, 0x10, 0x2A], ids=["ALTSVC", "ORIGIN", "PRIORITY_UPDATE", "unknown"])
def test_frames_of_extensions_are_ignored(stranger, kind):
    stranger.send(struct.pack(">BHBBI", 0, 6, kind, 0, 0), b"\0\0\0\0u=")
    assert stranger.call(message(GOOD)) == NOT_FOUND


def test_empty_frames_between_those_of_a_message_are_ignored(stranger):
    sent = message(GOOD)
    assert stranger.call(b"", sent[:3], b"", sent[3:7], b"", sent[7:]) == NOT_FOUND
