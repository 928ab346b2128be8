"""The control page in a real browser: Chromium without a window, on a robot that runs.

Screenshots go into the folder that the environment variable SCREENSHOTS names: those of docs/control.md are made so.
"""

import base64
import json
import os
import re
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from chromium import NO_WEBGL, SOFTWARE_CANVAS, SOFTWARE_WEBGL, chromium
from robot import eventually
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.control import wire
from vision_service.image import decode, encode
from vision_service.resources import LocalResources
from vision_service.ros.process.spinning import Spinner

pytest.importorskip("aiohttp")

from vision_service.ros.control.node import ControlNode

PATIENCE = 30_000
"""Until a test gives up, milliseconds."""
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
DESKTOP = {"width": 1440, "height": 900} if SCREENSHOTS else {"width": 1200, "height": 720}  # fewer pixels cost less
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def launch():
    with chromium() as launch:
        yield launch


@pytest.fixture(scope="module")
def browser(launch):
    return launch(*SOFTWARE_WEBGL, *SOFTWARE_CANVAS)


@contextmanager
def opened(browser, url, *, size=DESKTOP, scheme="light", hash="#service=/detector&camera=camera", **options):
    """Open the page in a tab of its own; what it asks of others, and what goes wrong in it, fails the test."""
    context = browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True, **options)
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE)
    wrong = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on(
        "request",
        lambda request: None if request.url.startswith((url, "blob:", "data:")) else wrong.append(request.url),
    )
    tab.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        tab.goto(url + hash)
        yield tab
        assert wrong == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def shared(browser, page):
    """A tab that the tests use one after the other."""
    with opened(browser, page.url) as tab:
        drawn(tab)
        yield tab


@pytest.fixture
def tab(shared):
    """That tab, showing the detector's results."""
    yield shared
    shared.evaluate("document.querySelector('#back').click()")
    choose(shared, "/detector")
    if shared.get_attribute("#view-space", "aria-checked") == "true":
        shared.click("#view-image")


def until(tab, expression):
    """Wait until something is true in the page. (Playwright's own waiting needs what the page's policy forbids.)"""
    eventually(lambda: tab.evaluate(expression) or tab.wait_for_timeout(30), expression)


def drawn(tab, more=3):
    """Wait until some more images are drawn."""
    before = tab.evaluate("controlPage.counts.drawn")
    until(tab, f"controlPage.counts.drawn >= {before + more}")


def choose(tab, name):
    tab.click(f'.nodes button[data-name="{name}"]')
    until(tab, f"document.querySelector('#title').textContent === {json.dumps(name)}")


def colors_of(tab, selector, name):
    """Return red, green and blue of an element's colour."""
    color = tab.evaluate(
        "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]", [selector, name]
    )
    return [int(each) for each in re.findall(r"\d+", color)[:3]]


def image(tab, selector):
    """Return (H, W, 3) RGB pixels of an element, as they are seen."""
    return decode(tab.locator(selector).screenshot())[:, :, ::-1]


def keep(tab, name, **options):
    """Keep a screenshot for the documentation."""
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.jpg"), type="jpeg", quality=82, **options)


def rendered():
    """Return the pixels of a table with solids."""
    return Synthetic(SyntheticConfig(seed=7, objects=5), LocalResources()).read().image.rgb


def test_images_are_drawn_with_boxes_in_step_and_a_table(tab):
    drawn(tab, 5)
    header = tab.evaluate("controlPage.shown()")
    assert header["result_stamp"] == header["stamp"]
    tab.wait_for_selector("#results tbody tr")
    assert tab.locator("#results tbody tr").count() == len(header["detections"]) >= 3
    tab.keyboard.press("Space")  # holds the image, so that its pixels can be looked at
    held = tab.evaluate("controlPage.shown()")
    shown = image(tab, "#image")
    scale = shown.shape[1] / held["width"]
    first = held["detections"][0]
    x, y = round(first["x_min"] * scale), round((first["y_min"] + first["y_max"]) / 2 * scale)
    colors = shown[y - 2 : y + 3, max(0, x - 4) : x + 5].reshape(-1, 3).astype(int)
    palette = [(230, 159, 0), (86, 180, 233), (240, 228, 66), (204, 121, 167)]
    assert min(np.abs(color - np.array(each)).sum() for color in colors for each in palette) < 60
    drawn_before = tab.evaluate("controlPage.counts.drawn")
    tab.click("#pause")
    until(tab, f"controlPage.counts.drawn > {drawn_before}")
    keep(tab, "desktop")


