#!/usr/bin/env bash
# viam-sdk 0.85.1: ViamImage.width and .height are None for a JPEG with a segment of 256 bytes or more before its frame
# header, as photos with Exif have: the lengths of segments, of two bytes in the format, are read as one byte.
# The same image with shorter segments has its size, and Pillow reads the size of both.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet viam-sdk==0.85.1 pillow==12.0.0
cd "$folder"
cat > read.py <<'PYTHON'
import io

from PIL import Image
from viam.media.video import CameraMimeType, ViamImage

IMAGE_DESCRIPTION = 0x010E


def said(length):
    exif = Image.Exif()
    exif[IMAGE_DESCRIPTION] = "a" * length
    file = io.BytesIO()
    Image.new("RGB", (640, 480)).save(file, "JPEG", exif=exif)
    image = ViamImage(file.getvalue(), CameraMimeType.JPEG)
    return f"viam-sdk {image.width} {image.height}, Pillow {Image.open(file).size}"


print("a description of 40 letters:", said(40))
print("a description of 400 letters:", said(400))
PYTHON
venv/bin/python read.py | tee seen.txt
# Seen:
#   a description of 40 letters: viam-sdk 640 480, Pillow (640, 480)
#   a description of 400 letters: viam-sdk None None, Pillow (640, 480)
grep -qxF "a description of 40 letters: viam-sdk 640 480, Pillow (640, 480)" seen.txt
grep -qxF "a description of 400 letters: viam-sdk None None, Pillow (640, 480)" seen.txt
echo "as stated"
