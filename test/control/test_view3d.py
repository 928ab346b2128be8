"""The control page's 3D view, by itself, in a real browser: what is drawn where, and what mouse, touch and keys do."""

import functools
import http.server
import threading

import numpy as np
import pytest

from chromium import NO_WEBGL, SOFTWARE_WEBGL, chromium, screenshot
from robot import ROOT

PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>html, body { margin: 0; height: 100%; } #place { position: relative; width: 100%; height: 100%; }
canvas { width: 100%; height: 100%; display: block; } #labels { position: absolute; inset: 0; }</style>
<div id="place"><canvas id="canvas"></canvas><div id="labels"></div></div>
<script type="module">
  import { View3D } from "/static/view3d.js";
  const [canvas, labelLayer] = ["canvas", "labels"].map((id) => document.getElementById(id));
  Object.assign(window, { View3D, canvas, labelLayer });
</script>"""
LENS = {"width": 400, "height": 300, "fx": 300, "fy": 300, "cx": 199.5, "cy": 149.5}
DARK, LIGHT = (18, 22, 28), (246, 248, 250)
RED, BLUE = (220, 40, 40), (40, 60, 220)


def square(x, y, z, half=0.2, count=30):
    """Return points of a square that faces the camera."""
    across, down = np.meshgrid(np.linspace(x - half, x + half, count), np.linspace(y - half, y + half, count))
    return np.stack([across, down, np.full_like(across, z)], axis=-1).reshape(-1, 3).astype(np.float32)


POINTS = np.concatenate([square(-0.4, 0.0, 2.0), square(0.4, 0.0, 2.0)])
COLORS = np.repeat(np.array([RED, BLUE], np.uint8), 900, axis=0)
"""A red square to the left, a blue one to the right."""


@pytest.fixture(scope="module")
def server():
    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/":
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            return self.wfile.write(PAGE.encode())

        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=str(ROOT / "vision_service/control"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def launch():
    with chromium() as launch:
        yield launch


@pytest.fixture(scope="module")
def browser(launch):
    return launch(*SOFTWARE_WEBGL)


class View:
    """A page with nothing but a view."""

    def __init__(self, page):
        self.page = page

    def do(self, script, *values):
        """Run JavaScript, which knows `view` and the values as `given`, and wait until all is drawn."""
        result = self.page.evaluate(f"given => {{ {script} }}", list(values))
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return result

    def show(self, xyz=POINTS, rgb=COLORS, boxes=()):
        self.do(
            "view.setIntrinsics(given[2]); view.setBoxes(given[3]);"
            "view.setPoints(Float32Array.from(given[0]), given[1] && Uint8Array.from(given[1]));",
            xyz.ravel().tolist(),
            None if rgb is None else rgb.ravel().tolist(),
            LENS,
            list(boxes),
        )

    def pixels(self):
        return screenshot(self.page)

    def stats(self):
        return self.page.evaluate("view.stats")

    def labels(self):
        """Return the labels' texts, and where their middle and lower edge is, pixels."""
        return self.page.evaluate(
            """[...document.querySelectorAll("#labels > .view3d-label")].map(element => {
                 const box = element.getBoundingClientRect();
                 return [element.textContent, box.left + box.width / 2, box.bottom]; })"""
        )


@pytest.fixture(scope="module")
def opened(browser, server):
    """A page, and what went wrong in it."""
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(server)
    page.wait_for_function("window.View3D !== undefined")
    return page, errors


@pytest.fixture
def view(opened):
    page, errors = opened
    page.set_viewport_size({"width": 400, "height": 300})
    page.evaluate(
        """() => { window.view?.dispose(); canvas.replaceWith(window.canvas = canvas.cloneNode());
                   window.view = new View3D(canvas, { labelLayer, theme: "dark" }); }"""
    )
    yield View(page)
    assert errors == []


