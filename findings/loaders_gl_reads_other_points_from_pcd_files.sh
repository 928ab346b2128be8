#!/usr/bin/env bash
# @loaders.gl/pcd 4.4.2 (npm; deck.gl's reader of point clouds): takes PCD files for the one form of them that it knows,
# whatever their header says, and nothing says so. Of a point at (1, 2, 3) with the colour 16 32 48:
# - binary: red and blue have changed places; compressed: each colour is 0; text with rgb of TYPE U, as Open3D's:
#   another colour, as the number is taken for the bits of a float;
# - coordinates of SIZE 8: the lower half of each number is read, as a float: (0, 0, 0);
# - text with a field of COUNT 3 before x: numbers of that field are read for coordinates: (0, 1, 1).
# three.js 0.187's PCDLoader reads the same five files as they are. Needs Node.js and npm.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @loaders.gl/core@4.4.2 @loaders.gl/pcd@4.4.2 @math.gl/types@4.1.0 \
  three@0.187.0 > /dev/null
cat > read.mjs <<'JAVASCRIPT'
import { parse } from "@loaders.gl/core";
import { PCDLoader } from "@loaders.gl/pcd";
import { PCDLoader as ThreeLoader } from "three/examples/jsm/loaders/PCDLoader.js";

function file(fields, sizes, types, counts, form, body) {
  const header = `VERSION 0.7\nFIELDS ${fields}\nSIZE ${sizes}\nTYPE ${types}\nCOUNT ${counts}\nWIDTH 1\nHEIGHT 1\n` +
    `VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 1\nDATA ${form}\n`;
  const all = Buffer.concat([Buffer.from(header), Buffer.from(body)]);
  return all.buffer.slice(all.byteOffset, all.byteOffset + all.length);
}

const COLOUR = 0x102030;
const xyzrgb = Buffer.alloc(16);
[1, 2, 3].forEach((value, index) => xyzrgb.writeFloatLE(value, 4 * index));
xyzrgb.writeUInt32LE(COLOUR, 12);
const doubles = Buffer.alloc(24);
[1, 2, 3].forEach((value, index) => doubles.writeDoubleLE(value, 8 * index));
const lzf = Buffer.concat([Buffer.from([17, 0, 0, 0, 16, 0, 0, 0, 15]), xyzrgb]);  // one run of 16 bytes as they are
const colour = ["x y z rgb", "4 4 4 4", "F F F U", "1 1 1 1"];
const files = {
  binary: file(...colour, "binary", xyzrgb),
  compressed: file(...colour, "binary_compressed", lzf),
  text: file(...colour, "ascii", `1 2 3 ${COLOUR}\n`),
  "size 8": file("x y z", "8 8 8", "F F F", "1 1 1", "binary", doubles),
  "count 3": file("normal x y z", "4 4 4 4", "F F F F", "3 1 1 1", "ascii", "0 0 1 1 2 3\n"),
};
const linear = (byte) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
let same = true;
for (const [name, content] of Object.entries(files)) {
  const three = new ThreeLoader().parse(content.slice(0)).geometry.attributes;
  const read = (await parse(content.slice(0), PCDLoader, { worker: false, pcd: { shape: "mesh" } })).attributes;
  const point = Array.from(read.POSITION.value), colours = Array.from(read.COLOR_0?.value ?? []).slice(0, 3);
  console.log(`${name}: loaders.gl (${point.join(", ")})`, colours.join(" "));
  same &&= Array.from(three.position.array).join() === "1,2,3";
  if (three.color) {
    same &&= [16, 32, 48].every((byte, index) => Math.abs(three.color.array[index] - linear(byte)) < 1e-4);
  }
  same &&= three.color ? colours.join() !== "16,32,48" : point.join() !== "1,2,3";
}
process.exit(same ? 0 : 1);
JAVASCRIPT
node read.mjs