def test_all_that_a_service_may_say_is_drawn_where_it_is(tab):
    """The page's own module draws on a canvas of 200 × 200 pixels, whose pixels are looked at."""
    header = {
        "width": 100, "height": 100, "stamp": "1", "result_stamp": "1", "frame_id": "lens", "objects_frame_id": "lens",
        "intrinsics": {"width": 100, "height": 100, "fx": 100, "fy": 100, "cx": 50, "cy": 50},
        "classes": {"width": 2, "height": 1, "names": ["background", "wall"]},
        "skeleton": [[0, 1]],
        "detections": [
            {"class_name": "a", "class_index": 0, "confidence": 1, "x_min": 5, "y_min": 5, "x_max": 25, "y_max": 25,
             "mask": {"x": 10, "y": 10, "width": 2, "height": 3, "counts": [3, 3]}},
            {"class_name": "b", "class_index": 1, "confidence": 1, "x_min": 30, "y_min": 10, "x_max": 50, "y_max": 30,
             "box": {"center_x": 40, "center_y": 20, "width": 10, "height": 10, "angle": 0.7853981634}},
            {"class_name": "c", "class_index": 2, "confidence": 1, "x_min": 0, "y_min": 60, "x_max": 40, "y_max": 95,
             "keypoints": [[10, 80, 1, "one"], [30, 80, None, "other"], [20, 65, 0.1, "unseen"], [None, 1, 1, "none"]]},
        ],
        "objects": [{"label": "box", "center": [0.2, 0.2, 1], "size": [0.2, 0.2, 0.2], "orientation": [0, 0, 0, 1]}],
    }  # fmt: skip
    places = {
        "mask": (23, 22), "no mask": (21, 22), "corner": (80, 26), "no corner": (61, 21), "bone": (40, 160),
        "unseen": (40, 130), "label": (170, 100), "background": (30, 100), "edge": (162, 140), "nothing": (2, 198),
    }  # fmt: skip
    found = tab.evaluate(
        """async ([header, places]) => {
            const { draw } = await import("/static/overlay.js");
            const canvas = document.createElement("canvas");
            canvas.width = canvas.height = 200;
            const context = canvas.getContext("2d");
            const options = { labels: false, masks: true, keypoints: true, trails: false };
            draw(context, header, { labels: new Uint8Array([0, 1]) }, 2, options);
            const alpha = ([x, y]) => context.getImageData(x, y, 1, 1).data[3];
            return Object.fromEntries(Object.entries(places).map(([name, place]) => [name, alpha(place)]));
        }""",
        [header, places],
    )
    assert {name for name, alpha in found.items() if alpha} == {"mask", "corner", "bone", "label", "edge"}


def test_zones_are_drawn_with_their_names_and_counts(tab):
    """Areas are tinted, lines have arrows, and labels say names and counts; as in annotated images."""
    header = {
        "width": 100, "height": 100, "stamp": "1", "result_stamp": "1", "frame_id": "lens", "intrinsics": None,
        "detections": [],
        "zones": [
            {"name": "shop", "points": [[10, 40], [45, 40], [45, 90], [10, 90]], "inside": 2},
            {"name": "gate", "points": [[70, 30], [70, 90]], "sides": ["in", "out"], "crossed_to": [3, 1]},
        ],
    }  # fmt: skip
    places = {"tint": (60, 150), "border": (20, 170), "line": (140, 75), "arrow": (145, 120), "nothing": (115, 40)}
    found = tab.evaluate(
        """async ([header, places]) => {
            const { draw } = await import("/static/overlay.js");
            const canvas = document.createElement("canvas");
            canvas.width = canvas.height = 200;
            const context = canvas.getContext("2d");
            const said = [];
            const fillText = context.fillText.bind(context);
            context.fillText = (text, ...rest) => { said.push(text); fillText(text, ...rest); };
            const alphas = (options) => {
                context.clearRect(0, 0, 200, 200);
                draw(context, header, {}, 2, options);
                const alpha = ([x, y]) => context.getImageData(x, y, 1, 1).data[3];
                return Object.fromEntries(Object.entries(places).map(([name, place]) => [name, alpha(place)]));
            };
            return { hidden: alphas({ zones: false }), shown: alphas({ zones: true }), said };
        }""",
        [header, places],
    )
    assert set(found["said"]) == {"shop: 2", "gate", "in: 3", "out: 1"}
    assert not any(found["hidden"].values())
    shown = found["shown"]
    assert 20 < shown["tint"] < 90
    assert min(shown[name] for name in ("border", "line", "arrow")) > 200
    assert shown["nothing"] == 0


