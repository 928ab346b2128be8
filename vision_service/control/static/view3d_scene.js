// What the points of the 3D view say of the scene: how large it is, how dense, and how far away.

import { along, dot } from "./view3d_viewpoint.js";

const SAMPLE = 4000; // points that are looked at to see how large the scene is

// Near to far, by steps that are equal in lightness and told apart by colour-blind people (in the manner of viridis).
const DISTANCES = [
  [253, 231, 37], [160, 218, 57], [74, 193, 109], [31, 161, 135],
  [39, 127, 142], [54, 92, 141], [70, 52, 127], [68, 1, 84],
];

/** Return some of the points, spread over all of them. */
function* sampleOf(xyz) {
  const count = xyz.length / 3;
  const step = Math.max(1, Math.floor(count / SAMPLE));
  for (let i = 0; i < count; i += step) yield [xyz[3 * i], xyz[3 * i + 1], xyz[3 * i + 2]];
}

function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Return the middle of the points, how far around it most are, how deep they lie, and how low in a direction. */
export function sceneOf(xyz, forward) {
  const sample = [...sampleOf(xyz)];
  const center = [0, 1, 2].map((i) => quantile(sample.map((point) => point[i]), 0.5));
  const radius = Math.max(0.01, quantile(sample.map((point) => Math.hypot(...along(point, center, -1))), 0.8));
  const depth = Math.max(0.05, quantile(sample.map((point) => dot(forward, point)), 0.5));
  const lowest = (up) => quantile(sample.map((point) => dot(up, point)), 0.02);
  return { center, radius, depth, lowest };
}

/** Return how far apart neighbours are, as seen from the camera: metres for each metre of distance. */
export function spacingOf(xyz) {
  const count = xyz.length / 3;
  if (!count) return 0.005;
  const cell = 0.05; // radians
  const taken = new Map();
  let sampled = 0;
  for (const [x, y, z] of sampleOf(xyz)) {
    const key = Math.floor(Math.atan2(x, z) / cell) * 1000 + Math.floor(Math.atan2(y, Math.hypot(x, z)) / cell);
    taken.set(key, (taken.get(key) ?? 0) + 1);
    sampled += 1;
  }
  return Math.min(0.05, Math.sqrt((taken.size * cell * cell) / Math.max(sampled, count)));
}

/** Write the colours of points by how far away they are; return the range of the colours, metres. */
export function colorByDistance(xyz, rgb, forward) {
  if (!xyz.length) return null;
  const depths = [...sampleOf(xyz)].map((point) => dot(forward, point));
  const [near, far] = [quantile(depths, 0.02), quantile(depths, 0.98)];
  const scale = (DISTANCES.length - 1) / Math.max(far - near, 1e-6);
  const [a, b, c] = forward;
  for (let i = 0; i < xyz.length; i += 3) {
    const depth = a * xyz[i] + b * xyz[i + 1] + c * xyz[i + 2];
    const place = Math.min(DISTANCES.length - 1.001, Math.max(0, (depth - near) * scale));
    const [lower, upper, share] = [DISTANCES[Math.floor(place)], DISTANCES[Math.floor(place) + 1], place % 1];
    for (let j = 0; j < 3; j++) rgb[i + j] = lower[j] + (upper[j] - lower[j]) * share;
  }
  return [near, far];
}
