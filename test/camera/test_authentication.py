"""What is answered to a server that asks who one is, by the examples of the standards."""

import re

import pytest

from vision_service.camera.authentication import authorization


def test_basic_as_in_rfc_7617():
    assert authorization(['Basic realm="WallyWorld"'], "GET", "/", "Aladdin", "open sesame") == (
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )


def test_digest_as_in_rfc_2069():
    opaque = "5ccc069c403ebaf9f0171e9517f40e41"
    nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    challenge = f'Digest realm="testrealm@host.com", nonce="{nonce}", opaque="{opaque}"'
    answer = authorization([challenge], "GET", "/dir/index.html", "Mufasa", "CircleOfLife")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in answer
    assert f'opaque="{opaque}"' in answer


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_as_in_rfc_7616(monkeypatch, algorithm, response):
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("secrets.token_hex", lambda count: cnonce)
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    challenge = f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{nonce}"'
    answer = authorization([challenge], "GET", "/dir/index.html", "Mufasa", "Circle of Life")
    assert f'response="{response}"' in answer
    assert f"algorithm={algorithm}, qop=auth, nc=00000001" in answer


def test_digest_is_preferred_and_what_nobody_knows_is_not_answered():
    challenges = ['Basic realm="a"', 'Digest realm="a", nonce="b"']
    assert authorization(challenges, "GET", "/", "me", "secret").startswith("Digest ")
    assert authorization(["Negotiate"], "GET", "/", "me", "secret") == ""
    assert authorization(['Digest realm="a", nonce="b", algorithm=ROT13'], "GET", "/", "me", "secret") == ""
    assert authorization([], "GET", "/", "me", "secret") == ""


def test_the_first_of_several_digests_is_answered():
    challenges = ['Digest realm="a", nonce="b", algorithm=SHA-256', 'Digest realm="a", nonce="b", algorithm=MD5']
    assert re.search(r"algorithm=SHA-256", authorization(challenges, "GET", "/", "me", "secret"))
