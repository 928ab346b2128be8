"""Every command in README and docs/ that looks at files does so."""

import pytest

from shell import ON_FILES, OURS, run


@pytest.mark.parametrize(
    ("block", "line"), [(block, line) for block, line in OURS if line.split()[1] in ON_FILES], ids=str
)
def test_a_command_does_what_stands_there(folder, monkeypatch, capsys, block, line):
    monkeypatch.chdir(folder)
    code = run(line)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert " > " in line or said.out, said.err