def test_every_switch_does_something(tab):
    tab.click("#mode-live")
    assert tab.get_attribute("#mode-live", "aria-checked") == "true"
    drawn(tab)
    tab.click("#mode-result")
    drawn(tab)
    tab.click("#overlay-choice summary")
    for name in ("labels", "masks", "keypoints", "trails", "zones"):
        tab.uncheck(f"#show-{name}")
        tab.check(f"#show-{name}")
    tab.click("#overlay-choice summary")
    for name, pressed in (("light", "light"), ("dark", "dark"), ("auto", None)):
        tab.click("#theme")
        assert name in tab.text_content("#theme")
        assert tab.get_attribute("html", "data-theme") == pressed
        page_is_dark = sum(colors_of(tab, "body", "backgroundColor")) < 300
        assert page_is_dark == (name == "dark")
    tab.click("#tab-events")
    assert tab.is_visible("#events")
    tab.click("#tab-results")


def test_it_works_by_keyboard(tab):
    tab.focus("#tab-parameters")
    for chosen in ("model", "commands", "health", "parameters"):
        tab.keyboard.press("ArrowRight")
        assert tab.get_attribute(f"#tab-{chosen}", "aria-selected") == "true"
        assert tab.is_visible(f"#{chosen}")
    tab.evaluate("document.activeElement.blur()")
    tab.wait_for_selector("#parameter-search")
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "parameter-search"
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("l")
    assert tab.get_attribute("#mode-live", "aria-checked") == "true"
    tab.keyboard.press("l")


def test_what_is_shown_is_saved(tab):
    drawn(tab)
    with tab.expect_download() as saved:
        tab.click("#save-json")
    told = json.loads(Path(saved.value.path()).read_text())
    assert told["detections"]
    with tab.expect_download() as saved:
        tab.click("#save-image")
    assert saved.value.suggested_filename.endswith(".png")
    assert decode(Path(saved.value.path()).read_bytes()).std() > 10


def test_classifications_are_bars(tab):
    choose(tab, "/classifier")
    drawn(tab)
    tab.wait_for_selector(".bars [role=listitem]")
    assert tab.locator(".bars [role=listitem]").count() == 5
    keep(tab, "classifications")


def test_a_camera_is_shown_alone(tab):
    choose(tab, "/closeup")
    drawn(tab)
    assert "choose a vision service" in tab.text_content("#results")
    assert tab.is_disabled("#mode-live")


def test_points_and_boxes_are_shown_in_space(tab):
    choose(tab, "/objects")
    drawn(tab, 1)
    tab.click("#view-space")
    until(tab, "controlPage.space() && controlPage.space().points > 1000 && controlPage.space().boxes > 0")
    tab.wait_for_selector("#results tbody tr")
    seen = image(tab, "#space-canvas")
    assert seen.std() > 15  # solids on a table
    colors = cv2.cvtColor(np.ascontiguousarray(seen), cv2.COLOR_RGB2HSV)
    assert (colors[:, :, 1] > 120).mean() > 0.01  # which are vividly coloured
    keep(tab, "space")
    assert tab.is_hidden("#space-hint")
    tab.click("#space-free")
    with_grid = image(tab, "#space-canvas").astype(int)
    tab.click("#space-ground")
    assert tab.evaluate("controlPage.space().grid") is False
    until(tab, "!document.querySelector('#space-ground').matches('[aria-pressed=true]')")
    assert np.abs(image(tab, "#space-canvas").astype(int) - with_grid).max() > 30
    tab.click("#space-ground")
    tab.click("#space-reset")
    tab.click("#view-image")
    drawn(tab, 1)


