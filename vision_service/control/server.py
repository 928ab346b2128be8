"""The control page's HTTP server: aiohttp's, in a thread of its own.

``GET /`` and ``GET /static/NAME`` are the page; ``GET /ws`` is the WebSocket of a tab (see `wire`); everything else is
``POST /api/NAME`` with a JSON object, answered with one, or with ``{"error", "code"}`` and a status from 400 on:

==============  ==========================================  ===================================================
login           {token}                                     {}; sets the cookie
nodes           {}                                          {vision, cameras, mlmodels}
status          {node}                                      what get_status says, with "state"
parameters      {node}                                      {parameters: [...]}
set             {node, values}                              {values}; refused: the reason
commands        {node}                                      {commands: {name: what it does}}
command         {node, command}                             {answer}
lifecycle       {node, transition}                          {state, error}
findings        {}                                          {findings: [...]}
counts          {}                                          {tabs, encoded}
recording       {service, camera, mode}                     what is kept: {armed, images, kept_seconds, bytes, …}
save            {service, camera, mode, form: bag | coco}   a ZIP file, its name in X-File-Name, remarks in X-Remarks
ask             ?service=…&kind=image|cloud, a file's bytes  a binary message of `wire`: "frame" or "cloud"
==============  ==========================================  ===================================================
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from vision_service.control.access import Access, headers, is_local, new_token
from vision_service.control.backend import Backend, Watch
from vision_service.control.wire import VERSION, json_bytes, pack
from vision_service.errors import ErrorCode, VisionError, reason

try:
    from aiohttp import WSCloseCode, WSMsgType, web
except ImportError as missing:
    raise VisionError(
        ErrorCode.NOT_SUPPORTED,
        "the control page needs aiohttp, which is not installed: pip install 'vision_service[control]', or "
        "apt-get install python3-aiohttp",
    ) from missing

from vision_service.control.channels import Channels, Tab
from vision_service.control.clouds import cloud_message
from vision_service.control.encoding import frame_message
from vision_service.control.recording import Recording, save, zipped

TOKEN_VARIABLE = "VISION_SERVICE_CONTROL_TOKEN"  # noqa: S105
LONGEST_JSON = 64 << 10
"""Of a request, bytes."""
LARGEST_FILE = 64 << 20
"""Of a file that is dropped on the page, bytes."""
MOST_TABS = 16
START_PATIENCE = 10.0
"""How long the server may take to start, seconds."""
TENDING_PERIOD = 1.0
"""How often it is tried to watch what could not be watched, and looked for tabs that hang, seconds."""
STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlServer:
    """Serves the control page until it is closed.

    Attributes:
        url: Where the page is, with the token, if there is one.
        access: Who may ask.
    """

    def __init__(self, backend: Backend, host: str, port: int, *, name: str = "control") -> None:
        """Start to listen.

        Args:
            backend: Answers.
            host: The address to listen on.
            port: The port; 0 = any that is free.
            name: Of the thread.

        Raises:
            VisionError: INVALID_ARGUMENT, if it cannot listen there.
        """
        token = "" if is_local(host) else os.environ.get(TOKEN_VARIABLE) or new_token()
        self.access = Access(host, token)
        self._backend = backend
        self._host = host
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._stopping = False
        self._sockets: dict[Any, Tab] = {}
        self._channels: Channels | None = None
        self._cookie = ""
        self._served = {path.name: path for path in STATIC.iterdir() if path.suffix in TYPES}
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started: Future[int] = Future()
        self._thread.start()
        try:
            self._port = self._started.result(START_PATIENCE)
        except OSError as error:
            msg = (
                f"the control page cannot listen on {host}:{port}: {error.strerror or error}; choose another port with "
                "--port, or the parameter control_port (0 = any)"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._port}/" + (f"#token={token}" if token else "")

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    def close(self, timeout: float = 2.0) -> None:
        """Stop; may be called twice."""
        loop, wake = self._loop, self._wake
        self._stopping = True
        if loop is not None and wake is not None and self._thread.is_alive():
            with suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(wake.set)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    # In the thread.

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if not self._started.done():
                self._started.set_exception(error)
            else:
                logging.getLogger(__name__).exception("the control page's server has failed")

    async def _serve(self) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        self._channels = Channels(self._backend)
        runner = web.AppRunner(self._application(), access_log=None, handle_signals=False)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._port = runner.addresses[0][1]
        self._cookie = f"vision_service_{self._port}"
        self._started.set_result(self._port)
        while not self._stopping:
            self._wake.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TENDING_PERIOD if self._sockets else None)
            for transport, tab in list(self._sockets.items()):
                if tab.hangs():
                    logging.getLogger(__name__).info("a tab of the control page takes nothing over: it was dropped")
                    transport.abort()
            await self._channels.again()
        for transport in list(self._sockets):
            transport.abort()
        await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard], client_max_size=LONGEST_JSON)
        application.router.add_get("/", self._page)
        application.router.add_get("/static/{name}", self._static)
        application.router.add_get("/ws", self._socket)
        application.router.add_post("/api/ask", self._ask)
        application.router.add_post("/api/login", self._login)
        application.router.add_post("/api/{name}", self._api)
        return application

    @web.middleware  # type: ignore[untyped-decorator]
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let through who may ask, and put the headers on every answer."""
        host = request.headers.get("Host")
        if not self.access.host_allowed(host):
            return self._refusal(403, f"this server is not called {host!r}: use the address it listens on", "localhost")
        if not self.access.origin_allowed(request.headers.get("Origin"), host):
            return self._refusal(403, "a page of another origin may not ask this server", host or "")
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
            "same-origin",
            "none",
        ):
            return self._refusal(403, "another site may not ask this server", host or "")
        public = request.path == "/" or request.path.startswith("/static/") or request.path == "/api/login"
        if not public and not self.access.token_allowed(request.cookies.get(self._cookie)):
            return self._refusal(401, "open the page with its token: the log of the server shows the URL", host or "")
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            return self._refusal(error.status, error.reason, host or "")
        except ConnectionError:  # it has gone while it was answered
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("%s of the control page failed", request.path[:100])
            return self._refusal(500, reason(error), host or "")
        if not answer.prepared:
            answer.headers.update(headers(host or ""))
        return answer

    def _refusal(self, status: int, why: str, host: str) -> web.Response:
        return web.Response(
            status=status, body=json_bytes({"error": why}), content_type="application/json", headers=headers(host)
        )

    async def _page(self, request: web.Request) -> web.Response:
        return self._file("index.html")

    async def _static(self, request: web.Request) -> web.Response:
        return self._file(request.match_info["name"])

    def _file(self, name: str) -> web.Response:
        path = self._served.get(name)  # a name of a stranger never becomes a path
        if path is None:
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix], charset="utf-8")

    async def _login(self, request: web.Request) -> web.Response:
        given = await self._json(request)
        if not self.access.token_allowed(str(given.get("token", ""))):
            await asyncio.sleep(0.5)  # who tries many takes long
            return web.json_response({"error": "that is not the token"}, status=401)
        answer = web.json_response({})
        if self.access.token:
            answer.set_cookie(
                self._cookie, self.access.token, httponly=True, samesite="Strict", path="/",
                secure=request.headers.get("X-Forwarded-Proto") == "https",
            )  # fmt: skip
        return answer

    @staticmethod
    async def _json(request: web.Request) -> dict[str, Any]:
        """Return the JSON object of a request.

        Raises:
            HTTPException: 415, if it is said to be something else; 400, if it is none.
        """
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(reason="send application/json")
        try:
            given = json.loads(await request.text())
            json.dumps(given, ensure_ascii=False).encode()  # half a surrogate pair is no string that ROS can send
        except (ValueError, RecursionError):
            raise web.HTTPBadRequest(reason="that is no JSON") from None
        if not isinstance(given, dict):
            raise web.HTTPBadRequest(reason="send a JSON object")
        return given

    async def _api(self, request: web.Request) -> web.Response:
        given = await self._json(request)
        name = request.match_info["name"]
        if name == "save":
            return await self._save(given)
        ask = self._questions().get(name)
        if ask is None:
            raise web.HTTPNotFound(reason=f"there is no {name[:40]!r} here")
        return await self._answer(lambda: ask(given))

    def _questions(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        backend = self._backend
        return {
            "nodes": lambda _: backend.nodes(),
            "status": lambda given: backend.status(_text(given, "node")),
            "parameters": lambda given: {"parameters": backend.parameters(_text(given, "node"))},
            "set": lambda given: {"values": backend.set_parameters(_text(given, "node"), _object(given, "values"))},
            "commands": lambda given: {"commands": backend.commands(_text(given, "node"))},
            "command": lambda given: {"answer": backend.command(_text(given, "node"), _object(given, "command"))},
            "lifecycle": lambda given: backend.change_state(_text(given, "node"), _text(given, "transition")),
            "findings": lambda _: {"findings": backend.findings()},
            "counts": lambda _: self._counts(),
            "recording": lambda given: self._recording(given).status(),
        }

    def _counts(self) -> dict[str, Any]:
        return {
            "tabs": len(self._sockets),
            "encoded": self._channels.encoded() if self._channels is not None else 0,
        }

    async def _answer(self, ask: Callable[[], Any]) -> web.Response:
        try:
            found = await asyncio.to_thread(ask)
        except VisionError as error:
            return web.Response(
                status=400,
                body=json_bytes({"error": error.message, "code": error.code.name}),
                content_type="application/json",
            )
        except Exception as error:
            logging.getLogger(__name__).exception("a question of the control page failed")
            return web.Response(status=500, body=json_bytes({"error": reason(error)}), content_type="application/json")
        if isinstance(found, bytes):
            return web.Response(body=found, content_type="application/octet-stream")
        return web.Response(body=json_bytes(found), content_type="application/json")

    def _recording(self, given: Mapping[str, Any]) -> Recording:
        """Return what is recorded of what a tab shows.

        Raises:
            VisionError: NO_FRAME, if no tab shows it.
        """
        channels = self._channels
        found = channels.recording(_watch(given)) if channels is not None else None
        if found is None:
            raise VisionError(ErrorCode.NO_FRAME, "nothing is recorded: arm the recording while the camera is shown")
        return found

    async def _save(self, given: Mapping[str, Any]) -> web.Response:
        """Return what is recorded as a ZIP file."""
        told: dict[str, str] = {}

        def save_it() -> bytes:
            recording = self._recording(given)
            service = str(given.get("service") or "")
            known: Mapping[str, Any] = next(
                (each for each in self._backend.nodes()["vision"] if each["name"] == service), {}
            )
            with tempfile.TemporaryDirectory(prefix="vision_service.") as folder:
                form = str(given.get("form", "bag"))
                saved = save(recording.moments(), form, Path(folder), labels=known.get("labels", ()))
                archive = zipped(saved.path)
                told.update({"X-File-Name": archive.name, "X-Remarks": json.dumps(saved.remarks)})
                return archive.read_bytes()

        answer = await self._answer(save_it)
        answer.headers.update(told)
        return answer

    async def _ask(self, request: web.Request) -> web.Response:
        if request.content_type != "application/octet-stream":
            raise web.HTTPUnsupportedMediaType(reason="send the file as application/octet-stream")
        data = await _file(request)
        service, kind = request.query.get("service", ""), request.query.get("kind", "image")

        def ask() -> bytes:
            if kind == "cloud":
                shown = self._backend.ask_cloud(service, data)
                message = cloud_message(shown)
                if message is None:
                    raise VisionError(ErrorCode.INVALID_ARGUMENT, "the file has no points")
            else:
                return pack(*frame_message(self._backend.ask_image(service, data)))
            return pack(*message)

        return await self._answer(ask)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        channels = self._channels
        if channels is None:
            raise web.HTTPServiceUnavailable(reason="the page is starting")
        if request.headers.get("Origin") is None and request.headers.get("Sec-Fetch-Site") is not None:
            raise web.HTTPForbidden(reason="a browser says whose page it shows")
        socket = web.WebSocketResponse(compress=False, max_msg_size=LONGEST_JSON)
        socket.headers.update(headers(request.headers.get("Host", "")))
        await socket.prepare(request)
        if len(self._sockets) >= MOST_TABS:  # a browser tells a page why a socket was closed, not why there is none
            why = f"{MOST_TABS} tabs show this page already: close one of them, and this one connects"
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=why.encode())
            return socket
        transport = request.transport
        if not isinstance(transport, asyncio.WriteTransport) or self._wake is None:  # it has gone already
            return socket
        tab = Tab(transport)
        tab.tell({"type": "hello", "version": VERSION})
        self._sockets[transport] = tab
        self._wake.set()  # somebody is to be tended now
        reading = asyncio.ensure_future(self._read(socket, tab, channels))
        try:
            await tab.send(socket)
        except (ConnectionError, RuntimeError):  # it has gone while something was sent
            pass
        finally:
            reading.cancel()
            self._sockets.pop(transport, None)
            await channels.show(tab, None, frozenset())
        return socket

    async def _read(self, socket: web.WebSocketResponse, tab: Tab, channels: Channels) -> None:
        """Do what a tab says, until it closes."""
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    continue
                try:
                    said = json.loads(message.data)
                    if said["type"] == "ack":
                        tab.acknowledge(said["seq"])
                    elif said["type"] == "watch":
                        await self._watch(said, tab, channels)
                    elif said["type"] == "record" and tab.channel is not None:
                        tab.channel.record(tab, float(said["seconds"]))
                except VisionError as error:
                    tab.tell({"type": "error", "error": error.message})
                except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
                    tab.tell({"type": "error", "error": "that is no message of the page"})
        finally:
            tab.close()

    async def _watch(self, said: Mapping[str, Any], tab: Tab, channels: Channels) -> None:
        watch = _watch(said)
        if not watch.camera:
            await channels.show(tab, None, frozenset())
            return
        await channels.show(tab, watch, frozenset(str(each) for each in said.get("want", ["image"])))
        if not self._stopping:
            await channels.again()


async def _file(request: web.Request) -> bytes:
    """Return the file that a request brings.

    Raises:
        HTTPException: 413, if it is too large.
    """
    data = bytearray()
    async for chunk in request.content.iter_any():  # not read(), which takes no more than JSON may have
        data += chunk
        if len(data) > LARGEST_FILE:
            raise web.HTTPRequestEntityTooLarge(LARGEST_FILE, len(data))
    return bytes(data)


def _watch(said: Mapping[str, Any]) -> Watch:
    """Return what a tab says that it shows."""
    return Watch(str(said.get("service") or ""), str(said.get("camera") or ""), live=said.get("mode") == "live")


def _text(given: Mapping[str, Any], name: str) -> str:
    """Return a text of a request.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is none.
    """
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{name!r} must be a string")
    return value


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if not isinstance(value, dict):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{name!r} must be a JSON object")
    return value
