"""The control page's HTTP server: aiohttp's, in a thread of its own.

``GET /`` and ``GET /static/NAME`` are the page; ``GET /ws`` is the WebSocket of a tab (see `wire`); everything else is
``POST /api/NAME``, see `questions`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from vision_service.accepting import listen
from vision_service.control.access import Access, headers, is_local, new_token
from vision_service.control.backend import Backend
from vision_service.control.wire import json_bytes
from vision_service.errors import ErrorCode, VisionError, reason

try:
    from aiohttp import web
except ImportError as missing:
    raise VisionError(
        ErrorCode.NOT_SUPPORTED,
        "the control page needs aiohttp, which is not installed: pip install 'vision_service[control]', or "
        "apt-get install python3-aiohttp",
    ) from missing

from vision_service.control.questions import Questions, json_object
from vision_service.control.sockets import Sockets

TOKEN_VARIABLE = "VISION_SERVICE_CONTROL_TOKEN"  # noqa: S105
LONGEST_JSON = 64 << 10
"""Of a request, bytes."""
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
        sockets = Sockets(self._backend, self._wake.set)
        runner = web.AppRunner(self._application(sockets), access_log=None, handle_signals=False)
        await runner.setup()
        try:
            for each in listen(self._host, self._port, logging.getLogger(__name__).warning):
                await web.SockSite(runner, each).start()
        except OSError:
            await runner.cleanup()
            raise
        self._port = runner.addresses[0][1]
        self._cookie = f"vision_service_{self._port}"
        self._started.set_result(self._port)
        while not self._stopping:
            self._wake.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TENDING_PERIOD if sockets else None)
            await sockets.tend()
        sockets.end()
        await runner.cleanup()

    def _application(self, sockets: Sockets) -> web.Application:
        questions = Questions(self._backend, sockets.channels.recording, sockets.counts)
        application = web.Application(middlewares=[self._guard], client_max_size=LONGEST_JSON)
        application.router.add_get("/", self._page)
        application.router.add_get("/static/{name}", self._static)
        application.router.add_get("/ws", sockets.connect)
        application.router.add_post("/api/ask", questions.ask)
        application.router.add_post("/api/login", self._login)
        application.router.add_post("/api/{name}", questions.api)
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
        given = await json_object(request)
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