def test_without_boxes_the_view_in_space_says_why(tab):
    tab.click("#view-space")
    tab.wait_for_selector("#space-hint")
    assert "/detector does not find objects in space; choose /objects" in tab.text_content("#space-hint")
    choose(tab, "/objects")
    until(tab, "controlPage.space().boxes > 0")
    tab.wait_for_selector("#space-hint", state="hidden")
    reasons = tab.evaluate(
        """async () => {
            const { whyNoBoxes } = await import("/static/space.js");
            const said = { service: "/objects", frame_id: "lens" };
            return [
                whyNoBoxes({ ...said, objects: [] }, []),
                whyNoBoxes({ ...said, objects: [{}], objects_frame_id: "map" }, []),
                whyNoBoxes({ ...said, service: "" }, []),
                whyNoBoxes({ ...said, objects: [{}], objects_frame_id: "lens" }, []),
            ];
        }"""
    )
    assert "finds no object" in reasons[0]
    assert "map" in reasons[1]
    assert "choose a service" in reasons[2]
    assert reasons[3] == ""


def test_without_webgl_the_rest_works(launch, page):
    with opened(launch(*SOFTWARE_CANVAS, *NO_WEBGL), page.url) as tab:
        drawn(tab)
        tab.click("#view-space")
        tab.wait_for_selector("#space .notice")
        assert "no WebGL2" in tab.text_content("#space")
        tab.click("#view-image")
        drawn(tab)


def test_parameters_are_set_and_refused_beside_their_field(tab):
    tab.click("#tab-parameters")
    tab.fill("#parameter-search", "default_minimum")
    row = tab.locator('.parameter[data-name="default_minimum_confidence"]')
    assert tab.locator(".parameter[data-name]:visible").count() == 1
    assert "live" in row.text_content()
    field = row.locator("input[type=number]")
    field.fill("0.4")
    field.press("Enter")
    row.get_by_text("set", exact=True).wait_for()
    field.fill("7")
    field.press("Enter")
    refused = row.get_by_role("alert")
    refused.wait_for()
    assert "1" in refused.text_content()
    keep(tab, "refused")
    field.fill("0.5")
    field.press("Enter")
    row.get_by_text("set", exact=True).wait_for()
    assert refused.is_hidden()
    tab.fill("#parameter-search", "")
    row = tab.locator('.parameter[data-name="keep_subscribed"]')
    row.locator("input").check()
    row.get_by_text("set", exact=True).wait_for()
    row.locator("input").uncheck()
    tab.fill("#other-name", "label_confidences.cube")
    tab.fill("#other-value", "0.3")
    tab.click("#other-set")
    entry = '.parameter[data-name="label_confidences.cube"]'
    tab.wait_for_selector(entry)
    tab.click(f"{entry} .remove")
    tab.wait_for_selector(entry, state="detached")
    tab.click("#parameters .search button")
    tab.wait_for_selector('.parameter[data-name="max_rate"]')
    assert tab.locator(entry).count() == 0


def test_parameters_stand_in_the_order_in_which_people_need_them(tab):
    tab.click("#tab-parameters")
    tab.wait_for_selector(".parameter[data-name]")
    names = tab.evaluate("[...document.querySelectorAll('#parameters > .parameter')].map((each) => each.dataset.name)")
    assert names[:3] == ["model", "model_path", "label_path"]
    assert names.index("default_minimum_confidence") < 6
    assert "cameras" in names
    rare = tab.locator('.more .parameter[data-name="max_pending_bytes"]')
    assert not rare.is_visible()
    tab.click("#more")
    assert rare.is_visible()
    tab.click("#more")
    tab.fill("#parameter-search", "max_pending_b")
    assert rare.is_visible()
    assert tab.locator(".parameter[data-name]:visible").count() == 1
    tab.fill("#parameter-search", "")
    assert not rare.is_visible()


def test_the_models_contract_stands_with_its_sources(tab):
    tab.click("#tab-model")
    tab.wait_for_selector("#contract tbody tr")
    assert "metadata" in tab.text_content("#contract")
    assert "cube" in tab.text_content("#model")


