#!/usr/bin/env bash
# rosbags 0.11.9: an MCAP bag of ROS 2 states each topic's quality of service twice, in metadata.yaml and in the file. If
# both differ in one number, Reader.messages() yields none of the topic's messages, without a warning, although
# message_count counts them; the same file opened alone yields all. Such bags exist: rosbag2's own test bag
# rosbag2_py/test/resources/mcap/talker (a deadline of 0 in one place, "infinite" in the other) yields 0 of its 20.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet rosbags==0.11.9
cat > "$folder/read.py" <<'PYTHON'
import sys
from pathlib import Path

from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

store = get_typestore(Stores.ROS2_JAZZY)
String = store.types["std_msgs/msg/String"]
infinite = QosTime(2147483647, 4294967295)
offered = Qos(
    QosHistory.KEEP_LAST, 10, QosReliability.RELIABLE, QosDurability.VOLATILE, infinite, infinite,
    QosLiveliness.AUTOMATIC, infinite, False,
)
bag = Path(sys.argv[1]) / "bag"
with Writer(bag, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
    topic = writer.add_connection("/topic", "std_msgs/msg/String", typestore=store, offered_qos_profiles=[offered])
    for number in range(20):
        writer.write(topic, number * 10**8, store.serialize_cdr(String(f"Hello {number}"), "std_msgs/msg/String"))


def yielded(path):
    with Reader(path) as reader:
        return f"{len(list(reader.messages()))} of {reader.message_count}"


print("as written:", yielded(bag))
file = bag / "metadata.yaml"
said = file.read_text()
other = said.replace("depth: 10", "depth: 5")
assert other != said
file.write_text(other)
print("another depth in metadata.yaml:", yielded(bag))
(mcap,) = bag.glob("*.mcap")
print("the file alone:", yielded(mcap))
PYTHON
"$folder/venv/bin/python" "$folder/read.py" "$folder" | tee "$folder/seen.txt"
# Seen:
#   as written: 20 of 20
#   another depth in metadata.yaml: 0 of 20
#   the file alone: 20 of 20
grep -qxF "as written: 20 of 20" "$folder/seen.txt"
grep -qxF "another depth in metadata.yaml: 0 of 20" "$folder/seen.txt"
grep -qxF "the file alone: 20 of 20" "$folder/seen.txt"
echo "as stated"
