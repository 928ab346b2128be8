"""Headless Chromium for tests, driven by Playwright; where one of them is not installed, tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import cv2
import numpy as np
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SOFTWARE_WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""WebGL without a graphics card."""
NO_WEBGL = ("--disable-3d-apis",)
SOFTWARE_CANVAS = ("--disable-accelerated-2d-canvas", "--disable-gpu-rasterization", "--disable-gpu-compositing")
"""Images are drawn by the processor, at an eighth of the cost of a graphics card that is imitated."""


@contextmanager
def chromium() -> Iterator[Callable[..., Any]]:
    """Return what runs a browser with flags of its own; the browsers end together."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser: the package playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no browser: Chromium is not installed (apt install chromium)")
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_api.sync_playwright())

        def launch(*flags: str) -> Any:
            browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
            stack.callback(browser.close)
            return browser

        yield launch


def screenshot(page: Any, **arguments: Any) -> Any:
    """Return the (height, width, 3) RGB pixels of a page, or of what the arguments of Playwright say."""
    data = np.frombuffer(page.screenshot(**arguments), np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
