#!/usr/bin/env bash
# rclpy 9.1.2 (ROS 2 Kilted): rclpy.parameter.parameter_dict_from_yaml_file(FILE), which by its docstring "will load all
# parameters if target_nodes is None or empty", raises "Param file does not contain any valid parameters" for a valid
# file. rclpy 7.1.6 (Jazzy) returns the parameters. Whoever moves a program from Jazzy to Kilted has to name the nodes.
# Exit code 0 while both behave so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/file.yaml" <<'YAML'
/camera:
  ros__parameters:
    rate: 30
YAML
cat > "$folder/load.py" <<'PYTHON'
import sys
from rclpy.parameter import parameter_dict_from_yaml_file

for names in (None, ["/camera"]):
    try:
        print(names, sorted(parameter_dict_from_yaml_file(sys.argv[1], target_nodes=names)))
    except RuntimeError as error:
        print(names, error)
PYTHON
for version in 7.1.6 9.1.2; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet "ros-rclpy[fastrtps]==$version"
  env -u _ROS_WHEELS_BOOTSTRAP_COMPLETE -u LD_LIBRARY_PATH \
    "$folder/$version/bin/python" "$folder/load.py" "$folder/file.yaml" | tee "$folder/$version.txt"
done
# Seen:
#   7.1.6: None ['rate']                                             ['/camera'] ['rate']
#   9.1.2: None Param file does not contain any valid parameters     ['/camera'] ['rate']
grep -qF "None ['rate']" "$folder/7.1.6.txt"
grep -qF "None Param file does not contain any valid parameters" "$folder/9.1.2.txt"
grep -qF "['/camera'] ['rate']" "$folder/9.1.2.txt"
echo "as stated"
