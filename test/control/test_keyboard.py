"""The control page by keyboard alone, in a real browser: nothing here is clicked."""

import io
import zipfile
from pathlib import Path

import pytest

from chromium import SOFTWARE_CANVAS, SOFTWARE_WEBGL, chromium
from robot import eventually

pytest.importorskip("aiohttp")

WIDE = {"width": 1200, "height": 720}
STATE = """() => {
    const focused = document.activeElement;
    const style = getComputedStyle(focused);
    const place = focused.getBoundingClientRect();
    const seen = place.width > 0 && place.height > 0 && place.bottom > 0 && place.top < innerHeight && place.left > -1;
    return {
        name: focused.id || focused.dataset.name || focused.textContent.trim().slice(0, 30),
        ringed: focused.matches(":focus-visible") && style.outlineStyle !== "none" && style.outlineWidth !== "0px",
        seen,
        body: focused === document.body,
    };
}"""


@pytest.fixture(scope="module")
def tab(page):
    """The page in a browser, used by the tests one after the other."""
    with chromium() as launch:
        context = launch(*SOFTWARE_WEBGL, *SOFTWARE_CANVAS).new_context(viewport=WIDE, accept_downloads=True)
        tab = context.new_page()
        tab.set_default_timeout(30_000)
        tab.goto(f"{page.url}#service=/detector&camera=camera")
        until(tab, "window.controlPage && controlPage.counts.drawn > 2")
        tab.wait_for_selector(".parameter[data-name]")
        yield tab
        context.close()


def until(tab, expression):
    eventually(lambda: tab.evaluate(expression) or tab.wait_for_timeout(30), expression)


def press(tab, *keys):
    for key in keys:
        tab.keyboard.press(key)


def focused(tab):
    return tab.evaluate(STATE)["name"]


def to(tab, name, key="Tab", most=70):
    """Press Tab until something has the focus."""
    for _ in range(most):
        if focused(tab) == name:
            return
        press(tab, key)
    raise AssertionError(f"{name} is not reached by {key}")


def start(tab):
    """Put the focus where it is when a page has just been opened."""
    tab.evaluate("() => { document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0); }")
    tab.evaluate("() => { const first = document.querySelector('.skip'); first.focus(); }")


def test_tab_goes_through_everything_in_the_order_of_reading_and_the_focus_is_seen(tab):
    start(tab)
    names = []
    for _ in range(60):
        state = tab.evaluate(STATE)
        if state["body"]:
            break
        names.append(state["name"])
        assert state["ringed"], f"no ring is seen around {state['name']}"
        assert state["seen"], f"{state['name']} has the focus and is not seen"
        press(tab, "Tab")
    order = [
        "Skip to the image", "theme", "/classifier", "/detector", "/follower", "/objects", "/camera", "/closeup",
        "camera", "view-image", "mode-result", "pause", "Overlay", "try-file", "save-image", "save-json", "record",
        "tab-results", "node", "tab-parameters", "parameter-search",
    ]  # fmt: skip
    assert [name for name in names if name in order] == order
    assert "view-space" not in names, "a group of radio buttons is one stop"
    to(tab, "save-json", key="Shift+Tab")  # and back


def test_the_skip_link_leads_to_the_image(tab):
    start(tab)
    press(tab, "Enter")
    assert focused(tab) == "main"
    press(tab, "Tab")
    assert focused(tab) == "camera"


def test_services_and_views_are_chosen(tab):
    start(tab)
    to(tab, "/objects")
    press(tab, "Enter")
    until(tab, "controlPage.chosen.service === '/objects'")
    to(tab, "view-image")
    press(tab, "ArrowRight")
    assert focused(tab) == "view-space"
    until(tab, "controlPage.space() && controlPage.space().boxes > 0")
    to(tab, "space-canvas")
    before = tab.evaluate("controlPage.space().frames")
    press(tab, "ArrowLeft", "ArrowUp", "Shift+ArrowLeft", "+", "f", "Home")
    until(tab, f"controlPage.space().frames > {before}")
    to(tab, "space-ground")
    press(tab, "Space")
    assert tab.evaluate("controlPage.space().grid") is False
    press(tab, "Enter")
    to(tab, "view-space", key="Shift+Tab")
    press(tab, "ArrowLeft")
    assert focused(tab) == "view-image"
    to(tab, "mode-result")
    press(tab, "ArrowDown")
    until(tab, "controlPage.chosen.live")
    press(tab, "ArrowUp")
    until(tab, "!controlPage.chosen.live")
    start(tab)
    to(tab, "/detector")
    press(tab, "Space")
    until(tab, "controlPage.chosen.service === '/detector' && controlPage.shown()")


