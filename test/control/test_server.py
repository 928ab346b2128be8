"""The control page's server, beside a robot in its process and one elsewhere, by real requests and WebSockets."""

import asyncio
import itertools
import json
from contextlib import ExitStack, contextmanager

import pytest
from rclpy.parameter import Parameter

from page import Page
from robot import eventually, never
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.control import wire
from vision_service.image import decode, encode
from vision_service.pointcloud.pcd import write_pcd
from vision_service.pointcloud.projection import cloud_of
from vision_service.resources import LocalResources
from vision_service.ros.process.spinning import Spinner

pytest.importorskip("aiohttp")
from vision_service.ros.control.node import ControlNode
from vision_service.ros.vision.node import VisionNode

EVERYWHERE = "0.0.0.0"  # noqa: S104
NUMBERS = itertools.count()
JSON = {"Content-Type": "application/json"}


@contextmanager
def other_page(robot, host="127.0.0.1"):
    """Serve another page, whose node knows the others by topics and services only."""
    node = ControlNode(host, 0, name=f"page_{next(NUMBERS)}", context=robot.context)
    spinner = Spinner(node)
    try:
        address = node.server.url.partition("#")[0].replace(EVERYWHERE, "127.0.0.1")
        page = Page(address)
        page.token = node.server.url.partition("#token=")[2]
        yield page
    finally:
        spinner.stop()
        node.destroy_node()


@pytest.fixture(scope="module")
def elsewhere(robot):
    """The page of a process that knows the robot by its topics only."""
    with other_page(robot) as page:
        yield page


def frames(page, number=3, **watch):
    """Return the next frames that a tab shows."""

    async def look():
        async with page.tab() as tab:
            await tab.watch(**watch)
            return [await tab.next() for _ in range(number)]

    return asyncio.run(look())


def wanted(robot, name="detector", camera="camera"):
    return robot.nodes[name].results.wanted(camera)


# What is served, and to whom.


def test_the_page_lies_in_the_package_and_names_nobody_else(page):
    status, headers, body = page.request("")
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert b"http://" not in body
    assert b"https://" not in body
    for name in ("app.js", "style.css", "icon.svg", "view3d.js"):
        assert page.request(f"static/{name}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        *("static/..%2fserver.py", "static/../server.py", "static/server.py", "static/", "etc"),
        *("static/%00.js", f"static/{'a' * 5000}.js"),
    ],
)
def test_nothing_else_is_served(page, path):
    status, headers, _ = page.request(path)
    assert (status, headers["Content-Type"]) == (404, "application/json")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({}, 200),
    ],
)
def test_a_page_of_somebody_else_asks_in_vain(page, headers, status):
    assert page.request("api/nodes", b"{}", **{**JSON, **headers})[0] == status


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"[" * 10_000, b'{"node": "\\ud800"}'])
def test_what_is_no_request_is_refused(page, body):
    assert page.request("api/status", body, **JSON)[0] == 400
    assert page.request("api/nodes", b" " * (wire.MOST_POINTS * 2), **JSON)[0] == 413


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "no parameter is named"),
        ({"cameras": [[1]]}, "it is a list of strings"),
        ({"cameras": {"a": 1}}, "a parameter is a number, a string"),
        ({"default_minimum_confidence": [0.5]}, "'default_minimum_confidence' is a number, not [0.5]"),
        ({"default_minimum_confidence": "high"}, "'default_minimum_confidence' is a number, not 'high'"),
    ],
)
def test_values_that_no_parameter_has_are_refused_with_what_to_give(page, values, why):
    status, told = page.ask("set", node="/detector", values=values)
    assert (status, told["code"]) == (400, "INVALID_ARGUMENT")
    assert why in told["error"]


@pytest.mark.parametrize("camera", ["/a b", "/x/../y", "\ud800", "x" * 1000])
def test_what_cannot_be_a_camera_is_said_to_be_none(page, camera):
    async def look():
        async with page.tab() as tab:
            await tab.watch(camera=camera)
            while not (said := await tab.next("watching"))["problem"]:
                pass
            return said["problem"]

    said = asyncio.run(look())
    assert said.startswith("no camera ")
    assert len(said) < 400


