// Draws what a service says over the image: boxes, turned boxes, masks, keypoints, tracks, labels of pixels, objects in
// space. All coordinates count in the source image's pixels.

import { colorOf, rgbOf } from "./colors.js";
import { drawZoneLabels, drawZones } from "./zones.js";

const MASK_ALPHA = 105;
const TRAIL = 45;
const EDGES = [[0, 1], [1, 3], [3, 2], [2, 0], [4, 5], [5, 7], [7, 6], [6, 4], [0, 4], [1, 5], [2, 6], [3, 7]];

// Where tracked objects have been: places by their ids.
const trails = new Map();

export function forgetTrails() {
  trails.clear();
}

// options: { labels, masks, keypoints, trails, zones }
export function draw(context, header, parts, scale, options) {
  const stale = header.result_stamp !== null && header.result_stamp !== header.stamp;
  context.save();
  context.globalAlpha = stale ? 0.65 : 1;
  if (options.masks && header.classes && parts.labels) drawLabelImage(context, header, parts.labels, scale);
  const detections = header.detections || [];
  if (options.masks) for (const each of detections) if (each.mask) drawMask(context, each, scale);
  const line = Math.max(1.5, Math.min(3, (context.canvas.width / 400) * 1.2));
  const zones = (options.zones && header.zones) || [];
  drawZones(context, zones, scale, line);
  if (options.trails) drawTrails(context, detections, scale, line, stale);
  for (const each of detections) drawBox(context, each, scale, line, stale);
  if (options.keypoints) for (const each of detections) drawKeypoints(context, each, header.skeleton || [], scale, line);
  drawObjects(context, header, scale, line);
  startLabels(context);
  if (options.labels) drawLabels(context, detections, scale);
  drawZoneLabels(context, zones, scale, line, (...told) => label(context, ...told)); // counts stay readable
  context.restore();
}

function stroke(context, color, line, dash) {
  context.setLineDash(dash);
  context.lineJoin = "round";
  context.strokeStyle = "rgb(0 0 0 / 70%)";
  context.lineWidth = line + 2;
  context.stroke();
  context.strokeStyle = color;
  context.lineWidth = line;
  context.stroke();
  context.setLineDash([]);
}

function drawBox(context, found, scale, line, stale) {
  const color = colorOf(found.class_name, found.class_index);
  context.beginPath();
  if (found.box) {
    for (const [x, y] of cornersOf(found.box)) context.lineTo(x * scale, y * scale);
    context.closePath();
  } else {
    const { x_min: x, y_min: y, x_max: right, y_max: bottom } = found;
    context.rect(x * scale, y * scale, (right - x) * scale, (bottom - y) * scale);
  }
  stroke(context, color, line, stale ? [6, 5] : []);
}

export function cornersOf(box) {
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  return [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]].map(([across, down]) => [
    box.center_x + across * box.width * cos - down * box.height * sin,
    box.center_y + across * box.width * sin + down * box.height * cos,
  ]);
}

const scratch = document.createElement("canvas");

function paint(context, width, height, x, y, wide, high, pixels) {
  scratch.width = width;
  scratch.height = height;
  scratch.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(scratch, x, y, wide, high);
  context.imageSmoothingEnabled = true;
}

function drawMask(context, found, scale) {
  const { x, y, width, height, counts } = found.mask;
  if (!width || !height) return;
  const [red, green, blue] = rgbOf(colorOf(found.class_name, found.class_index));
  const pixels = new Uint8ClampedArray(width * height * 4);
  let place = 0;
  let on = false;
  for (const count of counts) {
    if (on) {
      for (let each = place; each < place + count; each += 1) {
        const at = 4 * ((each % height) * width + Math.floor(each / height)); // column by column
        pixels.set([red, green, blue, MASK_ALPHA], at);
      }
    }
    place += count;
    on = !on;
  }
  paint(context, width, height, x * scale, y * scale, width * scale, height * scale, pixels);
}

function drawLabelImage(context, header, labels, scale) {
  const { width, height, names } = header.classes;
  const colors = names.map((name, index) => rgbOf(colorOf(name, index)));
  const hidden = /^(background|unlabell?ed|void|)$/i;
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let each = 0; each < labels.length; each += 1) {
    const color = colors[labels[each]];
    if (color && !hidden.test(names[labels[each]])) pixels.set([...color, MASK_ALPHA], 4 * each);
  }
  paint(context, width, height, 0, 0, header.width * scale, header.height * scale, pixels);
}

