"""Streams for tests: servers of this process that stop, stall, send garbage, change and come back at a word."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import re
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
WHOLE = 7 * 188
"""Bytes of whole packets of a transport stream, as many as one packet of RTP takes."""


def grey_jpeg(level: int, size: tuple[int, int]) -> bytes:
    """Return a JPEG of one grey, 0 to 255, of a width and height."""
    return cv2.imencode(".jpg", np.full((size[1], size[0], 3), level, np.uint8))[1].tobytes()


def noise(number: int, count: int = 5000) -> bytes:
    """Return bytes that mean nothing."""
    return np.random.default_rng(number).integers(0, 256, count, np.uint8).tobytes()


INTERLACED = bytes.fromhex(
    "000001b301001013ffffe018000001b5148200010000000001b800080040000001"
    "00000ffff8000001b58ffff38000000101137dae94a44400000102137dae94a444"
)
"""An MPEG-2 video of one interlaced, white image of 16×16 pixels."""


BASIC, DIGEST = 'Basic realm="camera"', 'Digest realm="camera", nonce="a1b2", qop="auth", algorithm=MD5'
"""How a server asks who one is."""


def allowed(answer: str | None, method: str, password: str) -> bool:
    """Return whether an Authorization says that one is "admin", with a password (RFC 7617, RFC 7616)."""
    if answer is None:
        return False
    if answer.startswith("Basic "):
        return base64.b64decode(answer[6:]).decode() == f"admin:{password}"
    said = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]*))', answer)}

    def digest(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode()).hexdigest()  # noqa: S324 (as the standard has it)

    secret, asked = digest("admin", "camera", password), digest(method, said["uri"])
    middle = [said["nc"], said["cnonce"], "auth"] if "qop" in said else []
    return said["response"] == digest(secret, "a1b2", *middle, asked)


class MjpegServer:
    """A camera that sends Motion JPEG over HTTP, as many network cameras do.

    Attributes:
        delimiter, line, head: How it spells the beginning of a part: the line before its head, how lines end, and the
            lines of the head.
        content_type: As it is announced.
        status: What it answers with, 200 or an error.
        password: For the user "admin"; None = nobody is asked.
        mode: What it sends: "images", "nothing", "noise" (where frames should begin), or "bad images" (frames
            whose content is noise).
        size: Width and height of the images.
        level: Their grey.
        connections: How many clients there have been.
    """

    def __init__(self) -> None:
        self.mode = "images"
        self.size = (64, 48)
        self.level = 100
        self.delimiter, self.line, self.head = "--frame", "\r\n", "Content-Type: image/jpeg\nContent-Length: {length}"
        self.content_type = "multipart/x-mixed-replace; boundary=frame"
        self.status = 200
        self.password: str | None = None
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
            refused = self.password is not None and not allowed(handler.headers["Authorization"], "GET", self.password)
            handler.send_response(401 if refused else self.status)
            if refused:
                handler.send_header("WWW-Authenticate", DIGEST)
                handler.send_header("WWW-Authenticate", BASIC)
            handler.send_header("Content-Type", self.content_type)
            handler.end_headers()
            if refused or self.status != 200:
                return
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
        data = grey_jpeg(self.level, self.size) if self.mode == "images" else b"\xff\xd8" + noise(number)
        lines = [self.delimiter, *self.head.format(length=len(data)).splitlines(), "", ""]
        return self.line.join(lines).encode() + data + self.line.encode()


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
        mode: What it sends: "images" or "nothing".
        status: What it answers with, 200 or an error.
        late: How long it sends nothing to each client at first, seconds.
        media: What it describes: "video" or "audio".
        password: For the user "admin"; None = nobody is asked.
        transports: What clients asked for.
    """

    def __init__(self, file: Path) -> None:
        self._data = file.read_bytes()
        self.mode = "images"
        self.status = 200
        self.late = 0.0
        self.media = "video"
        self.password: str | None = None
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
            content, more, status = b"", {}, "200 OK"
            if self.password is not None and method != "OPTIONS":
                answer = next((line.split(": ", 1)[1] for line in lines if line.startswith("Authorization: ")), None)
                if not allowed(answer, method, self.password):
                    status, more = "401 Unauthorized", {"WWW-Authenticate": DIGEST}
            if method == "DESCRIBE" and self.status != 200:
                status = f"{self.status} No"
            elif method == "DESCRIBE" and status == "200 OK":
                kind = {"video": "m=video 0 RTP/AVP 33", "audio": "m=audio 0 RTP/AVP 0"}[self.media]
                head = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "t=0 0", kind, "a=control:a", ""]
                content = "\r\n".join(head).encode()
                more = {"Content-Type": "application/sdp", "Content-Length": len(content)}
            elif method == "SETUP":
                self.transports.append(headers["transport"])
                more = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
            reply = {"CSeq": headers["cseq"], "Public": "DESCRIBE, SETUP, PLAY", "Session": "1", **more}
            head = "".join(f"{name}: {value}\r\n" for name, value in reply.items())
            client.wfile.write(f"RTSP/1.0 {status}\r\n{head}\r\n".encode() + content)
            if method == "PLAY" and status == "200 OK":
                self._play(client)
                return

    def _play(self, client: socketserver.StreamRequestHandler) -> None:
        time.sleep(self.late)
        for number, start in enumerate(range(0, len(self._data), WHOLE)):
            while self.mode == "nothing" and self._server is not None:
                time.sleep(0.01)
            if self._server is None:
                return
            self.send(client, self._data[start : start + WHOLE], number, 90 * number)
            time.sleep(1 / RATE)

    @staticmethod
    def send(client: socketserver.StreamRequestHandler, data: bytes, sequence: int, ticks: int) -> int:
        """Send a part of the transport stream, at a time in ticks of 90 kHz; return the number of the next packet."""
        for start in range(0, len(data), WHOLE):
            payload = data[start : start + WHOLE]
            rtp = struct.pack(">BBHII", 0x80, 33, sequence & 0xFFFF, ticks & 0xFFFFFFFF, 1) + payload
            client.wfile.write(struct.pack(">cBH", b"$", 0, len(rtp)) + rtp)
            sequence += 1
        return sequence


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


@contextmanager
def file_server(folder: Path, *, most: int = 0) -> Iterator[str]:
    """Serve the files of a folder over HTTP; the value is the URL of the folder.

    Args:
        folder: Whose files.
        most: How many bytes of a file are sent until the connection breaks off; 0 = all.
    """

    class Handler(http.server.SimpleHTTPRequestHandler):
        def copyfile(self, source: Any, outputfile: Any) -> None:
            if most:
                outputfile.write(source.read(most))
            else:
                super().copyfile(source, outputfile)

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
