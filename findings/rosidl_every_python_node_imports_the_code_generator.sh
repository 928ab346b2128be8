#!/usr/bin/env bash
# ros-rclpy 7.1.6 (Jazzy): the first message that a Python node uses imports rosidl_generator_py for one small function,
# import_type_support, and with it the code generator of messages, the parser of their definitions and lark: 60 modules
# and more, some 8 MB and 25 ms in each process, of which nothing is ever called. rosidl_generator_py does without
# them where importing them fails, so that a process which has no use for them may say that they are not there.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "ros-rclpy[fastrtps]==7.1.6"
cat > "$folder/look.py" <<'PYTHON'
import os
import sys

if sys.argv[1] == "without":
    sys.modules["rosidl_generator_py.generate_py_impl"] = None
import rclpy.node
import rcl_interfaces.msg


def resident() -> float:
    with open("/proc/self/smaps_rollup", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Rss:")) / 1024


modules, megabytes = len(sys.modules), resident()
rcl_interfaces.msg.Log.__import_type_support__()
parser = "with" if "lark" in sys.modules else "without"
print(f"{sys.argv[1]}: {parser} a parser", flush=True)
print(f"  {len(sys.modules) - modules} modules, {resident() - megabytes:.1f} MB", file=sys.stderr, flush=True)
os._exit(0)
PYTHON
for how in usual without; do
    env -u _ROS_WHEELS_BOOTSTRAP_COMPLETE -u LD_LIBRARY_PATH "$folder/venv/bin/python" "$folder/look.py" $how
done | tee "$folder/seen.txt"
# Seen:
#   usual: with a parser
#   without: without a parser
grep -qxF "usual: with a parser" "$folder/seen.txt"
grep -qxF "without: without a parser" "$folder/seen.txt"
echo "as stated"
