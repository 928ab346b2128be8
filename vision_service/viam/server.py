"""The server: an event loop in a thread of its own, so that it runs beside ROS, and ROS beside it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from viam.rpc.signaling import SignalingService

from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.viam.directory import Directory, Found
from vision_service.viam.guard import Guarded
from vision_service.viam.refusals import Refusals
from vision_service.viam.security import Authentication, Safety
from vision_service.viam.services import Cameras, MLModels, Robot, VisionServices
from vision_service.viam.wire import GatewayServer

LOGGER = logging.getLogger(__name__)
PATIENCE = 5.0
"""How long starting and stopping may take, seconds."""


class Gateway:
    """Answers Viam's clients.

    Attributes:
        port: Where it listens.
    """

    def __init__(
        self,
        connect: Callable[[Found], Any],
        *,
        host: str,
        port: int,
        safety: Safety,
        aliases: Mapping[str, str],
        tell: Callable[[str], object] = LOGGER.warning,
    ) -> None:
        """Begin to listen, with no resources yet.

        Args:
            connect: Returns our client of a node.
            host: Where to listen.
            port: Likewise; 0 = any that is free.
            safety: Who may call.
            aliases: Names of nodes by further names for them.
            tell: Takes why a client was not let in, in the gateway's thread.

        Raises:
            VisionError: INVALID_ARGUMENT, if it cannot listen there.
        """
        self.port = port
        self._refused = Refusals(tell)
        self._loop = asyncio.new_event_loop()
        self._directory = Directory(connect, aliases)
        self._server: Any = None
        self._thread = threading.Thread(target=self._run, name="viam gateway", daemon=True)
        self._thread.start()
        try:
            self._do(self._start(host, port, safety)).result(PATIENCE)
        except OSError as error:
            self._stop_loop()
            msg = f"cannot listen on {host}:{port}: {reason(error)}; give the parameter port another number"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        except BaseException:
            self._stop_loop()
            raise

    @property
    def names(self) -> dict[str, list[str]]:
        """The names of the resources by kind."""
        return self._directory.names

    def follow(self, nodes: Iterable[Found]) -> Future[None]:
        """Have the resources of these nodes, and no others; return what is done then."""
        return self._do(self._directory.follow(list(nodes)))

    def close(self) -> None:
        """Stop listening, end what is under way, and close the clients."""
        if not self._thread.is_alive():
            return
        with suppress(Exception):  # what hangs is left behind with its thread
            self._do(self._end()).result(PATIENCE)
        self._stop_loop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _do(self, job: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(job, self._loop)

    async def _start(self, host: str, port: int, safety: Safety) -> None:
        authentication = Authentication(safety.keys, self._refused)
        if safety.context is not None:
            self._refused.watch(safety.context)
        services = [
            SignalingService(),
            Robot(manager=self._directory),
            Cameras(manager=self._directory),
            VisionServices(manager=self._directory),
            MLModels(manager=self._directory),
            authentication,
        ]
        guarded = [Guarded(service, authentication.check) for service in services]
        self._server = GatewayServer(guarded, self._refused)
        self.port = await self._server.listen(host, port, safety.context)

    async def _end(self) -> None:
        self._server.close()
        await self._directory.close()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1.0)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
