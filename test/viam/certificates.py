"""Certificates for tests, by OpenSSL's command: of a certificate authority, and of this machine."""

import shutil
import subprocess

import pytest

SUBJECT = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def certificates(folder):
    """Return the files of a new authority's certificate, of one for localhost that it has signed, and of its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate")
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    own, key, request, more = (folder / name for name in ("own.pem", "own.key", "own.csr", "more"))
    more.write_text(SUBJECT)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", authority_key, "-out", authority, "-subj", "/CN=tests", "-days", "2")
    openssl("req", *new, "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    signing = ("-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-days", "2", "-extfile", more)
    openssl("x509", "-req", "-in", request, "-out", own, *signing)
    return authority, own, key


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
