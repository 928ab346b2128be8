"""Why an RTSP server gives no stream: asked of itself by DESCRIBE (RFC 2326), which decoders do not tell."""

from __future__ import annotations

import re
import socket

from vision_service.camera import urls
from vision_service.camera.authentication import authorization
from vision_service.camera.web import refusal, trusting

MOST = 65536
"""Bytes of an answer that are looked at."""
_MEDIA = re.compile(r"(?m)^m=(\w+)")


def why_no_stream(url: str, timeout: float) -> str:
    """Return what a server says of a stream that cannot be opened; empty = it describes video.

    Args:
        url: rtsp:// or rtsps://
        timeout: How long connecting and each answer may take, seconds.

    Raises:
        OSError: If the connection breaks off, or nothing comes in time.
        ValueError: If the URL is none.
    """
    to = urls.address(url)
    line = socket.create_connection((to.host, to.port), timeout=timeout)
    if to.scheme == "rtsps":
        line = trusting().wrap_socket(line)
    with line:
        host = f"[{to.host}]" if ":" in to.host else to.host
        target = f"rtsp://{host}:{to.port}{to.target}"
        status, said, headers, body = _ask(line, target, 1, "")
        if status == 401 and to.user:
            challenges = [value for name, value in headers if name == "www-authenticate"]
            header = authorization(challenges, "DESCRIBE", target, to.user, to.password)
            status, said, _, body = _ask(line, target, 2, header) if header else (status, said, headers, body)
    if status == 0:
        return "it answers, but does not speak RTSP"
    if status != 200:
        return refusal(status, said, with_user=bool(to.user))
    media = _MEDIA.findall(body)
    return "" if "video" in media else f"it offers no video, only {', '.join(media) or 'nothing'}"


def _ask(line: socket.socket, target: str, number: int, header: str) -> tuple[int, str, list[tuple[str, str]], str]:
    """Return status, its words, headers and content; status 0 = it is no answer of RTSP."""
    lines = [f"DESCRIBE {target} RTSP/1.0", f"CSeq: {number}", "Accept: application/sdp", "User-Agent: vision_service"]
    lines += [f"Authorization: {header}"] if header else []
    line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    data = b""
    while b"\r\n\r\n" not in data and len(data) < MOST:
        more = line.recv(4096)
        if not more:
            break
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("utf-8", "replace").split("\r\n")
    status = re.match(r"RTSP/\d\.\d (\d{3}) ?(.*)", first)
    if status is None:
        return 0, "", [], ""
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (text.partition(":") for text in rest)]
    said = next((value for name, value in headers if name == "content-length"), "")
    length = min(int(said), MOST) if said.isdecimal() else 0
    while len(body) < length:
        more = line.recv(4096)
        if not more:
            break
        body += more
    return int(status[1]), status[2], headers, body.decode("utf-8", "replace")
