"""Fuzzing: what `make fuzz` has tried."""

import os
from collections.abc import Iterator

import pytest

from fuzzing import CASES, TRIED
from reliability import FAILED, recorded

SERVICES = "wild requests to every service, wild messages on a camera's topics (hypothesis)"
FILES = "damaged parameter, calibration, label, PCD and model files, and text that looks like YAML (hypothesis)"
WHAT = {"test_fuzz_services": SERVICES, "test_fuzz_files": FILES}
SURVIVED = {
    SERVICES: "all were answered, nothing unforeseen in the log, the process lives",
    FILES: "each was read, or refused with an error message of one line",
}


def pytest_report_header() -> str:
    """Say how many cases there are."""
    return f"fuzz: about {os.environ.get('FUZZ_CASES') or 'a few hundred'} cases (FUZZ_CASES)"


@pytest.fixture(scope="module", autouse=True)
def reported(request: pytest.FixtureRequest) -> Iterator[None]:
    """Write what the tests of a module have tried, where `make fuzz` asks for it."""
    if not CASES:
        yield
        return
    what = WHAT[request.module.__name__.rpartition(".")[-1]]
    failed = request.session.testsfailed
    TRIED.clear()
    with recorded(what, f"make fuzz CASES={CASES}") as run:
        yield
        run.times = f"{TRIED.total()} cases"
        outcomes = ", ".join(f"{number} {name}" for name, number in TRIED.most_common())
        failed = request.session.testsfailed - failed
        run.happened = f"{FAILED}{failed} tests; {outcomes}" if failed else f"{SURVIVED[what]}: {outcomes}"
        run.figures = dict(TRIED)