def test_a_tab_too_many_is_told_why_and_gets_the_place_of_one_that_leaves(page, monkeypatch):
    monkeypatch.setattr("vision_service.control.sockets.MOST_TABS", 1)

    async def look():
        async with page.tab() as first:
            await first.next("hello")
            async with page.tab() as second:
                refused = await asyncio.wait_for(second.socket.receive(), 30)
        return refused

    eventually(lambda: page.ask("counts")[1]["tabs"] == 0, "the tabs before have gone")
    refused = asyncio.run(look())
    assert refused.data == 1013  # try again later
    assert "close one" in refused.extra
    eventually(lambda: page.ask("counts")[1]["tabs"] == 0, "the tab has gone")
    assert frames(page, 1, service="/detector", camera="camera")


def test_a_websocket_of_another_origin_is_refused(page):
    import aiohttp

    async def connect(origin):
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{page.url}ws", origin=origin):
            pass

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        asyncio.run(connect("http://evil.example"))
    assert refused.value.status == 403


def test_opened_wider_it_wants_the_token(robot):
    with other_page(robot, EVERYWHERE) as page:
        token = page.token
        assert len(token) > 20
        assert page.request("")[0] == 200  # the page itself is no secret
        assert page.ask("nodes")[0] == 401
        assert page.ask("login", **{"token": "guessed"})[0] == 401
        _, headers, _ = page.request("api/login", json.dumps({"token": token}).encode(), **JSON)
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert page.request("api/nodes", b"{}", Cookie=cookie.partition(";")[0], **JSON)[0] == 200


# What is shown.


def test_what_runs_is_listed(page):
    _, found = page.ask("nodes")
    services = {each["name"]: each for each in found["vision"]}
    assert services["/detector"]["cameras"] == ["camera"]
    assert services["/detector"]["can"] == ["detect"]
    assert services["/detector"]["local"]
    assert services["/follower"]["state"] == "unconfigured"
    assert {each["name"] for each in found["cameras"]} >= {"/camera", "/closeup"}


def test_every_image_comes_with_its_own_result(page):
    for header, parts in frames(page, service="/detector", camera="camera"):
        assert header["result_stamp"] == header["stamp"]
        assert decode(parts["image"]).shape == (240, 320, 3)
        assert len(header["detections"]) >= 3
        assert header["latency"] > 0


def test_by_topics_it_shows_the_same(page, elsewhere):
    (here, _), (there, parts) = (frames(each, 1, service="/detector", camera="camera")[0] for each in (page, elsewhere))
    assert there["result_stamp"] == there["stamp"]
    assert sorted(each["class_name"] for each in there["detections"]) == sorted(
        each["class_name"] for each in here["detections"]
    )
    assert decode(parts["image"]).shape == (240, 320, 3)
    assert there["intrinsics"]["fx"] == pytest.approx(here["intrinsics"]["fx"])


def test_by_topics_objects_come_too(elsewhere):
    ((header, _),) = frames(elsewhere, 1, service="/objects", camera="camera")
    assert header["objects"]
    assert header["objects_frame_id"] == header["frame_id"]


def test_zones_come_with_their_counts_also_by_topics(page, elsewhere):
    corners = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    zones = {"zones": ["all"], "all.polygon": corners, "all.coordinates": "normalized", "all.events": False}

    async def zones_at(place):
        async with place.tab() as tab:
            await tab.watch("/detector", "camera")
            while True:
                header, _ = await tab.next()
                if header.get("zones"):  # by topics, the node is asked for them now and then
                    return header["zones"], len(header["detections"])

    assert page.ask("set", node="/detector", values=zones)[0] == 200
    try:
        for each in (page, elsewhere):
            ((zone,), found) = asyncio.run(asyncio.wait_for(zones_at(each), 30))
            assert zone["name"] == "all"
            assert zone["points"] == [[0, 0], [320, 0], [320, 240], [0, 240]]
            assert abs(zone["inside"] - found) <= 1
    finally:
        assert page.ask("set", node="/detector", values={"zones": []})[0] == 200
    assert all("zones" not in header for header, _ in frames(page, 2, service="/detector", camera="camera")[1:])


