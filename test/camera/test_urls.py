"""URLs of streams: what is shown of them, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.camera import urls


@pytest.mark.parametrize("path", ["rtsp://h/x", "HTTP://h", "udp://@239.0.0.1:1234", "rtmp+x://h"])
def test_what_has_a_scheme_is_a_url(path):
    assert urls.is_url(path)


@pytest.mark.parametrize("path", ["film.mp4", "/a/b://c", "file:///a.mp4", "package://robot/a.mp4", "c:/film.mp4", ""])
def test_all_else_is_a_path(path):
    assert not urls.is_url(path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://10.0.0.1:554/live", "rtsp://10.0.0.1:554/live"),
        ("rtsp://admin:secret@h:554/live", "rtsp://…@h:554/live"),
        ("rtsp://secret@[::1]:554/live", "rtsp://…@[::1]:554/live"),
        ("rtsp://admin:se@cret@h/live", "rtsp://…@h/live"),
        ("rtsp://admin:se/cret@h/live", "rtsp://…@h/live"),
        ("rtsp://admin:se#cret@h/live", "rtsp://…@h/live"),
        ("rtsp://admin:se?cret@h/live", "rtsp://…@h/live"),
        ("rtsp://admin:se cret@h/live", "rtsp://…@h/live"),
        ("http://h/v.cgi?user=admin&pwd=secret&channel=2", "http://h/v.cgi?user=…&pwd=…&channel=2"),
        ("http://h?pwd=sec/ret", "http://h?pwd=…"),
        ("http://h/v?login=admin:secret", "http://h/v?login=…"),
        (
            "rtsp://h/user=admin&password=secret&channel=1&stream=0.sdp",
            "rtsp://h/user=…&password=…&channel=1&stream=0.sdp",
        ),
        ("rtsp://h/user=admin_password=secret_channel=1_stream=0.sdp?real_stream", "rtsp://h/user=…?real_stream"),
        ("rtsp://h/cam/realmonitor?channel=1&subtype=0", "rtsp://h/cam/realmonitor?channel=1&subtype=0"),
        ("rtsps://h:7441/5ecRet1234567890?enableSrtp", "rtsps://h:7441/…"),
        ("rtsp://h/h264Preview_01_main", "rtsp://h/h264Preview_01_main"),
        ("udp://@239.0.0.1:1234", "udp://@239.0.0.1:1234"),
        ("film.mp4", "film.mp4"),
    ],
)
def test_what_may_be_secret_is_not_shown(url, shown):
    assert urls.shown(url) == shown


SECRET = st.text(st.characters(codec="utf-8", exclude_characters="\n\r&;"), min_size=4).filter(
    lambda text: text not in "rtsp://admin:@127.0.0.1:554/live"
)


@given(SECRET)
def test_no_password_is_shown_whatever_its_signs_are(secret):
    assert secret not in urls.shown(f"rtsp://admin:{secret}@127.0.0.1:554/live")


@given(st.text())
def test_no_url_is_too_wild(text):
    for url in (text, f"rtsp://{text}", f"http://h/{text}"):
        urls.shown(url)
        urls.hint(url)
        urls.mistake(url)


def test_what_a_library_says_of_a_url_is_cleaned():
    url = "rtsp://admin:secret@h/live"
    assert urls.hidden(f"not found: '{url}'", url) == "not found: 'rtsp://…@h/live'"


def test_signs_that_mean_something_are_named_as_they_are_to_be_written():
    assert urls.hint("rtsp://admin:simple@h/live") == ""
    assert urls.hint("rtsp://admin:%40%2f@h/live") == ""
    assert "' ' as %20" in urls.hint("rtsp://admin:a b@h/live")
    assert "'%' as %25" in urls.hint("rtsp://admin:100%sure@h/live")


@pytest.mark.parametrize(
    "url", ["rtsp://admin:a/b@h/live", "rtsp://admin:a#b@h/live", "rtsp://h:port/", "rtsp://[::1/"]
)
def test_a_url_that_nobody_can_mean_is_a_mistake(url):
    assert "cannot be read" in urls.mistake(url)


def test_a_url_without_mistakes():
    assert urls.mistake("rtsp://admin:simple@[::1]:554/live?channel=1") == ""


def test_its_parts_are_decoded():
    address = urls.address("rtsps://admin:p%40ss@Camera/live?channel=1")
    assert address == ("rtsps", "camera", 322, "/live?channel=1", "admin", "p@ss")


def test_a_host_that_may_be_a_part_of_a_password_is_not_shown():
    assert urls.where("rtsp://admin:secret@h/live") == "h:554"
    assert urls.where("rtsp://admin:12?34@h/live") == "its host"
