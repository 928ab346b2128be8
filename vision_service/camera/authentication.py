"""What a client of HTTP or RTSP answers when it is asked who it is: Basic (RFC 7617) and Digest (RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable

_CHALLENGE = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,\s]*))')
_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def authorization(challenges: Iterable[str], method: str, target: str, user: str, password: str) -> str:
    """Return the header Authorization that answers the strongest challenge that is understood; empty = none is.

    Args:
        challenges: The values of the headers WWW-Authenticate.
        method: Of the request: "GET", "DESCRIBE".
        target: What is requested, as in the request's first line.
        user: Decoded.
        password: Decoded.
    """
    offered = {challenge.split(None, 1)[0].lower(): challenge for challenge in reversed(list(challenges)) if challenge}
    if "digest" in offered:
        return _digest(offered["digest"], method, target, user, password)
    if "basic" in offered:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return ""


def _digest(challenge: str, method: str, target: str, user: str, password: str) -> str:
    said = {name.lower(): quoted or plain for name, quoted, plain in _CHALLENGE.findall(challenge.split(None, 1)[-1])}
    algorithm = said.get("algorithm", "MD5").upper()
    base = algorithm.removesuffix("-SESS")
    if base not in _HASHES or _HASHES[base] not in hashlib.algorithms_available:
        return ""

    def digest(*parts: str) -> str:
        return hashlib.new(_HASHES[base], ":".join(parts).encode()).hexdigest()

    nonce, count, own = said.get("nonce", ""), "00000001", secrets.token_hex(8)
    secret = digest(user, said.get("realm", ""), password)
    if algorithm.endswith("-SESS"):
        secret = digest(secret, nonce, own)
    quality = "auth" if "auth" in re.split(r"[\s,]+", said.get("qop", "")) else ""
    proof = [nonce, count, own, quality] if quality else [nonce]
    fields = {"username": user, "realm": said.get("realm", ""), "nonce": nonce, "uri": target}
    fields["response"] = digest(secret, *proof, digest(method, target))
    if "opaque" in said:
        fields["opaque"] = said["opaque"]
    if quality or algorithm.endswith("-SESS"):
        fields["cnonce"] = own
    header = ", ".join(f'{name}="{value}"' for name, value in fields.items())
    header += f", algorithm={said['algorithm']}" if "algorithm" in said else ""
    return f"Digest {header}" + (f", qop={quality}, nc={count}" if quality else "")
