// Draws zones over the image: areas are tinted, lines have arrows to both sides, and all have their counts.

import { colorOf, rgbOf } from "./colors.js";

const TINT = 0.2;

// Lies below what was found in the image.
export function drawZones(context, zones, scale, line) {
  for (const zone of zones) {
    context.beginPath();
    for (const [x, y] of zone.points) context.lineTo(x * scale, y * scale);
    if (!zone.sides) {
      context.closePath();
      context.fillStyle = `rgb(${rgbOf(colorOf(zone.name)).join(" ")} / ${TINT})`;
      context.fill();
    }
    strokeZone(context, zone, line);
  }
}

function strokeZone(context, zone, line) {
  context.lineJoin = "round";
  context.strokeStyle = "rgb(0 0 0 / 70%)";
  context.lineWidth = 1.5 * line + 2;
  context.stroke();
  context.strokeStyle = colorOf(zone.name);
  context.lineWidth = 1.5 * line;
  context.stroke();
}

// label(text, x, y, color, centered) draws a label, and returns its [width, height].
export function drawZoneLabels(context, zones, scale, line, label) {
  for (const zone of zones) {
    const color = colorOf(zone.name);
    if (zone.sides) {
      drawSides(context, zone, scale, line, label, color);
      continue;
    }
    const seen = ([x, y]) => x >= 0 && y >= 0 && x * scale <= context.canvas.width && y * scale <= context.canvas.height;
    const corners = zone.points.filter(seen);
    const [x, y] = (corners.length ? corners : zone.points).reduce((one, other) => (other[1] < one[1] ? other : one));
    label(`${zone.name}: ${zone.inside}`, x * scale, y * scale, color, false);
  }
}

// Both counts beside the middle of the longest part, with arrows to where they were counted; the name at the end.
function drawSides(context, zone, scale, line, label, color) {
  const points = zone.points.map(([x, y]) => [x * scale, y * scale]);
  const parts = points.slice(1).map((end, place) => [points[place], end]);
  const long = ([[ax, ay], [bx, by]]) => Math.hypot(bx - ax, by - ay);
  const [[ax, ay], [bx, by]] = parts.reduce((one, other) => (long(other) > long(one) ? other : one));
  const length = long([[ax, ay], [bx, by]]) || 1;
  const across = [(by - ay) / length, (ax - bx) / length]; // to the left, with y down
  const [x, y] = [(ax + bx) / 2, (ay + by) / 2];
  const reach = 8 * line;
  zone.sides.forEach((side, place) => {
    const sign = place ? -1 : 1;
    const [dx, dy] = [sign * across[0], sign * across[1]];
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + dx * reach, y + dy * reach);
    context.moveTo(x + (dx - 0.5 * dy) * 0.6 * reach, y + (dy + 0.5 * dx) * 0.6 * reach);
    context.lineTo(x + dx * reach, y + dy * reach);
    context.lineTo(x + (dx + 0.5 * dy) * 0.6 * reach, y + (dy - 0.5 * dx) * 0.6 * reach);
    strokeZone(context, zone, line);
    label(`${side}: ${zone.crossed_to[place]}`, x + dx * reach, y + dy * reach, color, true, [dx, dy]);
  });
  label(zone.name, ...points.at(-1), color, true);
}