def like(pixel, color, by=45):
    """Whether a pixel has about a colour: the shading of edges darkens it."""
    return np.abs(pixel.astype(int) - color).max() <= by


def box(x, y, z, size=0.4, **values):
    return {"center": [x, y, z], "size": [size] * 3, "label": "", "color": "#00ff00", **values}


def test_points_are_where_the_camera_s_image_has_them(view):
    view.show()
    pixels = view.pixels()
    assert like(pixels[150, 200 - 60], RED)
    assert like(pixels[150, 200 + 60], BLUE)
    assert like(pixels[150, 200], DARK, 30), "between them is nothing"
    assert like(pixels[60, 140], DARK, 30), "nor above"
    assert view.stats()["points"] == 1800
    assert view.page.evaluate("view.mode") == "camera"


def test_the_image_is_fitted_into_a_view_of_another_form(view):
    view.page.set_viewport_size({"width": 400, "height": 600})
    view.show()
    view.page.set_viewport_size({"width": 800, "height": 300})
    view.do("")
    assert view.page.evaluate("[canvas.width, canvas.height]") == [800, 300], "a view of another size is drawn anew"
    pixels = view.pixels()
    assert like(pixels[150, 400 - 60], RED)
    assert like(pixels[150, 400 + 60], BLUE)


def test_what_is_nearer_hides_what_is_behind(view):
    view.show(np.concatenate([square(0, 0, 3.0, 0.8), square(0, 0, 1.5, 0.2)]), COLORS)
    pixels = view.pixels()
    assert like(pixels[150, 200], BLUE)
    assert like(pixels[150, 260], RED)


def test_without_colours_the_distance_is_one(view):
    view.show(np.concatenate([square(-0.4, 0, 2.0), square(0.6, 0, 3.0, 0.3)]), None)
    pixels = view.pixels().astype(int)
    near, far = pixels[150, 140], pixels[150, 260]
    assert near.sum() > far.sum() + 150, "near ones are lighter"
    np.testing.assert_allclose(view.stats()["depthRange"], [2.0, 3.0], atol=1e-6)
    view.show()
    assert view.stats()["depthRange"] is None


def test_what_is_not_finite_is_left_out(view):
    xyz = POINTS.copy()
    xyz[::2, 1] = np.nan
    xyz[1, 2] = np.inf
    view.show(xyz, COLORS, [box(0, 0, 2), box(float("1e3"), 0, 2, size=-0.0)])
    assert view.stats()["points"] == 899
    view.do("view.setBoxes([{ center: [0, NaN, 1], size: [1, 1, 1] }, { center: [0, 0], size: [1, 1, 1] }])")
    assert view.stats()["boxes"] == 0
    view.do("view.setPoints(new Float32Array(0), null); view.setPoints(new Float32Array([NaN, 1, 2]))")
    assert view.stats()["points"] == 0


def test_a_box_is_drawn_by_its_edges_turned_as_it_is(view):
    view.show(boxes=[box(0, 0, 2.2)])
    pixels = view.pixels()
    at = round(150 - 0.2 / 2.0 * 300), 200  # the middle of the front's upper edge
    assert np.abs(pixels[at[0] - 3 : at[0] + 4, 200].astype(int) - (0, 255, 0)).max(axis=1).min() < 60
    assert like(pixels[150, 200], DARK, 30), "a box has no faces"
    view.do(
        "view.setBoxes([{ ...given[0], quaternion: [0, 0, Math.sin(Math.PI / 8), Math.cos(Math.PI / 8)] }])",
        box(0, 0, 2.2),
    )
    corner = round(150 - 0.2 * np.sqrt(2) / 2.0 * 300)
    pixels = view.pixels()
    assert np.abs(pixels[corner - 3 : corner + 5, 200].astype(int) - (0, 255, 0)).max(axis=1).min() < 60
    assert like(pixels[at[0], 200], DARK, 30)


