"""Who may call: nobody from elsewhere without TLS, and with API keys only who has one."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
import ssl
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grpclib import GRPCError, Status
from viam.proto.rpc.auth import AuthenticateResponse, AuthServiceBase

from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.files import open_regular, read_regular, resolve
from vision_service.yaml_text import parse_yaml

AUTHENTICATE = "/proto.rpc.v1.AuthService/Authenticate"
LARGEST_KEYS = 1 << 20
"""Of a file of API keys, bytes."""
MAX_TOKENS = 4096
"""How many tokens are kept; the oldest is forgotten for a new one, and its client asks for another."""


@dataclass(frozen=True)
class Safety:
    """How the gateway is protected.

    Attributes:
        context: Of TLS; None = without.
        keys: API keys by their ids; empty = everybody may call.
    """

    context: ssl.SSLContext | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)


def safety(host: str, certificate_file: str, private_key_file: str, api_keys_file: str) -> Safety:
    """Return how the gateway is protected, if that is enough for where it listens.

    Args:
        host: Where it listens.
        certificate_file: The certificate with its chain, PEM; empty = without TLS.
        private_key_file: The key of the certificate, PEM.
        api_keys_file: YAML, API keys by their ids; empty = everybody may call.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is not enough, or a file cannot be read or is none.
    """
    if bool(certificate_file) != bool(private_key_file):
        raise _wrong("TLS needs both certificate_file and private_key_file, or neither")
    keys = read_keys(api_keys_file) if api_keys_file else {}
    if not certificate_file and not is_loopback(host):
        raise _wrong(
            f"host {host!r} can be reached from other machines, so calls must be encrypted: set certificate_file and "
            "private_key_file (TLS), or listen on 127.0.0.1"
        )
    return Safety(_context(certificate_file, private_key_file) if certificate_file else None, keys)


def is_loopback(host: str) -> bool:
    """Return whether only programs of this machine reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise _wrong(f"host {host!r} is no address of this machine: {error}") from None
    return all(ipaddress.ip_address(str(each).partition("%")[0]).is_loopback for each in found)


def read_keys(path: str) -> dict[str, str]:
    """Return the API keys of a file by their ids: a YAML mapping.

    Raises:
        VisionError: INVALID_ARGUMENT, if it cannot be read, is empty, or an id is no UUID, which Viam's SDK asks for.
    """
    try:
        content = parse_yaml(read_regular(path, LARGEST_KEYS))
    except (OSError, ValueError, RuntimeError, VisionError) as error:
        raise _wrong(f"api_keys_file {path!r} cannot be read: {reason(error)}") from None
    if not isinstance(content, dict) or not content:
        raise _wrong(f"api_keys_file {path!r} must be YAML with one line 'ID: KEY' for each key")
    for name, key in content.items():
        if not isinstance(name, str) or not isinstance(key, str) or not key:
            raise _wrong(f"api_keys_file {path!r}: the key of {name!r} must be a string: put it in quotes")
        try:
            uuid.UUID(name)
        except ValueError:
            msg = f"api_keys_file {path!r}: the id {name!r} is no UUID, such as {uuid.uuid4()}: Viam's SDK wants one"
            raise _wrong(msg) from None
    return dict(content)


class Authentication(AuthServiceBase):
    """Gives a token to who knows an API key, and looks at the token of every other call."""

    def __init__(self, keys: Mapping[str, str], refused: Callable[[str], object] = lambda why: None) -> None:
        """Begin without tokens.

        Args:
            keys: API keys by their ids; none = everybody may call.
            refused: Takes why a client was not let in, for the log.
        """
        self._keys = dict(keys)
        self._refused = refused
        self._tokens: dict[str, None] = {}

    async def Authenticate(self, stream: Any) -> None:  # noqa: N802
        """Return a token."""
        request = await stream.recv_message()
        key = self._keys.get(request.entity, "")
        given = request.credentials
        same = hmac.compare_digest(key.encode(), given.payload.encode())  # also where there is no such id
        if self._keys and (given.type != "api-key" or not key or not same):
            msg = "the API key or its id is not one of the gateway's: connect with RobotClient.Options.with_api_key"
            self._refused("a client was refused: its API key or the key's id is none of api_keys_file")
            raise GRPCError(Status.UNAUTHENTICATED, msg)
        token = secrets.token_urlsafe(32)
        self._tokens[token] = None
        if len(self._tokens) > MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        await stream.send_message(AuthenticateResponse(access_token=token))

    async def AuthenticateTo(self, stream: Any) -> None:  # noqa: N802
        """Refuse: there is nobody else to be authenticated to."""
        raise NotImplementedError

    def check(self, method: str, metadata: Mapping[str, Any]) -> None:
        """Refuse a call without a token, if API keys are asked for.

        Args:
            method: The full name of the method.
            metadata: Of the call.

        Raises:
            GRPCError: UNAUTHENTICATED.
        """
        if not self._keys or method == AUTHENTICATE:
            return
        token = str(metadata.get("authorization", "")).removeprefix("Bearer ")
        if token not in self._tokens:
            msg = "this gateway asks for an API key: connect with RobotClient.Options.with_api_key"
            if not token:  # else its token was of before a restart, and it asks for another
                self._refused("a client was refused: it has no API key; let it connect with Options.with_api_key")
            raise GRPCError(Status.UNAUTHENTICATED, msg)


def _context(certificate_file: str, private_key_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    try:
        for file in (certificate_file, private_key_file):  # OpenSSL would wait for ever for who writes to a pipe
            open_regular(file).close()
        context.load_cert_chain(resolve(certificate_file), resolve(private_key_file), _passphrase)
    except (OSError, ValueError, RuntimeError) as error:  # an SSLError is an OSError
        msg = f"certificate_file {certificate_file!r} and private_key_file {private_key_file!r} cannot be used: "
        raise _wrong(msg + reason(error)) from None
    return context


def _passphrase() -> bytes:
    """Refuse a key that is encrypted; OpenSSL would ask the terminal, and wait."""
    msg = "the key is encrypted, and nobody is here to give its passphrase: give a file without (openssl pkey)"
    raise ValueError(msg)


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
