"""SHA-256 of contents, by which files are told apart."""

import hashlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service import digests


@given(st.binary(), st.integers(0, 1 << 30))
def test_they_are_those_of_hashlib(data, size):
    assert digests.sha256_of(data).hexdigest() == hashlib.sha256(data).hexdigest()
    parts = digests.sha256(size)
    for number in data:
        parts.update(bytes([number]))
    assert parts.digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize(("size", "loads"), [(0, False), (digests.LARGE - 1, False), (digests.LARGE, True)])
def test_openssl_is_loaded_for_large_contents_only(size, loads):
    program = f"import sys; from vision_service.digests import sha256; sha256({size}); print('_hashlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{loads}\n"


def test_a_python_without_its_own_implementation_has_hashlib(monkeypatch):
    monkeypatch.setattr(digests, "_PLAIN", ("_none_such", "math"))
    digests._plain.cache_clear()
    try:
        assert digests.sha256_of(b"a").hexdigest() == hashlib.sha256(b"a").hexdigest()
        assert digests._plain() is hashlib.sha256
    finally:
        digests._plain.cache_clear()