def test_labels_stand_over_their_boxes_and_not_on_each_other(view):
    view.show(boxes=[box(-0.4, 0, 2, label="left <b>1"), box(0.4, 0, 2, label="right"), box(0, 0, -2, label="behind")])
    (one, left, left_bottom), (other, right, _) = view.labels()
    assert (one, other) == ("left <b>1", "right"), "as text, and none of what is behind"
    assert (left, right) == (pytest.approx(140, abs=12), pytest.approx(260, abs=12))
    assert 90 < left_bottom < 120
    view.show(boxes=[box(0, 0, 2 + 0.01 * number, label=f"number {number}") for number in range(4)])
    bottoms = sorted(bottom for _, _, bottom in view.labels())
    assert np.diff(bottoms).min() >= 14
    view.do("view.setBoxes([])")
    assert view.labels() == []


def test_the_mouse_turns_moves_and_zooms(view):
    view.show()
    mouse = view.page.mouse
    mouse.move(200, 150)
    mouse.down()
    mouse.move(360, 150, steps=3)
    mouse.up()
    view.do("")
    assert view.page.evaluate("view.mode") == "free"
    turned = view.pixels()
    assert not like(turned[150, 140], RED) or not like(turned[150, 260], BLUE)
    view.do("view.resetToCamera()")
    assert like(view.pixels()[150, 140], RED)
    mouse.move(200, 150)
    mouse.wheel(0, -300)
    view.do("")
    assert like(view.pixels()[150, 80], RED), "what is nearer is larger"
    view.do("view.resetToCamera()")
    mouse.move(200, 150)
    mouse.down(button="right")
    mouse.move(200, 240, steps=3)
    mouse.up(button="right")
    view.do("")
    assert like(view.pixels()[240, 140], RED), "it moves with the mouse"
    assert like(view.pixels()[130, 140], DARK, 30)


def test_keys_do_what_the_mouse_does(view):
    view.show()
    assert view.page.evaluate("canvas.tabIndex") == 0
    assert "Arrow keys" in view.page.evaluate("canvas.getAttribute('aria-label')")
    view.page.focus("#canvas")
    places = [view.page.evaluate("view.mode")]
    for keys in (["ArrowLeft", "Home"], ["Shift+ArrowUp", "0"], ["+", "Home"], ["-", "Home"], ["f", "Home"]):
        for key in keys:
            view.page.keyboard.press(key)
            places.append(view.page.evaluate("view.mode"))
    assert places == ["camera", *["free", "camera"] * 5]
    view.do("")
    assert like(view.pixels()[150, 140], RED)


def test_one_finger_turns_and_two_zoom_and_move(browser, server):
    page = browser.new_page(viewport={"width": 400, "height": 300}, has_touch=True)
    page.goto(server)
    page.wait_for_function("window.View3D !== undefined")
    page.evaluate("window.view = new View3D(canvas, { labelLayer, theme: 'dark' })")
    view = View(page)
    view.show()
    session = page.context.new_cdp_session(page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (180, 150))
    touch("touchStart", (180, 150), (220, 150))
    touch("touchMove", (160, 150), (240, 150))
    touch("touchEnd")
    view.do("")
    assert page.evaluate("view.mode") == "free"
    assert like(view.pixels()[150, 200 - 120], RED), "fingers that part bring it nearer, and twice as large"
    assert like(view.pixels()[150, 200 + 120], BLUE)
    view.do("view.resetToCamera()")
    touch("touchStart", (200, 150))
    touch("touchMove", (200, 190))
    touch("touchEnd")
    assert page.evaluate("view.mode") == "free"
    page.close()


