"""What HTTP servers of cameras answer, and why they do not."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from types import TracebackType
from urllib.parse import quote, urljoin

from vision_service.camera import urls
from vision_service.camera.authentication import authorization
from vision_service.errors import ErrorCode, VisionError

MOST_REDIRECTIONS = 5
_REDIRECTIONS = {301, 302, 303, 307, 308}


class Answer:
    """What a server answers to GET; its content is read as it comes.

    Attributes:
        url: Of the answer, behind redirections.
        content_type: In lower case, without parameters: "multipart/x-mixed-replace".
        length: Of the content, bytes; None = it does not say.
    """

    def __init__(self, url: str, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self.url = url
        self._connection = connection
        self._socket = connection.sock
        self._response = response
        self.content_type = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        self.length = response.length

    def read(self, most: int = 65536) -> bytes:
        """Return what has come, at most so many bytes; empty = the content has ended.

        Raises:
            TimeoutError: If nothing comes in time.
            OSError: If the connection breaks off.
        """
        try:
            return self._response.read1(most)
        except http.client.HTTPException:
            return b""

    def close(self) -> None:
        """End the connection."""
        self._response.close()
        self._connection.close()

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def get(url: str, *, open_timeout: float, read_timeout: float) -> Answer:
    """Ask for a URL by HTTP, and follow redirections; say who one is where that is asked for.

    Certificates are not checked: cameras sign their own.

    Args:
        url: http:// or https://
        open_timeout: How long the connection and the answer may take, seconds.
        read_timeout: How long its content may pause, seconds.

    Raises:
        VisionError: CAMERA_ERROR, with what the server says instead.
        OSError: If the connection breaks off.
        http.client.HTTPException: If what answers does not speak HTTP.
        ValueError: If the URL is none.
    """
    here, user, password = url, urls.address(url).user, urls.address(url).password
    header = ""
    for _ in range(MOST_REDIRECTIONS + 1):
        to = urls.address(here)
        target = quote(to.target, safe="/?#[]@!$&'()*+,;=:%~")
        connection = _connection(to, open_timeout)
        try:
            connection.request("GET", target, headers=_headers(header))
            line = connection.sock
            response = connection.getresponse()
            if response.status == 401 and user and not header:
                challenges = response.headers.get_all("WWW-Authenticate") or []
                header = authorization(challenges, "GET", target, user, password)
                if header:
                    connection.close()
                    continue
            if response.status in _REDIRECTIONS and response.getheader("Location"):
                there = urljoin(here, response.getheader("Location") or "")
                if (urls.address(there).host, urls.address(there).scheme) != (to.host, to.scheme):
                    user = urls.address(there).user  # a password is for the host that it was given for
                    password = urls.address(there).password
                here, header = there, ""
                connection.close()
                continue
            _check(response, with_user=bool(user))
        except BaseException:
            connection.close()
            raise
        line.settimeout(read_timeout)
        return Answer(here, connection, response)
    raise VisionError(ErrorCode.CAMERA_ERROR, "it redirects again and again")


def _check(response: http.client.HTTPResponse, *, with_user: bool) -> None:
    if response.status != 200:
        raise VisionError(ErrorCode.CAMERA_ERROR, refusal(response.status, response.reason, with_user=with_user))


def refusal(status: int, said: str, *, with_user: bool) -> str:
    """Return what a status of HTTP or RTSP means, for people.

    Args:
        status: The number.
        said: The server's words.
        with_user: Whether a user and password were sent.
    """
    number = " ".join(filter(None, (str(status), re.sub(r"[^\x20-\x7e]", "?", said)[:80])))
    if status == 401:
        wrong = "it does not accept this user name and password"
        asks = "it asks for a user name and password: SCHEME://USER:PASSWORD@HOST/…"
        return f"{wrong if with_user else asks} ({number})"
    if status in (403, 407):
        return f"it does not allow this ({number})"
    if status in (404, 410):
        return f"it has no stream at this path ({number})"
    if status == 453:
        return f"it has no bandwidth left: too many clients? ({number})"
    if status >= 500:
        return f"it has a fault of its own, or too many clients ({number})"
    return f"it answers {number}"


def _connection(to: urls.Address, timeout: float) -> http.client.HTTPConnection:
    if to.scheme == "https":
        return http.client.HTTPSConnection(to.host, to.port, timeout=timeout, context=trusting())
    return http.client.HTTPConnection(to.host, to.port, timeout=timeout)


def trusting() -> ssl.SSLContext:
    """Return what encrypts without a look at certificates."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _headers(authorized: str) -> dict[str, str]:
    headers = {"User-Agent": "vision_service", "Accept": "*/*", "Connection": "close"}
    return headers | ({"Authorization": authorized} if authorized else {})


def why_unreachable(url: str, timeout: float = 1.0) -> str:
    """Return why nobody answers at the host and port of a URL; empty = somebody does, or it names no host."""
    to = urls.address(url)
    if to.host and to.port:
        try:
            socket.create_connection((to.host, to.port), timeout=timeout).close()
        except OSError as error:
            return f"{urls.where(url)} does not answer: {error.strerror or error}{urls.hint(url)}"
    return ""