def test_a_camera_is_shown_alone(page, elsewhere):
    for each in (page, elsewhere):
        ((header, parts),) = frames(each, 1, camera="/closeup")
        assert header["result_stamp"] is None
        assert parts["image"]


def test_live_every_image_comes_with_the_last_result(page):
    stamps = [
        (int(header["stamp"]), header["result_stamp"])
        for header, _ in frames(page, 6, service="/detector", camera="camera", mode="live")
    ]
    assert all(stamp >= int(result) for stamp, result in stamps if result is not None)
    assert any(result is not None for _, result in stamps)


def test_classifications_come_best_first(page):
    ((header, _),) = frames(page, 1, service="/classifier", camera="closeup")
    confidences = [each["confidence"] for each in header["classifications"]]
    assert confidences == sorted(confidences, reverse=True)
    assert len(confidences) == 5


def test_points_come_to_who_wants_them(page):
    async def look():
        async with page.tab() as tab:
            await tab.watch("/objects", "camera", want=["image", "cloud"])
            return await tab.next("cloud")

    header, parts = asyncio.run(look())
    assert header["count"] > 1000
    assert len(parts["xyz"]) == 12 * header["count"]
    assert len(parts["rgb"]) == 3 * header["count"]
    assert header["objects"]


def test_nothing_is_made_while_nobody_looks(page, robot):
    frames(page, 1, service="/detector", camera="camera")
    eventually(lambda: not wanted(robot), "nobody wants results")
    eventually(lambda: page.ask("counts")[1] == {"tabs": 0, "encoded": 0}, "no tab")
    runs = robot.nodes["detector"].inference.runs
    never(lambda: robot.nodes["detector"].inference.runs > runs + 1, "the model looks at frames")


def test_two_tabs_share_one_encoding(page):
    async def look():
        async with page.tab() as one, page.tab() as other:
            await one.watch("/detector", "camera")
            await other.watch("/detector", "camera")
            numbers = await asyncio.gather(*([tab.next() for tab in (one, other)]))
            seen = [{header["seq"]} for header, _ in numbers]
            for _ in range(8):
                for place, (header, _) in enumerate(await asyncio.gather(one.next(), other.next())):
                    seen[place].add(header["seq"])
            return seen

    one, other = asyncio.run(look())
    assert len(one & other) >= 5


@pytest.mark.parametrize(("quick", "asked"), [(60.0, {False}), (0.0, {True})])
def test_only_tabs_that_are_quick_need_not_acknowledge_everything(page, monkeypatch, quick, asked):
    monkeypatch.setattr(wire, "QUICK", quick)
    monkeypatch.setattr(wire, "ASKING_PERIOD", 60.0)

    async def look():
        async with page.tab() as tab:
            await tab.watch("/detector", "camera")
            for _ in range(3):  # it has acknowledged nothing before
                await tab.next()
            return {(await tab.next())[0].get("ack", True) for _ in range(6)}

    assert asyncio.run(look()) == asked


def test_a_tab_that_takes_nothing_over_is_dropped_and_holds_up_nobody(page, monkeypatch):
    async def read(tab, got):
        while True:
            got.append(await tab.next())

    async def look():
        seen, got = [], []
        async with page.tab(acknowledges=False) as frozen, page.tab() as other:
            await frozen.watch("/detector", "camera")
            await other.watch("/detector", "camera")
            reading = asyncio.ensure_future(read(other, got))
            while len(got) <= wire.UNACKNOWLEDGED + 1:  # more than the frozen one is sent
                await asyncio.sleep(0.05)
            monkeypatch.setattr(wire, "PATIENCE", 2.0)
            with pytest.raises(ConnectionError):
                await read(frozen, seen)
            monkeypatch.undo()
            before = len(got)
            while len(got) < before + 3:
                await asyncio.sleep(0.05)
            reading.cancel()
        return len(seen)

    assert asyncio.run(look()) <= wire.UNACKNOWLEDGED


