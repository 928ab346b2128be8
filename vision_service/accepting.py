"""Sockets that servers listen on: they take so many connections at once, and outlive a lack of file descriptors.

asyncio's own tell of each connection that they have no descriptor for, a hundred times, and try again ever more often:
one client that forgets to close its connections would fill the log and the processor, and take the descriptors of the
cameras that run in the same process.
"""

from __future__ import annotations

import errno
import os
import socket
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

PERIOD = 60.0
"""Within so many seconds it is told once that clients were refused."""
MOST = 256
"""How many connections a server has at once, unless the process may open few files."""
SHARE = 4
"""The reciprocal of the share of its files that a process gives to one server."""
RETRY = 0.01
"""How long to wait where not even a connection that is refused can be taken, seconds."""
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
TOO_MANY = (
    "a client was refused: {count} connections are open, and more are not taken; let programs close those that they do"
    " not need any more"
)
NO_FILES = (
    "a client was refused: this process cannot open any more files ({why}); let programs close connections that they do"
    " not need any more, or raise the limit (ulimit -n)"
)


class Listening(socket.socket):
    """A listening socket that hangs up on who is too much."""

    __slots__ = ("_most", "_spare", "_taken", "_tell", "_told")

    def prepare(self, tell: Callable[[str], object], most: int) -> None:
        """Say how many connections there may be.

        Args:
            tell: Takes why a client was not let in.
            most: That many.
        """
        self._tell = tell
        self._told = -PERIOD
        self._most = most
        self._taken: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._spare: int | None = _spare_file()

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection, and who has made it.

        Raises:
            BlockingIOError: There is none that is taken now.
        """
        try:
            connection, address = super().accept()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._hang_up()
            self._refused(NO_FILES.format(why=error.strerror))
            raise BlockingIOError from None
        open_ones = sum(other.fileno() >= 0 for other in list(self._taken))
        if open_ones >= self._most:
            connection.close()
            self._refused(TOO_MANY.format(count=open_ones))
            raise BlockingIOError
        self._taken.add(connection)
        return connection, address

    def close(self) -> None:
        """Listen no more."""
        super().close()
        self._give_up_spare()

    def _refused(self, why: str) -> None:
        now = time.monotonic()
        if now - self._told >= PERIOD:
            self._told = now
            self._tell(why)

    def _hang_up(self) -> None:
        """Refuse the next connection, by the descriptor that is kept for that; else it would be the next one again."""
        had_spare = self._give_up_spare()
        try:
            if had_spare:
                super().accept()[0].close()
        except BlockingIOError:  # it has gone
            pass
        except OSError:
            time.sleep(RETRY)
        else:
            if not had_spare:
                time.sleep(RETRY)
        finally:
            self._spare = _spare_file()

    def _give_up_spare(self) -> bool:
        spare, self._spare = getattr(self, "_spare", None), None
        if spare is not None:
            os.close(spare)
        return spare is not None


def listen(host: str, port: int, tell: Callable[[str], object]) -> list[Listening]:
    """Return sockets that are bound to all addresses of a host, one at least; who uses them lets them listen.

    Args:
        host: A name or an address; empty = all of this machine.
        port: The port; 0 = any that is free, of each address another one.
        tell: Takes why a client was not let in, in the thread that takes connections.

    Raises:
        OSError: It is no address of this machine, or the port is not free.
    """
    flags, kind = socket.AI_PASSIVE, socket.SOCK_STREAM
    found = dict.fromkeys(socket.getaddrinfo(host or None, port, type=kind, flags=flags))
    sockets: list[Listening] = []
    absent = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    for family, _, protocol, _, address in found:
        try:
            sockets.append(_bound(family, protocol, address, tell))
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # IPv6 that is switched off, for example
                for each in sockets:
                    each.close()
                raise
            absent = error
    if not sockets:
        raise absent
    return sockets


def _bound(family: int, protocol: int, address: Any, tell: Callable[[str], object]) -> Listening:
    bound = Listening(family, socket.SOCK_STREAM, protocol)
    try:
        bound.prepare(tell, _most())
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setblocking(False)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


def _most() -> int:
    """Return how many connections a server may have."""
    try:
        import resource
    except ImportError:
        return MOST
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if files == resource.RLIM_INFINITY else max(1, min(MOST, files // SHARE))


def _spare_file() -> int | None:
    """Return a descriptor that is kept, None if there is none to be had."""
    with suppress(OSError):
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    return None
