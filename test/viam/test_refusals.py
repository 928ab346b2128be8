"""Clients that were not let in: the gateway says why, because Viam's SDK says only that it could not connect."""

import asyncio
import socket
import ssl
import subprocess
from contextlib import closing, suppress

import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from certificates import certificates
from grpclib import GRPCError
from grpclib.client import Channel
from test_server import KEY_ID, Quiet
from viam.proto.robot import ResourceNamesRequest, RobotServiceStub
from viam.proto.rpc.auth import AuthenticateRequest, AuthServiceStub, Credentials

from robot import ROOT, eventually
from vision_service.viam import refusals
from vision_service.viam.refusals import BROKEN_OFF, MOST, PERIOD, PLAIN, UNTRUSTED, Refusals
from vision_service.viam.security import Safety, safety
from vision_service.viam.server import Gateway
from vision_service.viam.wire import SPEAKS_TLS


@pytest.fixture
def told():
    return []


def listening(told, protected):
    server = Gateway(Quiet, host="127.0.0.1", port=0, safety=protected, aliases={}, tell=told.append)
    return closing(server)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def protected(files):
    _, certificate, key = files
    return safety("127.0.0.1", str(certificate), str(key), "")


def try_to_call(server, context=None, method=None):
    """Let a client try; return whether it was answered."""

    async def main():
        channel = Channel("127.0.0.1", server.port, ssl=context)
        ask = method or (lambda channel: RobotServiceStub(channel).ResourceNames(ResourceNamesRequest()))
        try:
            await asyncio.wait_for(ask(channel), 10)
        except (GRPCError, OSError, asyncio.TimeoutError):
            return False
        except Exception:  # grpclib's, of a connection that was closed
            return False
        finally:
            channel.close()
        return True

    return asyncio.run(main())


def with_key(key, key_id=KEY_ID):
    credentials = Credentials(type="api-key", payload=key)
    return lambda channel: AuthServiceStub(channel).Authenticate(
        AuthenticateRequest(entity=key_id, credentials=credentials)
    )


def trusting(authority):
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols(["h2"])
    return context


def test_who_trusts_the_certificate_is_answered_and_nothing_is_told(files, protected, told):
    with listening(told, protected) as server:
        assert try_to_call(server, trusting(files[0]))
    assert not told


def test_certificate_and_key_that_are_made_as_the_page_says_are_enough(tmp_path, told):
    certificates(tmp_path)  # skips where there is no openssl
    page = (ROOT / "docs" / "viam.md").read_text()
    commands = page[page.index("openssl req -x509") :].partition("```")[0]
    subprocess.run(["bash", "-euc", commands], cwd=tmp_path, check=True, capture_output=True)
    files = (str(tmp_path / name) for name in ("robot.pem", "robot.key", "keys.yaml"))
    protected = safety("0.0.0.0", *files)  # noqa: S104
    ((key_id, key),) = protected.keys.items()
    with listening(told, protected) as server:
        assert try_to_call(server, trusting(tmp_path / "authority.pem"), with_key(key, key_id))
    assert not told


def test_who_does_not_trust_it_is_told_of_once(protected, told, monkeypatch):
    monkeypatch.setattr(refusals, "HANDSHAKE", 0.2)
    with listening(told, protected) as server:
        for _ in range(2):
            assert not try_to_call(server, trusting(None))
        eventually(lambda: told, "it is told")
    assert told == [BROKEN_OFF]
    assert "SSL_CERT_FILE" in told[0]


def test_who_says_that_he_does_not_trust_it_is_taken_at_his_word(protected, told):
    """OpenSSL's own clients, and Viam's dialling in Rust, say so before they hang up."""
    with listening(told, protected) as server:
        with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", server.port)) as one:
            trusting(None).wrap_socket(one, server_hostname="localhost")
        eventually(lambda: told, "it is told")
    assert told == [UNTRUSTED]


def test_who_does_not_speak_tls_is_told_of(protected, told):
    with listening(told, protected) as server:
        assert not try_to_call(server)
        eventually(lambda: told, "it is told")
    assert told == [PLAIN]


def test_who_speaks_tls_where_there_is_none_is_told_of(told):
    with listening(told, Safety()) as server:
        assert not try_to_call(server, trusting(None))
        eventually(lambda: told, "it is told")
        assert try_to_call(server)
    assert told == [SPEAKS_TLS]


def test_who_has_no_key_or_a_wrong_one_is_told_of(told):
    with listening(told, Safety(keys={KEY_ID: "secret"})) as server:
        assert not try_to_call(server, method=with_key("wrong"))
        assert not try_to_call(server)
        assert try_to_call(server, method=with_key("secret"))
    assert len(told) == 2
    assert "api_keys_file" in told[0]
    assert "with_api_key" in told[1]
    assert not any("secret" in each or "wrong" in each for each in told)


def test_who_only_looks_whether_somebody_listens_is_not_told_of(protected, told):
    with listening(told, protected) as server:

        async def look():
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

        asyncio.run(look())
        assert not try_to_call(server)
        eventually(lambda: told, "the next one is told of")
    assert told == [PLAIN]


def test_the_same_is_told_again_after_a_while_and_nothing_piles_up(told):
    now = [0.0]
    refused = Refusals(told.append, clock=lambda: now[0])
    for _ in range(3):
        refused("it")
    now[0] = PERIOD
    refused("it")
    assert told == ["it", "it"]
    for number in range(3 * MOST):
        refused(str(number))
    assert len(refused._told) == MOST