function drawKeypoints(context, found, skeleton, scale, line) {
  const points = found.keypoints;
  if (!points) return;
  const seen = (point) => point && point[0] !== null && point[1] !== null && (point[2] === null || point[2] >= 0.3);
  const color = colorOf(found.class_name, found.class_index);
  context.beginPath();
  for (const [one, other] of skeleton) {
    if (!seen(points[one]) || !seen(points[other])) continue;
    context.moveTo(points[one][0] * scale, points[one][1] * scale);
    context.lineTo(points[other][0] * scale, points[other][1] * scale);
  }
  stroke(context, color, line, []);
  for (const point of points) {
    if (!seen(point)) continue;
    context.beginPath();
    context.arc(point[0] * scale, point[1] * scale, line * 1.6, 0, 7);
    context.fillStyle = "#fff";
    context.fill();
    stroke(context, color, Math.max(1, line / 2), []);
  }
}

function drawTrails(context, detections, scale, line, stale) {
  const now = performance.now();
  for (const each of detections) {
    if (!each.id || stale) continue;
    const trail = trails.get(each.id) || { places: [] };
    trail.places.push([(each.x_min + each.x_max) / 2, (each.y_min + each.y_max) / 2]);
    if (trail.places.length > TRAIL) trail.places.shift();
    Object.assign(trail, { seen: now, color: colorOf(each.class_name, each.class_index) });
    trails.set(each.id, trail);
  }
  for (const [id, trail] of trails) {
    if (now - trail.seen > 1500) trails.delete(id);
    else if (trail.places.length > 1) {
      context.beginPath();
      for (const [x, y] of trail.places) context.lineTo(x * scale, y * scale);
      stroke(context, trail.color, line / 2, []);
    }
  }
}

function rotate([x, y, z], [qx, qy, qz, qw]) {
  const [tx, ty, tz] = [2 * (qy * z - qz * y), 2 * (qz * x - qx * z), 2 * (qx * y - qy * x)];
  return [x + qw * tx + qy * tz - qz * ty, y + qw * ty + qz * tx - qx * tz, z + qw * tz + qx * ty - qy * tx];
}

function drawObjects(context, header, scale, line) {
  const lens = header.intrinsics;
  if (!header.objects || !lens || header.objects_frame_id !== header.frame_id) return;
  const [across, down] = [header.width / lens.width, header.height / lens.height];
  for (const each of header.objects) {
    const corners = [];
    for (let bits = 0; bits < 8; bits += 1) {
      const half = each.size.map((size, axis) => ((bits >> axis) & 1 ? 0.5 : -0.5) * size);
      const [x, y, z] = rotate(half, each.orientation).map((value, axis) => value + each.center[axis]);
      corners.push(z > 0.02 ? [((x / z) * lens.fx + lens.cx) * across * scale, ((y / z) * lens.fy + lens.cy) * down * scale] : null);
    }
    context.beginPath();
    for (const [one, other] of EDGES) {
      if (!corners[one] || !corners[other]) continue;
      context.moveTo(...corners[one]);
      context.lineTo(...corners[other]);
    }
    stroke(context, colorOf(each.label || each.id || "object"), Math.max(1, line * 0.7), []);
  }
}

function labelSize(context) {
  return Math.max(11, Math.min(15, context.canvas.width / 50)) * Math.min(window.devicePixelRatio || 1, 2) ** 0.5;
}

function startLabels(context) {
  context.font = `600 ${labelSize(context)}px system-ui, sans-serif`;
  context.textBaseline = "middle";
}

// Draws a label with its left top corner at a place, or centered there, or, beyond it in a direction; in the image.
function label(context, text, x, y, color, centered = false, direction = [0, 0]) {
  const size = labelSize(context);
  const [wide, high] = [context.measureText(text).width + size, size * 1.45];
  const [left, top] = centered ? [x - wide / 2, y - high / 2] : [x, y];
  const kept = (value, most) => Math.max(0, Math.min(value, most));
  const atX = kept(left + (direction[0] * (wide + size)) / 2, context.canvas.width - wide);
  const atY = kept(top + (direction[1] * (high + size)) / 2, context.canvas.height - high);
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(atX, atY, wide, high, 3);
  context.fill();
  context.fillStyle = "#111";
  context.fillText(text, atX + size / 2, atY + high / 2 + 1);
}

function drawLabels(context, detections, scale) {
  const high = labelSize(context) * 1.45;
  for (const each of [...detections].reverse()) {
    const name = each.id || each.class_name || "object";
    const text = each.confidence === null ? name : `${name} ${Math.round(each.confidence * 100)} %`;
    label(context, text, each.x_min * scale - 1, each.y_min * scale - high, colorOf(each.class_name, each.class_index));
  }
}
