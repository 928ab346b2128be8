#!/usr/bin/env bash
# viam-sdk 0.85.1: a null in what a command answers becomes 0. dict_to_struct writes None as protobuf's null_value, and
# struct_to_dict, by which do_command of every client of the SDK reads the answer, returns the number of that enum, 0, in
# its place: a program cannot tell "there is none" from zero. protobuf's own MessageToDict returns None for the same.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet viam-sdk==0.85.1
cd "$folder"
cat > read.py <<'PYTHON'
from google.protobuf.json_format import MessageToDict
from viam.utils import dict_to_struct, struct_to_dict

answer = dict_to_struct({"nearest": None, "distances": [1.5, None]})
read = struct_to_dict(answer)
print("viam-sdk:", read["nearest"], read["distances"])
read = MessageToDict(answer)
print("protobuf:", read["nearest"], read["distances"])
PYTHON
venv/bin/python read.py | tee seen.txt
# Seen:
#   viam-sdk: 0 [1.5, 0]
#   protobuf: None [1.5, None]
grep -qxF "viam-sdk: 0 [1.5, 0]" seen.txt
grep -qxF "protobuf: None [1.5, None]" seen.txt
echo "as stated"
