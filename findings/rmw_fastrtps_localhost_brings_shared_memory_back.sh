#!/usr/bin/env bash
# ros-rclpy 7.1.6 (Jazzy) with rmw_fastrtps and Fast DDS 2.14: a profile that allows UDP only (useBuiltinTransports
# false, one UDPv4 transport) is obeyed while ROS_AUTOMATIC_DISCOVERY_RANGE is SUBNET. With LOCALHOST, which says who is
# discovered and nothing of transports, rmw_fastrtps adds a shared-memory transport beside it, without a word: the
# process maps Fast DDS's segments in /dev/shm again. So the usual cure for containers that share the network but not
# /dev/shm, or for nodes of several users, ends where people restrict discovery to their host.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "ros-rclpy[fastrtps]==7.1.6"
cat > "$folder/udp.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<dds xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <profiles>
    <transport_descriptors>
      <transport_descriptor><transport_id>udp</transport_id><type>UDPv4</type></transport_descriptor>
    </transport_descriptors>
    <participant profile_name="udp_only" is_default_profile="true">
      <rtps>
        <userTransports><transport_id>udp</transport_id></userTransports>
        <useBuiltinTransports>false</useBuiltinTransports>
      </rtps>
    </participant>
  </profiles>
</dds>
XML
cat > "$folder/look.py" <<'PYTHON'
import os
import sys
import time

import rclpy

rclpy.init()
node = rclpy.create_node("alone")
time.sleep(1)
with open("/proc/self/maps", encoding="ascii") as lines:
    mapped = sum("/dev/shm/fast" in line for line in lines)
print(sys.argv[1], "maps shared memory of Fast DDS" if mapped else "maps none", flush=True)
rclpy.shutdown()
os._exit(0)
PYTHON
export FASTRTPS_DEFAULT_PROFILES_FILE="$folder/udp.xml" ROS_DOMAIN_ID=97
for range in SUBNET LOCALHOST; do
    env -u _ROS_WHEELS_BOOTSTRAP_COMPLETE -u LD_LIBRARY_PATH ROS_AUTOMATIC_DISCOVERY_RANGE=$range \
        "$folder/venv/bin/python" "$folder/look.py" $range
done | tee "$folder/seen.txt"
# Seen:
#   SUBNET maps none
#   LOCALHOST maps shared memory of Fast DDS
grep -qxF "SUBNET maps none" "$folder/seen.txt"
grep -qxF "LOCALHOST maps shared memory of Fast DDS" "$folder/seen.txt"
echo "as stated"
