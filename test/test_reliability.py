"""What chaos and soak runs find is written to docs/reliability.md: each run replaces its own line, and nothing else."""

import json

import pytest

from reliability import BEGINS, ENDS, FIGURES, PAGE, recorded


def lines(folder):
    """Return the lines of the page's table."""
    return [line for line in (folder / PAGE).read_text().splitlines() if line.startswith("| ")][2:]


def run(folder, what="kill -9", happened="all answered"):
    with recorded(what, "make chaos", folder=folder) as found:
        found.times, found.happened, found.figures = "3 times", happened, {"OK": 3}


def test_a_run_is_written(tmp_path):
    run(tmp_path)
    (line,) = lines(tmp_path)
    assert line.startswith("| kill -9 | 3 times | all answered | `make chaos` | ")
    (figures,) = json.loads((tmp_path / FIGURES).read_text())
    assert figures["figures"] == {"OK": 3}


def test_the_next_run_of_the_same_replaces_it_and_others_are_added(tmp_path):
    run(tmp_path)
    run(tmp_path, "SIGSTOP")
    run(tmp_path, happened="all answered again")
    one, other = lines(tmp_path)
    assert "all answered again" in one
    assert "SIGSTOP" in other


def test_text_of_people_stays(tmp_path):
    (tmp_path / PAGE).write_text(f"# Reliability\n\nbefore\n\n{BEGINS}\nold\n{ENDS}\n\nafter\n")
    run(tmp_path)
    text = (tmp_path / PAGE).read_text()
    assert text.startswith("# Reliability\n\nbefore\n\n")
    assert text.endswith("\n\nafter\n")
    assert "old" not in text


def test_what_failed_is_written_as_that(tmp_path):
    with pytest.raises(AssertionError), recorded("kill -9", "make chaos", folder=tmp_path):
        raise AssertionError("a call was not answered")
    assert "**failed**: a call was not answered" in lines(tmp_path)[0]


def test_what_could_not_be_tried_is_written_as_that(tmp_path):
    with pytest.raises(pytest.skip.Exception), recorded("a full disk", "make chaos", folder=tmp_path):
        pytest.skip("only root can mount a small disk")
    assert "not checked: only root can mount a small disk" in lines(tmp_path)[0]