def test_a_tab_may_show_something_else(page, robot):
    async def look():
        async with page.tab() as tab:
            await tab.watch("/detector", "camera")
            await tab.next()
            await tab.watch("/classifier", "closeup")
            while (found := await tab.next())[0]["service"] != "/classifier":
                pass
            await asyncio.to_thread(eventually, lambda: not wanted(robot), "nobody wants the detector's results")
            return found

    assert asyncio.run(look())[0]["classifications"]


def test_what_is_not_there_yet_is_shown_when_it_comes(page, robot):
    overrides = {"model": "color_detector", "detect_color": "#DB2323", "hue_tolerance_pct": 0.08, "cameras": ["camera"]}

    async def look(came):
        async with page.tab() as tab:
            await tab.watch("/late", "camera")
            while not (said := await tab.next("watching"))["problem"]:
                pass
            assert "no node '/late'" in said["problem"]
            await asyncio.to_thread(came)
            return await tab.next()

    with ExitStack() as stack:

        def come():
            parameters = [Parameter(name, value=value) for name, value in overrides.items()]
            node = VisionNode("late", context=robot.context, parameter_overrides=parameters)
            spinner = Spinner(node, first=node.begin)
            stack.callback(node.destroy_node)
            stack.callback(node.finish)
            stack.callback(spinner.stop)

        header, _ = asyncio.run(look(come))
    assert header["service"] == "/late"


@pytest.mark.parametrize(
    ("service", "camera", "says"),
    [("/detectr", "camera", "detector"), ("/detector", "cam", "camera"), ("", "/nobody", "nobody publishes")],
)
def test_what_cannot_be_shown_says_why(page, service, camera, says):
    async def look():
        async with page.tab() as tab:
            await tab.watch(service, camera)
            while not (said := await tab.next("watching"))["problem"]:
                pass
            return said["problem"]

    assert says in asyncio.run(look())


@pytest.mark.parametrize("message", ["", "{", "[]", '{"type": "ack"}', '{"type": "record", "seconds": -1}', "null"])
def test_a_tab_may_say_anything(page, message):
    async def look():
        async with page.tab() as tab:
            await tab.watch("/detector", "camera")
            await tab.socket.send_str(message)
            return await tab.next()

    assert asyncio.run(look())


def test_a_node_that_stops_says_so_and_goes_on(page, robot):
    async def look():
        async with page.tab() as tab:
            await tab.watch("/detector", "camera")
            await tab.next()
            assert (await ask(page, "lifecycle", node="/detector", transition="deactivate"))["state"] == "inactive"
            while "inactive" not in ((await tab.next("watching"))["problem"] or ""):
                pass
            assert (await ask(page, "lifecycle", node="/detector", transition="activate"))["state"] == "active"
            return (await tab.next())[0]["stamp"]

    assert asyncio.run(look())


async def ask(page, name, **given):
    status, said = await asyncio.to_thread(page.ask, name, **given)
    assert status == 200, said
    return said


# What is asked.


def test_parameters_come_with_all_that_is_known_of_them(page):
    _, said = page.ask("parameters", node="/detector")
    found = {each["name"]: each for each in said["parameters"]}
    confidence = found["default_minimum_confidence"]
    assert (confidence["value"], confidence["type"], confidence["effect"]) == (0.5, "double", "live")
    assert (confidence["minimum"], confidence["maximum"]) == (0, 1)
    assert found["timeout"]["unit"] == "s"
    assert not found["timeout"]["description"].endswith("]")
    assert found["model_path"]["effect"] == "reload"
    assert found["camera.transport"]["choices"] == ["raw", "compressed"]
    assert found["allowed_paths"]["effect"] == "read_only"
    assert "use_sim_time" not in found