def test_commands_are_a_form(tab):
    choose(tab, "/camera")
    tab.click("#tab-commands")
    tab.check('input[name="command"][value="ground_truth"]')
    tab.click("#command-run")
    tab.wait_for_selector("#command-answer")
    assert "objects" in tab.text_content("#command-answer")
    tab.fill("#command-arguments", "{")
    tab.click("#command-run")
    tab.get_by_text("The arguments are no JSON").wait_for()
    tab.click("#tab-parameters")


def test_a_node_is_stopped_and_started_and_says_how_it_is(tab):
    tab.click("#tab-health")
    tab.wait_for_selector("#state.good")
    until(tab, "document.querySelector('#latency-facts').textContent.includes('p99')")
    accent = np.array(colors_of(tab, "#latency", "color"))
    chart = image(tab, "#latency").astype(int)
    sunk = np.array(colors_of(tab, "#latency", "backgroundColor"))
    bars = (0.55 * accent + 0.45 * sunk).round()  # drawn with that much of the accent
    assert (np.abs(chart - bars).sum(axis=-1) < 30).any()
    tab.click("#findings-run")
    tab.wait_for_selector("#findings li")
    if SCREENSHOTS:
        drawn(tab, 40)  # a graph of some results
    keep(tab, "health")
    tab.click("#lifecycle-deactivate")
    until(tab, "document.querySelector('#state').textContent === 'inactive'")
    until(tab, "document.querySelector('#problem').textContent.includes('inactive')")
    assert tab.is_enabled("#lifecycle-cleanup")
    tab.click("#lifecycle-cleanup")
    until(tab, "document.querySelector('#state').textContent === 'unconfigured'")
    tab.click("#lifecycle-configure")
    until(tab, "document.querySelector('#state').textContent === 'inactive'")
    tab.click("#lifecycle-activate")
    drawn(tab)
    tab.wait_for_selector("#problem", state="hidden")
    tab.click("#tab-parameters")


def test_a_dropped_image_is_answered(tab):
    data = base64.b64encode(encode(rendered(), "image/jpeg")).decode()
    transfer = tab.evaluate_handle(
        """data => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(atob(data), (each) => each.charCodeAt())], "table.jpg"));
            return transfer;
        }""",
        data,
    )
    tab.dispatch_event("body", "dragenter", {"dataTransfer": transfer})
    assert tab.is_visible("#drop-hint")
    tab.dispatch_event("body", "drop", {"dataTransfer": transfer})
    tab.get_by_text("table.jpg: /detector found").wait_for()
    header = tab.evaluate("controlPage.shown()")
    assert len(header["detections"]) >= 3
    assert tab.is_hidden("#drop-hint")
    keep(tab, "dropped")
    tab.click("#back")
    drawn(tab)


def test_a_file_that_is_no_image_says_why(tab):
    tab.set_input_files("#file", {"name": "notes.png", "mimeType": "image/png", "buffer": b"no image"})
    until(tab, "document.querySelector('#problem').textContent.includes('notes.png')")
    assert "no image" in tab.text_content("#problem")
    drawn(tab)


def test_what_was_seen_is_recorded_and_saved(tab):
    tab.click("#record")
    until(tab, "document.querySelector('#record-facts').textContent.includes(' images')")
    drawn(tab, 6)
    with tab.expect_download() as saved:
        tab.click("#save-coco")
    assert saved.value.suggested_filename.endswith(".zip")
    tab.click("#record")
    assert tab.text_content("#record") == "Record"


def test_tracks_come_as_events(tab, page):
    tab.click("#tab-events")
    for transition in ("configure", "activate"):
        assert page.ask("lifecycle", node="/follower", transition=transition)[0] == 200
    until(tab, "document.querySelector('.nodes button[data-name=\"/follower\"] .dot').dataset.state === 'active'")
    choose(tab, "/follower")
    drawn(tab)
    assert page.ask("command", node="/follower", command={"command": "reset"})[0] == 200
    tab.wait_for_selector("#events tbody tr")
    assert "came" in tab.text_content("#events")
    until(tab, "controlPage.shown().detections.some((each) => each.id)")
    until(tab, "controlPage.shown().zones.some((each) => each.inside > 0)")
    assert tab.evaluate("controlPage.shown().zones.map((each) => each.name)") == ["table", "gate"]
    until(tab, "document.querySelector('#events').textContent.includes('enters table')")
    keep(tab, "zones")
    for transition in ("deactivate", "cleanup"):
        page.ask("lifecycle", node="/follower", transition=transition)
    tab.click("#tab-results")


