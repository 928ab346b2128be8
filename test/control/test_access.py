"""Who may ask the control page's server."""

import pytest

from vision_service.control.access import Access, headers, is_local, new_token

ODD = ["localhost:80; script-src *", "evil@localhost", "localhost/x", "localhost:80a", "localhost\u0130", "[::1]x"]
"""Hosts that would stand in a policy, or be read in more than one way."""
EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.1.2.3", True), (EVERYWHERE, False), ("::", False)],
)
def test_what_is_reached_from_this_machine_only_is_known(host, local):
    assert is_local(host) == local


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "localhost:8090", "localhost:9000", "[::1]:8090", "LOCALHOST"])
def test_this_machine_calls_it_by_its_own_names_at_any_port_that_is_forwarded(host):
    assert Access("127.0.0.1").host_allowed(host)


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "127.0.0.1.evil.example", "192.168.1.5:8090", "[", "a:b:c", *ODD]
)
def test_a_name_that_was_made_to_lead_here_is_refused(host):
    assert not Access("127.0.0.1").host_allowed(host)


def test_opened_wider_it_is_called_by_addresses_and_the_machines_name_only():
    access = Access(EVERYWHERE, new_token())
    assert access.host_allowed("192.168.1.5:8090")
    assert not access.host_allowed("evil.example:8090")
    assert Access(EVERYWHERE, "token", frozenset({"robot.example"})).host_allowed("robot.example")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:8090", True),
        ("https://localhost:8090", True),
        ("http://localhost:8091", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_a_page_of_this_server_may_ask_it(origin, allowed):
    assert Access.origin_allowed(origin, "localhost:8090") == allowed


def test_the_token_is_asked_for_where_there_is_one():
    access = Access(EVERYWHERE, "secret")
    assert access.token_allowed("secret")
    assert not any(map(access.token_allowed, (None, "", "secre", "secret ", "sécret", "\udcff")))
    assert Access("127.0.0.1").token_allowed(None)
    assert len({new_token() for _ in range(100)}) == 100


def test_nothing_comes_from_elsewhere():
    policy = headers("localhost:8090")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