def test_parameters_are_set_and_refused_with_the_reason(page):
    assert page.ask("set", node="/detector", values={"max_rate": 5}) == (200, {"values": {"max_rate": 5.0}})
    status, said = page.ask("set", node="/detector", values={"default_minimum_confidence": 7})
    assert status == 400
    assert "1" in said["error"]
    assert page.ask("set", node="/detector", values={"max_rate": 0.0})[0] == 200


def test_commands_are_listed_and_run(page):
    _, said = page.ask("commands", node="/camera")
    assert "ground_truth" in said["commands"]
    assert page.ask("command", node="/camera", command={"command": "ground_truth"})[1]["answer"]["objects"]
    status, said = page.ask("command", node="/camera", command={"command": "fly"})
    assert status == 400
    assert "fly" in said["error"]


@pytest.mark.parametrize("node", ["/nobody", "", "../x", "/rosout"])
def test_only_nodes_of_this_package_are_asked(page, node):
    for name, more in (("status", {}), ("set", {"values": {}}), ("lifecycle", {"transition": "activate"})):
        assert page.ask(name, node=node, **more)[0] == 400


def test_a_transition_that_fails_says_why(page):
    assert page.ask("lifecycle", node="/camera", transition="shutdown")[0] == 400
    status, said = page.ask("lifecycle", node="/camera", transition="configure")
    assert status == 200
    assert "configure" in said["error"]
    assert said["state"] == "active"


def test_an_image_file_is_answered(page):
    pixels = Synthetic(SyntheticConfig(seed=3, objects=4), LocalResources()).read().image.rgb
    octets = {"Content-Type": "application/octet-stream"}
    status, _, body = page.request("api/ask?service=/detector&kind=image", encode(pixels, "image/png"), **octets)
    assert status == 200
    header, parts = wire.unpack(body)
    assert len(header["detections"]) >= 3
    assert decode(parts["image"]).shape == pixels.shape
    status, _, body = page.request("api/ask?service=/detector&kind=image", b"no image", **octets)
    assert status == 400
    assert "no image" in json.loads(body)["error"]
    assert page.request("api/ask?service=/camera&kind=image", encode(pixels, "image/png"), **octets)[0] == 400
    assert page.request("api/ask?service=/detector", b"", **JSON)[0] == 415


def test_a_point_cloud_file_is_answered(page):
    frame = Synthetic(SyntheticConfig(seed=3, objects=4), LocalResources()).read()
    octets = {"Content-Type": "application/octet-stream"}
    data = write_pcd(cloud_of(frame))
    status, _, body = page.request("api/ask?service=/objects&kind=cloud", data, **octets)
    if status == 200:
        assert wire.unpack(body)[0]["count"] > 1000
    else:  # it needs an image beside the points
        assert json.loads(body)["error"]
    assert page.request("api/ask?service=/objects&kind=cloud", b"no cloud", **octets)[0] == 400


def test_findings_say_what_to_do(page):
    status, said = page.ask("findings")
    assert status == 200
    assert all(each["where"] and each["what"] for each in said["findings"])


def test_what_is_recorded_is_saved(page):
    async def look():
        async with page.tab() as tab:
            await tab.watch("/detector", "camera")
            await tab.next()
            shown = {"service": "/detector", "camera": "camera", "mode": "result"}
            await tab.socket.send_json({"type": "record", "seconds": 10})
            for _ in range(4):
                await tab.next()
            kept = await ask(page, "recording", **shown)
            saved = await asyncio.to_thread(
                page.request, "api/save", json.dumps({**shown, "form": "coco"}).encode(), **JSON
            )
            await tab.socket.send_json({"type": "record", "seconds": 0})
            await tab.next()
            await tab.next()
            return kept, saved, await ask(page, "recording", **shown)

    kept, (status, headers, body), after = asyncio.run(look())
    assert kept["armed"]
    assert kept["images"] >= 2
    assert status == 200
    assert headers["X-File-Name"].endswith(".zip")
    assert body.startswith(b"PK")
    assert not after["armed"]
    assert page.ask("recording", service="/detector", camera="camera")[0] == 400
