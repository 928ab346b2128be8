#!/usr/bin/env bash
# h2 4.4.1: H2Connection.receive_data makes the repr of each frame that it receives, for its logger, also where none is
# given, and hyperframe's repr of a frame of data is all of it in hexadecimal digits, of which it then keeps 20. Of a
# server in Python that is a fifth of what a small image takes, and more than all the rest of a large one.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet h2==4.4.1 hyperframe==6.1.0
cat > "$folder/receive.py" <<'PYTHON'
import binascii

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes

SIZE = 1 << 20
written, hexlify = [], binascii.hexlify
binascii.hexlify = lambda data: (written.append(len(data)), hexlify(data))[1]
client, server = H2Connection(), H2Connection(H2Configuration(client_side=False))
client.initiate_connection()
server.initiate_connection()
server.update_settings({SettingCodes.MAX_FRAME_SIZE: SIZE, SettingCodes.INITIAL_WINDOW_SIZE: SIZE})
server.increment_flow_control_window(SIZE)
for _ in range(2):  # the settings, and that they have come
    client.receive_data(server.data_to_send())
    server.receive_data(client.data_to_send())
client.send_headers(1, [(":method", "POST"), (":path", "/"), (":scheme", "http"), (":authority", "robot")])
client.send_data(1, bytes(SIZE), end_stream=True)
server.receive_data(client.data_to_send())
print("received:", SIZE, "written in hexadecimal:", max(written))
PYTHON
"$folder/venv/bin/python" "$folder/receive.py" | tee "$folder/seen.txt"
# Seen:
#   received: 1048576 written in hexadecimal: 1048576
grep -qF "received: 1048576 written in hexadecimal: 1048576" "$folder/seen.txt"
echo "as stated"
