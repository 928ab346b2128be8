"""What `pip install` of the sources says where it cannot compile them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_without_a_compiler_the_last_line_says_what_is_missing_and_how_to_get_it(tmp_path):
    nothing = tmp_path / "bin"
    nothing.mkdir()
    command = [sys.executable, "setup.py", "install_data", "--install-dir", str(tmp_path / "installed")]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": str(nothing)}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("vision_service was not compiled: there is no cmake.")
    assert "a C++ compiler" in last and "apt install g++ python3-dev" in last
