"""A gRPC server with some methods of its own, and calls of it by grpclib's client."""

import asyncio

from grpclib import GRPCError, Status
from grpclib.client import Channel
from grpclib.const import Cardinality, Handler
from viam.proto.service.vision import GetDetectionsRequest, GetDetectionsResponse

from vision_service.viam.guard import Guarded
from vision_service.viam.wire import GatewayServer

PATIENCE = 60.0


class Service:
    """Some methods; `go_on` ends those that wait, `begun` and `stopped` are set when one of them has begun or ended."""

    def __init__(self):
        self.go_on, self.begun, self.stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def length(self, stream):
        request = await stream.recv_message()
        message = GetDetectionsResponse()
        message.detections.add(class_name=str(len(request.image)))
        await stream.send_message(message)

    async def large(self, stream):
        await stream.recv_message()
        message = GetDetectionsResponse()
        message.detections.add(class_name="a" * (9 << 20))
        await stream.send_message(message)

    async def waits(self, stream):
        try:
            await stream.recv_message()  # its client may go before all of it has come
            self.begun.set()
            await self.go_on.wait()
        finally:
            self.stopped.set()
        await stream.send_message(GetDetectionsResponse())

    async def fails(self, stream):
        await stream.recv_message()
        await self.go_on.wait()
        raise GRPCError(Status.NOT_FOUND, "no camera «é» " + "a" * 1500)

    def __mapping__(self):
        types = (Cardinality.UNARY_UNARY, GetDetectionsRequest, GetDetectionsResponse)
        methods = (self.length, self.large, self.waits, self.fails)
        return {f"/test/{method.__name__}": Handler(method, *types) for method in methods}


def served(program, check=lambda name, metadata: None):
    """Return what a program returns that is given a channel and the service."""

    async def main():
        service = Service()
        server = GatewayServer([Guarded(service, check)], lambda why: None)
        await server.start("127.0.0.1", 0)
        channel = Channel("127.0.0.1", server._server.sockets[0].getsockname()[1])
        try:
            return await asyncio.wait_for(program(channel, service), PATIENCE)
        finally:
            channel.close()
            server.close()
            await server.wait_closed()

    return asyncio.run(main())


async def call(channel, name="length", image=b"", **more):
    types = (GetDetectionsRequest, GetDetectionsResponse)
    async with channel.request(f"/test/{name}", Cardinality.UNARY_UNARY, *types, **more) as stream:
        await stream.send_message(GetDetectionsRequest(image=image), end=True)
        return await stream.recv_message()