def test_two_tabs_share_what_is_encoded(browser, tab, page):
    with opened(browser, page.url) as other:
        drawn(other)
        before = page.ask("counts")[1]["encoded"]
        counts = [each.evaluate("controlPage.counts.drawn") for each in (tab, other)]
        drawn(other, 10)
        shown = sum(each.evaluate("controlPage.counts.drawn") for each in (tab, other)) - sum(counts)
        encoded = page.ask("counts")[1]["encoded"] - before
        assert page.ask("counts")[1]["tabs"] == 2
    assert shown > 1.5 * encoded - 4


def test_a_tab_too_many_says_so_and_connects_when_another_is_closed(browser, page, tab, monkeypatch):
    with opened(browser, page.url) as other:
        drawn(other)
        monkeypatch.setattr("vision_service.control.sockets.MOST_TABS", 2)
        with opened(browser, page.url) as third:
            until(third, "document.querySelector('#problem').textContent.includes('close one')")
            other.goto("about:blank")
            drawn(third)
            third.wait_for_selector("#problem", state="hidden")


def test_a_tab_that_hangs_is_dropped_and_comes_back(browser, page, tab, monkeypatch):
    with opened(browser, page.url) as other:
        drawn(other)
        monkeypatch.setattr(wire, "PATIENCE", 1.0)
        other.evaluate("() => { const ends = Date.now() + 3000; while (Date.now() < ends); }")
        until(other, "controlPage.counts.stream.connections >= 2")
        monkeypatch.undo()
        drawn(other)
    drawn(tab)


def test_the_page_connects_again_when_the_server_has_gone_and_come(browser, robot):
    def serve(port):
        node = ControlNode("127.0.0.1", port, name=f"page_of_browser_{port}", context=robot.context)
        return node, Spinner(node)

    def end(node, spinner):
        spinner.stop()
        node.destroy_node()

    served = serve(0)
    port = served[0].server.port
    try:
        with opened(browser, f"http://127.0.0.1:{port}/") as tab:
            drawn(tab)  # by topics: this page's node knows nothing of the others
            end(*served)
            tab.wait_for_selector("#connection[data-state=bad]")
            assert "old one" in tab.text_content("#problem")
            served = serve(port)
            tab.wait_for_selector("#connection[data-state=open]")
            drawn(tab)
            tab.wait_for_selector("#problem", state="hidden")
    finally:
        end(*served)


@pytest.mark.parametrize(("name", "size", "scheme"), [("phone", PHONE, "light"), ("dark", DESKTOP, "dark")])
def test_it_fits_phones_and_the_dark(browser, page, name, size, scheme):
    with opened(browser, page.url, size=size, scheme=scheme, device_scale_factor=2 if size is PHONE else 1) as tab:
        drawn(tab)
        tab.wait_for_selector("#results tbody tr")
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        margins = (
            "[(each) => each.left, (each) => innerWidth - each.right].map((of) => of(card.getBoundingClientRect()))"
        )
        left, right = tab.evaluate(f"(() => {{ const card = document.querySelector('.viewer'); return {margins}; }})()")
        assert size is not PHONE or abs(left - right) < 1
        brightness = decode(tab.screenshot())[:60].mean()
        assert (brightness < 90) == (scheme == "dark")
        keep(tab, name)


def test_a_tab_that_is_closed_costs_nothing(browser, page, robot):
    eventually(lambda: page.ask("counts")[1]["tabs"] <= 1, "only the tab of the other tests")


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        ([], None),
        ([0], None),
        ([0, 5, 100, 200], None),  # the newest image and the next one come at once
        ([0, 5, 500, 1000], 3.0),
        ([*range(0, 10_000, 100)], 10.0),
        ([0, 4000, 8000], 0.25),
        ([*range(0, 2000, 100), 6000], 0.2),  # it has become slow
    ],
)
def test_a_rate_is_told_when_it_is_known(tab, times, rate):
    told = tab.evaluate(
        """async (times) => {
            const { Rate } = await import("/static/rate.js");
            const rate = new Rate();
            for (const time of times) rate.came(time);
            return rate.perSecond;
        }""",
        times,
    )
    assert told == (None if rate is None else pytest.approx(rate, rel=0.3))