def test_the_free_view_shows_all_points_from_aside_with_the_camera_and_a_grid(view):
    view.show(boxes=[box(0.4, 0, 2, label="cube")])
    view.do("view.setGround({ normal: [0, -1, 0], distance: -0.3 }); view.freeView()")
    pixels = view.pixels()
    reds = np.argwhere(np.abs(pixels.astype(int) - RED).max(axis=2) < 60)
    blues = np.argwhere(np.abs(pixels.astype(int) - BLUE).max(axis=2) < 60)
    assert len(reds) > 200
    assert len(blues) > 200
    grid = np.abs(pixels[-60:].astype(int) - DARK).max(axis=2) > 12
    assert 0.005 < grid.mean() < 0.5, "lines, with room between them"
    assert [text for text, *_ in view.labels()] == ["cube"]


def test_nothing_is_drawn_while_nothing_changes(view):
    view.show()
    before = view.stats()["frames"]
    view.page.wait_for_timeout(200)
    view.do("")
    assert view.stats()["frames"] == before
    view.do("view.setBoxes([]); view.setBoxes([]); view.setBoxes([])")
    assert view.stats()["frames"] == before + 1, "once for all changes"


@pytest.mark.parametrize(("theme", "background"), [("dark", DARK), ("light", LIGHT)])
def test_the_background_is_dark_or_light_as_said_or_as_the_browser_is_set(view, theme, background):
    view.show()
    view.do("view.setTheme(given[0])", theme)
    assert like(view.pixels()[20, 200], background, 12)
    view.do("view.setTheme('auto')")
    view.page.emulate_media(color_scheme=theme)
    view.do("")
    assert like(view.pixels()[20, 200], background, 12)


def test_a_lost_context_comes_back_with_all_that_was_shown(view):
    view.show(boxes=[box(0, 0, 2.2, label="cube")])
    view.page.evaluate(
        "window.lose = canvas.getContext('webgl2').getExtension('WEBGL_lose_context'); lose.loseContext()"
    )
    view.page.wait_for_function("view.stats.lost")
    view.do("view.setBoxes(given)", box(0, 0, 2.2, label="later"))
    view.page.evaluate("lose.restoreContext()")
    view.page.wait_for_function("!view.stats.lost")
    view.do("")
    pixels = view.pixels()
    assert like(pixels[150, 140], RED)
    assert np.abs(pixels[117:124, 200].astype(int) - (0, 255, 0)).max(axis=1).min() < 60
    assert [text for text, *_ in view.labels()] == ["later"]


def test_a_view_that_is_let_go_leaves_its_canvas_to_another(view):
    view.show(boxes=[box(0, 0, 2.2, label="cube")])
    view.do("view.dispose(); view.setBoxes([]); window.view = new View3D(canvas, { labelLayer, theme: 'light' })")
    assert view.labels() == []
    view.show()
    assert like(view.pixels()[150, 140], RED)
    view.page.keyboard.press("Home")


def test_who_wants_to_know_is_told_when_the_view_leaves_the_camera_s(view):
    view.do(
        "view.dispose(); window.told = []; window.view = new View3D(canvas, { onViewChange: mode => told.push(mode) })"
    )
    view.do("view.freeView(); view.freeView(); view.resetToCamera()")
    assert view.page.evaluate("told") == ["free", "camera"]


def test_points_of_a_lidar_have_other_axes(view):
    lidar = np.stack([POINTS[:, 2], -POINTS[:, 0], -POINTS[:, 1]], axis=-1)
    view.do("view.setFrame('body')")
    view.show(lidar)
    assert like(view.pixels()[150, 140], RED)
    assert view.page.evaluate("(() => { try { view.setFrame('x') } catch (error) { return error.message } })()")


def test_without_webgl_it_is_not_supported(launch, server):
    page = launch(*NO_WEBGL).new_page()
    page.goto(server)
    page.wait_for_function("window.View3D !== undefined")
    assert page.evaluate("View3D.supported()") is False
    message = page.evaluate("(() => { try { new View3D(canvas) } catch (error) { return error.message } })()")
    assert "WebGL2" in message


def test_with_webgl_it_is(view):
    assert view.page.evaluate("View3D.supported()") is True
