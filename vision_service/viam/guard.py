"""What stands around all methods of our gRPC services: who may call, how large a request may be, what errors say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grpclib.const import Handler

from vision_service.viam.errors import Method, telling
from vision_service.viam.limits import bounded
from vision_service.viam.malformed import understood


class Guarded:
    """A service of grpclib whose calls are looked at first, and end with an error of gRPC only."""

    def __init__(self, service: Any, check: Callable[[str, Mapping[str, Any]], object]) -> None:
        """Take a service.

        Args:
            service: Of grpclib.
            check: Is given the full name of the method and the metadata of each call; raises GRPCError to refuse it.
        """

        def guarded(name: str, method: Method) -> Method:
            async def answer(stream: Any) -> None:
                check(name, stream.metadata)
                await method(stream)

            return telling(name, answer)

        self._mapping = {
            name: Handler(guarded(name, bounded(understood(handler.func))), *handler[1:])
            for name, handler in service.__mapping__().items()
        }

    def __mapping__(self) -> dict[str, Handler]:
        return self._mapping