def test_escape_closes_a_menu_and_the_focus_returns(tab):
    start(tab)
    to(tab, "Overlay")
    press(tab, "Enter", "Tab")
    assert focused(tab) == "show-labels"
    press(tab, "Space")
    assert not tab.is_checked("#show-labels")
    press(tab, "Space", "Escape")
    assert tab.get_attribute("#overlay-choice", "open") is None
    assert focused(tab) == "Overlay"


def test_a_parameter_is_changed_refused_and_taken_back(tab):
    tab.evaluate("document.activeElement.blur()")
    press(tab, "/")
    assert focused(tab) == "parameter-search"
    tab.keyboard.type("default_minimum")
    field = "parameter-default_minimum_confidence"
    to(tab, field)
    before = tab.input_value(f"[id='{field}']")
    press(tab, "Control+a")
    tab.keyboard.type("7")
    press(tab, "Enter")
    row = tab.locator('.parameter[data-name="default_minimum_confidence"]')
    row.get_by_role("alert").wait_for()
    press(tab, "Escape")
    assert row.get_by_role("alert").is_hidden()
    assert tab.input_value(f"[id='{field}']") == before
    press(tab, "Shift+Tab", "ArrowRight")  # the slider beside it
    row.get_by_text("set", exact=True).wait_for()
    to(tab, "parameter-search", key="Shift+Tab")
    press(tab, "Escape")
    assert tab.input_value("#parameter-search") == ""


def test_tabs_commands_and_the_lifecycle(tab, page):
    start(tab)
    to(tab, "/camera")
    press(tab, "Enter")
    to(tab, "tab-parameters")
    press(tab, "ArrowRight", "ArrowRight")
    assert focused(tab) == "tab-commands"
    tab.wait_for_selector("input[name=command]")
    press(tab, "Tab")
    wanted = "document.activeElement.value === 'ground_truth'"
    for _ in range(10):
        if tab.evaluate(wanted):
            break
        press(tab, "ArrowDown")
    assert tab.evaluate(wanted)
    to(tab, "command-run")
    press(tab, "Enter")
    tab.wait_for_selector("#command-answer")
    to(tab, "tab-commands", key="Shift+Tab")
    press(tab, "ArrowRight")
    tab.wait_for_selector("#state.good")
    to(tab, "lifecycle-deactivate")
    press(tab, "Enter")
    until(tab, "document.querySelector('#state').textContent === 'inactive'")
    to(tab, "lifecycle-activate")
    press(tab, "Space")
    until(tab, "document.querySelector('#state').textContent === 'active'")
    start(tab)
    to(tab, "/detector")
    press(tab, "Enter")
    until(tab, "controlPage.chosen.service === '/detector' && controlPage.shown()")


@pytest.mark.parametrize("form", ["coco", "bag"])
def test_what_is_recorded_is_read_by_others(tab, tmp_path, form):
    tab.evaluate("document.activeElement.blur()")
    press(tab, "r")
    until(tab, "document.querySelector('#record-facts').textContent.includes(' images')")
    drawn = tab.evaluate("controlPage.counts.drawn")
    until(tab, f"controlPage.counts.drawn > {drawn + 4}")
    to(tab, f"save-{form}")
    with tab.expect_download() as saved:
        press(tab, "Enter")
    press(tab, "r")
    zipfile.ZipFile(io.BytesIO(Path(saved.value.path()).read_bytes())).extractall(tmp_path)
    (read_coco if form == "coco" else read_bag)(tmp_path)


def read_coco(folder):
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    (file,) = folder.rglob("annotations.json")
    read = coco.COCO(str(file))
    assert {each["name"] for each in read.loadCats(read.getCatIds())} >= {"cube", "ball"}
    assert len(read.getImgIds()) >= 3
    for image in read.loadImgs(read.getImgIds()):
        assert list(folder.rglob(Path(image["file_name"]).name))
    found = read.loadAnns(read.getAnnIds())
    assert found
    assert all(each["area"] > 0 and len(each["bbox"]) == 4 for each in found)


def read_bag(folder):
    reader = pytest.importorskip("mcap.reader", reason="mcap is not installed")
    (file,) = folder.rglob("*.mcap")
    with file.open("rb") as stream:
        topics = {channel.topic: schema.name for schema, channel, _ in reader.make_reader(stream).iter_messages()}
    assert "sensor_msgs/msg/CompressedImage" in topics.values()
    assert "vision_msgs/msg/Detection2DArray" in topics.values()
    highlevel = pytest.importorskip("rosbags.highlevel", reason="rosbags is not installed")
    with highlevel.AnyReader([file.parent]) as read:
        connections = [each for each in read.connections if each.msgtype == "vision_msgs/msg/Detection2DArray"]
        messages = [read.deserialize(data, each.msgtype) for each, _, data in read.messages(connections)]
    assert messages
    assert messages[0].detections[0].results[0].hypothesis.class_id
