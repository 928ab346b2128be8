"""Allowed URLs: which streams may be named over the network."""

import pytest

from vision_service.camera.allowed_urls import check_url
from vision_service.errors import VisionError


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("rtsp://camera/a/1", "rtsp://camera/a"),
        ("rtsp://camera/a", "rtsp://camera/a/"),
        ("rtsp://CAMERA:554/a", "rtsp://camera/"),
        ("rtsp://camera/a?channel=2", "rtsp://camera"),
        ("rtsp://user:secret@camera/a", "rtsp://user:secret@camera/"),
        ("http://[fe80::1]:8080/a", "http://[fe80::1]:8080/"),
        ("http://camera/a?x=1", "http://camera/a?x=1"),
    ],
)
def test_a_url_below_one_that_is_allowed_is_allowed(url, allowed):
    check_url(url, ["udp://else", allowed], of="video_path")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("rtsp://camera.example/a", "rtsp://camera"),
        ("rtsp://camera/ab", "rtsp://camera/a"),
        ("rtsp://camera/a/../b", "rtsp://camera/a"),
        ("rtsp://camera/a/%2e%2e/b", "rtsp://camera/a"),
        ("http://camera/a", "rtsp://camera/"),
        ("rtsp://camera:555/a", "rtsp://camera/"),
        ("rtsp://camera@other/a", "rtsp://camera"),
        ("rtsp://other/@camera/a", "rtsp://camera"),
        ("rtsp://a@b@camera/", "rtsp://camera"),
        ("rtsp://camera\\@other/", "rtsp://camera"),
        ("rtsp://camera/a b", "rtsp://camera"),
        ("rtsp:///a", "rtsp://"),
        ("concat://a", ""),
        ("rtsp://camera:x/", "rtsp://camera"),
        ("http://camera/a?x=12", "http://camera/a?x=1"),
        ("rtsp://camera/" + "a" * 5000, "rtsp://camera/"),
    ],
)
def test_any_other_is_refused_with_what_to_do(url, allowed):
    with pytest.raises(VisionError, match=r"'video_path'.*start parameter") as refused:
        check_url(url, [allowed], of="video_path")
    assert len(refused.value.message) < 700


def test_a_refusal_says_what_to_allow_and_no_password():
    with pytest.raises(VisionError, match="'rtsp://camera:555/' in its parameter 'allowed_urls'") as refused:
        check_url("rtsp://user:secret@camera:555/a", [], of="video_path")
    assert "secret" not in refused.value.message
