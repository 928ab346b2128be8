// The boxes of the 3D view: their corners and colours.

import { along, turned } from "./view3d_viewpoint.js";

const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [i & 1 ? 0.5 : -0.5, i & 2 ? 0.5 : -0.5, i & 4 ? 0.5 : -0.5]);
/** The pairs of corners that have an edge between them. */
export const EDGES = [[0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7]];

/** Return a box with its corners, or null if it is none. */
export function boxOf({ center, size, quaternion = [0, 0, 0, 1], label = "", color = [255, 180, 0] }) {
  if (![center, size, quaternion].every((values) => values?.length >= 3 && values.every(Number.isFinite))) return null;
  const [x, y, z, w] = quaternion;
  const length = Math.hypot(x, y, z);
  const axis = length > 0 ? [x / length, y / length, z / length] : [0, 0, 1];
  const angle = 2 * Math.atan2(length, w);
  const corners = CORNERS.map((corner) =>
    along(center, turned(corner.map((value, i) => value * size[i]), axis, angle), 1));
  return { label: String(label), color: colorOf(color), center, corners };
}

/** Return the three numbers of a colour. */
function colorOf(color) {
  if (typeof color !== "string") return color.slice(0, 3);
  const digits = /^#([0-9a-f]{6})$/i.exec(color)?.[1];
  return digits ? [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16)) : [255, 180, 0];
}
