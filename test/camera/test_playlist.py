"""What playlists of HLS say of themselves."""

import pytest

from vision_service.camera import playlist

MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\nlow/list.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh/list.m3u8\n"


def media(*lines):
    return "\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:2", *lines, "#EXTINF:2.0,", "a.ts"])


def test_a_playlist_is_known_by_its_type_or_its_beginning():
    assert playlist.is_playlist("application/vnd.apple.mpegurl", b"")
    assert playlist.is_playlist("text/plain", b"#EXTM3U\n")
    assert playlist.is_playlist("", b"\xef\xbb\xbf#EXTM3U\n")
    assert not playlist.is_playlist("video/mp4", b"\0\0\0\x1cftyp")


def test_a_master_playlist_names_media_playlists():
    assert playlist.first_variant("http://h/live/master.m3u8?key=1", MASTER) == "http://h/live/low/list.m3u8"
    assert playlist.first_variant("http://h/list.m3u8", media()) == ""


@pytest.mark.parametrize(
    ("lines", "recording", "over"),
    [
        ([], False, False),
        (["#EXT-X-MEDIA-SEQUENCE:17"], False, False),
        (["#EXT-X-ENDLIST"], True, False),
        (["#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-ENDLIST"], True, False),
        (["#EXT-X-MEDIA-SEQUENCE:1", "#EXT-X-ENDLIST"], True, False),
        (["#EXT-X-MEDIA-SEQUENCE:17", "#EXT-X-ENDLIST"], False, True),
        (["#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-MEDIA-SEQUENCE:17", "#EXT-X-ENDLIST"], True, False),
        (["#EXT-X-PLAYLIST-TYPE:EVENT"], False, False),
    ],
    ids=str,
)
def test_recordings_and_live_streams_are_told_apart(lines, recording, over):
    assert playlist.is_recording(media(*lines)) is recording
    assert playlist.is_over(media(*lines)) is over
