"""Streams for tests: servers of this process that stop, stall, send garbage, change and come back at a word."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from robot import eventually

RATE = 50.0
"""Frames a second of the servers."""


def grey_jpeg(level: int, size: tuple[int, int]) -> bytes:
    """Return a JPEG of one grey, 0 to 255, of a width and height."""
    return cv2.imencode(".jpg", np.full((size[1], size[0], 3), level, np.uint8))[1].tobytes()


def noise(number: int, count: int = 5000) -> bytes:
    """Return bytes that mean nothing."""
    return np.random.default_rng(number).integers(0, 256, count, np.uint8).tobytes()


class MjpegServer:
    """A camera that sends Motion JPEG over HTTP, as many network cameras do.

    Attributes:
        mode: What it sends: "pictures", "nothing", "noise" (where frames should begin), or "bad pictures" (frames
            whose content is noise).
        size: Width and height of the pictures.
        level: Their grey.
        connections: How many clients there have been.
    """

    def __init__(self) -> None:
        self.mode = "pictures"
        self.size = (64, 48)
        self.level = 100
        self.connections = 0
        self.port = 0
        self._server: http.server.ThreadingHTTPServer | None = None
        self._serving = 0
        self._count = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/stream"

    @property
    def serving(self) -> int:
        """How many clients there are now."""
        return self._serving

    def start(self) -> None:
        """Listen, at the same port as before."""
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse clients, and leave those there are."""
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            eventually(lambda: not self._serving, "the server has left its clients")

    def _serve(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        with self._count:
            self.connections += 1
            self._serving += 1
        try:
            handler.send_response(200)
            handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            handler.end_headers()
            number = 0
            while self._server is not None and self._alive(handler):
                number += 1
                handler.wfile.write(self._part(number))
                time.sleep(1 / RATE)
        except OSError:
            pass  # the client has left
        finally:
            with self._count:
                self._serving -= 1

    @staticmethod
    def _alive(handler: http.server.BaseHTTPRequestHandler) -> bool:
        """Return whether the client is still there, also while nothing is sent."""
        handler.connection.setblocking(False)
        try:
            return handler.connection.recv(1) != b""
        except BlockingIOError:
            return True
        finally:
            handler.connection.setblocking(True)

    def _part(self, number: int) -> bytes:
        if self.mode == "nothing":
            return b""
        if self.mode == "noise":
            return noise(number)
        data = grey_jpeg(self.level, self.size) if self.mode == "pictures" else b"\xff\xd8" + noise(number)
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        return head.encode() + data + b"\r\n"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        pass  # a client that leaves in the middle is what is tested


@contextmanager
def mjpeg_server() -> Iterator[MjpegServer]:
    """Run a server until the end of the block."""
    server = MjpegServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


class RtspServer:
    """A camera that sends a file by RTSP: an MPEG transport stream (RFC 2250) in RTP within the TCP connection.

    Each client gets the file from its beginning.

    Attributes:
        mode: What it sends: "pictures" or "nothing".
        transports: What clients asked for.
    """

    def __init__(self, file: Path) -> None:
        self._data = file.read_bytes()
        self.mode = "pictures"
        self.transports: list[str] = []
        self.port = 0
        self._server: socketserver.ThreadingTCPServer | None = None
        self._clients: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def start(self) -> None:
        """Listen, at the same port as before."""
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                camera._clients.add(self.connection)
                with contextlib.suppress(OSError):
                    camera._serve(self)
                camera._clients.discard(self.connection)

        self._server = _TcpServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse clients, and leave those there are."""
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            for client in list(self._clients):
                with contextlib.suppress(OSError):  # it has left by itself
                    client.shutdown(socket.SHUT_RDWR)
            eventually(lambda: not self._clients, "the server has left its clients")

    def _serve(self, client: socketserver.StreamRequestHandler) -> None:
        while self._server is not None:
            lines = []
            while line := client.rfile.readline().strip():
                lines.append(line.decode())
            if not lines:
                return
            headers = dict(line.lower().split(": ", 1) for line in lines[1:])
            method = lines[0].split()[0]
            content, more = b"", {}
            if method == "DESCRIBE":
                content = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:a\r\n"
                more = {"Content-Type": "application/sdp", "Content-Length": len(content)}
            elif method == "SETUP":
                self.transports.append(headers["transport"])
                more = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
            reply = {"CSeq": headers["cseq"], "Public": "DESCRIBE, SETUP, PLAY", "Session": "1", **more}
            head = "".join(f"{name}: {value}\r\n" for name, value in reply.items())
            client.wfile.write(f"RTSP/1.0 200 OK\r\n{head}\r\n".encode() + content)
            if method == "PLAY":
                self._play(client)
                return

    def _play(self, client: socketserver.StreamRequestHandler) -> None:
        count = 7 * 188  # whole packets of the transport stream
        for number, start in enumerate(range(0, len(self._data), count)):
            while self.mode == "nothing" and self._server is not None:
                time.sleep(0.01)
            if self._server is None:
                return
            payload = self._data[start : start + count]
            rtp = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, 90 * number, 1) + payload
            client.wfile.write(struct.pack(">cBH", b"$", 0, len(rtp)) + rtp)
            time.sleep(1 / RATE)


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Serve the files of a folder over HTTP; the value is the URL of the folder."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def write_video(path: Path, levels: list[int], *, size: tuple[int, int] = (64, 48), rate: float = 25.0) -> Path:
    """Write a video of grey frames: .avi is Motion JPEG, .mp4 and .ts are MPEG-4."""
    fourcc = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, rate, size)
    assert writer.isOpened()
    for level in levels:
        writer.write(np.full((size[1], size[0], 3), level, np.uint8))
    writer.release()
    return path


def held() -> tuple[int, int]:
    """Return how many files and threads this process has open, those of libraries counted."""
    files, threads = (sum(1 for _ in Path("/proc/self", kind).iterdir()) for kind in ("fd", "task"))
    return files, threads


def back_to(before: tuple[int, int]) -> None:
    """Wait until no more is held than before; threads that were told to end may still be at it."""

    def no_more() -> bool:
        return all(now <= then for now, then in zip(held(), before, strict=True))

    eventually(no_more, f"files and threads as before, {before}")
