// Where the 3D view is looked at from. Coordinates are those of a camera's optical frame in ROS: x right, y down,
// z forward, metres. All state is here, so that it can be tested without WebGL.

export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const along = (a, b, k) => [a[0] + b[0] * k, a[1] + b[1] * k, a[2] + b[2] * k];
export const normalized = (a) => {
  const length = Math.hypot(a[0], a[1], a[2]);
  return length > 0 ? [a[0] / length, a[1] / length, a[2] / length] : [0, 0, 0];
};

/** Return a vector turned about a unit axis by an angle in radians (Rodrigues' formula). */
export function turned(vector, axis, angle) {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const sideways = cross(axis, vector);
  const kept = dot(axis, vector) * (1 - cos);
  return vector.map((value, i) => value * cos + sideways[i] * sin + axis[i] * kept);
}

const STEEPEST = 0.998; // cosine between the line of sight and up: beyond, "left" and "right" would swap
const NEAREST = 0.02; // metres between eye and target
const FARTHEST = 1e5;

/** A lens for clouds of cameras that are not calibrated: 60 degrees across, 4:3. */
const UNKNOWN_LENS = { width: 640, height: 480, fx: 554, fy: 554, cx: 319.5, cy: 239.5 };

const FRAMES = {
  optical: { right: [1, 0, 0], down: [0, 1, 0], forward: [0, 0, 1] },
  body: { right: [0, -1, 0], down: [0, 0, -1], forward: [1, 0, 0] }, // x forward, y left, z up: lidars
};

export class Viewpoint {
  constructor() {
    this.lens = UNKNOWN_LENS;
    this.frame = FRAMES.optical;
    this.ground = null; // {normal, distance}: points p with normal . p = distance; the normal is up
    this.scene = { center: [0, 0, 2], radius: 1, depth: 2 };
    this.toCamera();
  }

  /** Which way is up: the ground's normal, or the opposite of the camera's down. */
  get up() {
    return this.ground ? this.ground.normal : this.frame.down.map((value) => -value);
  }

  get eye() {
    return along(this.target, this.forward, -this.distance);
  }

  /** Take the camera's own place: what it sees is seen as in its image. */
  toCamera() {
    ({ right: this.right, down: this.down, forward: this.forward } = this.frame);
    this.distance = this.scene.depth;
    this.target = this.forward.map((value) => value * this.distance);
    this.mode = "camera";
  }

  /** Take a place aside and above from where all points can be seen. */
  toFree() {
    const { up } = this;
    // Seen from the camera's side: its line of sight, without what of it goes up or down.
    let level = normalized(along(this.frame.forward, up, -dot(this.frame.forward, up)));
    if (Math.hypot(...level) < 0.5) level = normalized(along(this.frame.down, up, -dot(this.frame.down, up)).map((v) => -v));
    const sideways = turned(level, up, -0.55);
    const elevation = 0.5;
    this.forward = normalized(along(sideways.map((value) => value * Math.cos(elevation)), up, -Math.sin(elevation)));
    this.right = normalized(cross(this.forward, up));
    this.down = cross(this.forward, this.right);
    this.target = this.scene.center;
    const half = Math.min(this.lens.width / this.lens.fx, this.lens.height / this.lens.fy) / 2;
    this.distance = Math.max(NEAREST, (0.95 * this.scene.radius) / Math.sin(Math.atan(half)));
    this.mode = "free";
  }

  /** Turn about the target, as a drag of the mouse by these angles in radians. */
  orbit(across, down) {
    this.mode = "free";
    const axis = this.up.map((value) => -value);
    this._turn(axis, across);
    const before = [this.right, this.down, this.forward];
    const steepBefore = Math.abs(dot(this.forward, this.up));
    this._turn(this.right, -down);
    const steep = Math.abs(dot(this.forward, this.up));
    if (steep > STEEPEST && steep > steepBefore) [this.right, this.down, this.forward] = before;
  }

  /** Move the target with the image plane, by fractions of the image's height. */
  pan(across, down) {
    this.mode = "free";
    const metres = (this.distance * this.lens.height) / this.lens.fy;
    this.target = along(along(this.target, this.right, -across * metres), this.down, -down * metres);
  }

  /** Multiply the distance to the target. */
  zoom(factor) {
    this.mode = "free";
    this.distance = Math.min(FARTHEST, Math.max(NEAREST, this.distance * factor));
  }

  _turn(axis, angle) {
    for (const name of ["right", "down", "forward"]) this[name] = normalized(turned(this[name], axis, angle));
  }

  /** Return how many pixels of a canvas the lens's focal lengths are, and where its axis meets the canvas. */
  fit(width, height) {
    const { lens } = this;
    const scale = Math.min(width / lens.width, height / lens.height);
    return {
      fx: lens.fx * scale,
      fy: lens.fy * scale,
      cx: (width - scale * lens.width) / 2 + scale * (lens.cx + 0.5), // cx counts from a pixel's centre
      cy: (height - scale * lens.height) / 2 + scale * (lens.cy + 0.5),
    };
  }

  /** Return the 4x4 matrix, column by column, from the camera's frame to WebGL's clip space, and its near and far. */
  matrix(width, height) {
    const { right, down, forward, eye } = this;
    const reach = Math.hypot(...along(this.scene.center, eye, -1)) + this.scene.radius;
    const far = Math.max(20 * this.distance, 2 * reach);
    const near = Math.max(far / 2e5, Math.min(0.02 * this.distance, 0.05));
    const { fx, fy, cx, cy } = this.fit(width, height);
    const rows = [
      { across: (2 * fx) / width, axis: right, depth: (2 * cx) / width - 1 },
      { across: (-2 * fy) / height, axis: down, depth: 1 - (2 * cy) / height },
    ].map(({ across, axis, depth }) => axis.map((value, i) => value * across + forward[i] * depth));
    rows.push(forward.map((value) => (value * (far + near)) / (far - near)), forward);
    const shift = [0, 0, (-2 * far * near) / (far - near), 0];
    const matrix = new Float32Array(16);
    rows.forEach((row, i) => {
      for (let j = 0; j < 3; j++) matrix[4 * j + i] = row[j];
      matrix[12 + i] = shift[i] - dot(row, eye);
    });
    return { matrix, near, far };
  }

  /** Return where a point is seen: pixels x, y and its depth in metres; null = behind the eye. */
  project(point, width, height) {
    const ray = along(point, this.eye, -1);
    const depth = dot(this.forward, ray);
    if (!(depth > 1e-6)) return null;
    const { fx, fy, cx, cy } = this.fit(width, height);
    return [cx + (fx * dot(this.right, ray)) / depth, cy + (fy * dot(this.down, ray)) / depth, depth];
  }
}

/** Set the axes of the coordinates that come: "optical" (x right, y down, z forward) or "body" (x forward, z up). */
export function frameNamed(name) {
  if (!(name in FRAMES)) throw new RangeError(`unknown frame '${name}': optical or body`);
  return FRAMES[name];
}
