// The 3D view of the control page: a camera's points and the boxes of objects in them, by WebGL2 and nothing else.
//
//   const view = new View3D(canvas, { labelLayer });
//   view.setPoints(xyz, rgb);            // Float32Array, three a point, metres; Uint8Array likewise, or null
//   view.setBoxes([{ center, size, quaternion, label, color }]);
//
// Coordinates are those of a camera's optical frame in ROS: x right, y down, z forward. Nothing is drawn while nothing
// changes. Without WebGL2 (View3D.supported() is false) the page shows images only.

import { boxOf, EDGES } from "./view3d_boxes.js";
import { Controls } from "./view3d_controls.js";
import { Labels } from "./view3d_labels.js";
import { colorByDistance, sceneOf, spacingOf } from "./view3d_scene.js";
import { GRID, LINES, POINTS, programOf, SHADING } from "./view3d_shaders.js";
import { along, cross, dot, frameNamed, normalized, Viewpoint } from "./view3d_viewpoint.js";

const THEMES = {
  dark: { background: [18, 22, 28], grid: [150, 170, 190], halo: [0, 0, 0, 0.55], lens: [235, 240, 245] },
  light: { background: [246, 248, 250], grid: [70, 85, 105], halo: [20, 28, 38, 0.6], lens: [40, 48, 60] },
};
const SHARPEST = 2; // device pixels for each of CSS: more costs much and shows little

const LINE_BYTES = 28; // two ends of three floats, and a colour of four bytes

export class View3D {
  /** Return whether this browser can show it. */
  static supported() {
    if (supported === undefined) {
      try {
        const gl = document.createElement("canvas").getContext("webgl2");
        supported = gl !== null;
        gl?.getExtension("WEBGL_lose_context")?.loseContext(); // browsers keep few contexts
      } catch {
        supported = false;
      }
    }
    return supported;
  }

  /**
   * @param {HTMLCanvasElement} canvas Is drawn on; its size follows that of the element on the page.
   * @param {object} options
   * @param {HTMLElement} [options.labelLayer] Lies over the canvas, with the same size; without it there are no labels.
   * @param {"dark" | "light" | "auto"} [options.theme] Colours of the background; auto = as the browser is set.
   * @param {(mode: "camera" | "free") => void} [options.onViewChange] Told when the view leaves the camera's, or returns.
   * @throws {Error} If there is no WebGL2.
   */
  constructor(canvas, { labelLayer = null, theme = "auto", onViewChange = () => {} } = {}) {
    this._canvas = canvas;
    const gl = canvas.getContext("webgl2", { antialias: true, alpha: false, powerPreference: "low-power" });
    if (!gl) throw new Error("this browser has no WebGL2: there is no 3D view");
    this._gl = gl;
    this._labels = labelLayer && new Labels(labelLayer);
    this._onViewChange = onViewChange;
    this._viewpoint = new Viewpoint();
    this._told = this._viewpoint.mode;
    this._points = { xyz: new Float32Array(0), rgb: new Uint8Array(0), spacing: 0.005 };
    this._boxes = [];
    this._untouched = true; // the view follows the scene until somebody moves it
    /** What is drawn, for tests and for whoever wonders: frames, points, boxes, grid, and the range of depth colours. */
    this.stats = { frames: 0, points: 0, boxes: 0, grid: true, depthRange: null, lost: false };

    this._listening = new AbortController();
    const { signal } = this._listening;
    canvas.addEventListener("webglcontextlost", (event) => this._lost(event), { signal });
    canvas.addEventListener("webglcontextrestored", () => this._restored(), { signal });
    this._dark = matchMedia("(prefers-color-scheme: dark)");
    this._dark.addEventListener("change", () => this._draw(), { signal });
    this._theme = theme;
    this._controls = new Controls(canvas, this._viewpoint, () => this._moved());
    this._sizes = new ResizeObserver(() => this._draw());
    this._sizes.observe(canvas);
    if (gl.isContextLost()) this.stats.lost = true;
    else this._prepare();
    this._draw();
  }

  /** Which view is shown: "camera" or "free". */
  get mode() {
    return this._viewpoint.mode;
  }

  /**
   * Show points instead of those before; what is not finite is left out.
   * @param {Float32Array} xyz Three a point, metres.
   * @param {Uint8Array | null} rgb Three a point; null = the distance is shown as colour, near ones light.
   */
  setPoints(xyz, rgb = null) {
    const count = Math.floor(xyz.length / 3);
    const colored = rgb !== null && rgb.length >= 3 * count;
    const kept = new Float32Array(3 * count);
    const colors = new Uint8Array(3 * count);
    let n = 0;
    for (let i = 0; i < 3 * count; i += 3) {
      const [x, y, z] = [xyz[i], xyz[i + 1], xyz[i + 2]];
      if (!Number.isFinite(x + y + z)) continue;
      kept[n] = x;
      kept[n + 1] = y;
      kept[n + 2] = z;
      if (colored) {
        colors[n] = rgb[i];
        colors[n + 1] = rgb[i + 1];
        colors[n + 2] = rgb[i + 2];
      }
      n += 3;
    }
    const places = kept.subarray(0, n);
    const tints = colors.subarray(0, n);
    this.stats.depthRange = colored ? null : colorByDistance(places, tints, this._viewpoint.frame.forward);
    this._points = { xyz: places, rgb: tints, spacing: spacingOf(places) };
    if (n) this._viewpoint.scene = sceneOf(places, this._viewpoint.frame.forward);
    if (n && this._untouched) {
      if (this.mode === "camera") this._viewpoint.toCamera();
      this._untouched = this.mode === "camera";
    }
    this._upload();
    this._draw();
  }

  /**
   * Show boxes instead of those before.
   * @param {{center: number[], size: number[], quaternion?: number[], label?: string, color?: string | number[]}[]} boxes
   *   Metres; the quaternion is x, y, z, w; the colour "#rrggbb" or three numbers up to 255. One that has a number
   *   that is not finite is left out.
   */
  setBoxes(boxes) {
    this._boxes = boxes.map(boxOf).filter((box) => box !== null);
    this._upload();
    this._draw();
  }

  /** Take a camera's lens, so that its view shows what its image shows; null = unknown: 60 degrees across. */
  setIntrinsics(lens) {
    const known = lens && [lens.width, lens.height, lens.fx, lens.fy].every((value) => value > 0);
    this._viewpoint.lens = known ? lens : new Viewpoint().lens;
    this._draw();
  }

  /** Lay the grid onto the ground {normal, distance}: its points p have normal . p = distance, its normal is up. */
  setGround(ground) {
    const finite = ground && [...ground.normal, ground.distance].every(Number.isFinite) && Math.hypot(...ground.normal) > 0;
    this._viewpoint.ground = finite ? { normal: normalized(ground.normal), distance: ground.distance } : null;
    this._draw();
  }

  /** Show the grid on the ground, or not. */
  setGrid(on) {
    this.stats.grid = Boolean(on);
    this._draw();
  }

  /** Take coordinates as "optical" (x right, y down, z forward: cameras) or "body" (x forward, z up: lidars). */
  setFrame(name) {
    this._viewpoint.frame = frameNamed(name);
    this.resetToCamera();
  }

  /** Show "dark", "light", or "auto": as the browser is set. */
  setTheme(theme) {
    this._theme = theme;
    this._draw();
  }

  /** Show what the camera sees, from its place. */
  resetToCamera() {
    this._viewpoint.toCamera();
    this._untouched = true;
    this._moved();
  }

  /** Show all points from aside and above. */
  freeView() {
    this._viewpoint.toFree();
    this._moved();
  }

  /** Let go of everything; the canvas may be used by another view then. */
  dispose() {
    this._disposed = true;
    cancelAnimationFrame(this._pending ?? 0);
    this._listening.abort();
    this._controls.dispose();
    this._sizes.disconnect();
    this._labels?.dispose();
    if (!this._gl.isContextLost()) this._release();
  }

  _moved() {
    if (this.mode !== "camera") this._untouched = false;
    if (this.mode !== this._told) {
      this._told = this.mode;
      this._onViewChange(this.mode);
    }
    this._draw();
  }

  _colors() {
    const theme = this._theme === "auto" ? (this._dark.matches ? "dark" : "light") : this._theme;
    return THEMES[theme] ?? THEMES.dark;
  }

  // The graphics processor: what it holds is lost with the context, and made anew of what is kept here.

  _lost(event) {
    event.preventDefault(); // else the browser never restores it
    this.stats.lost = true;
    cancelAnimationFrame(this._pending ?? 0);
    this._pending = undefined;
  }

  _restored() {
    this.stats.lost = false;
    this._prepare();
    this._upload();
    this._draw();
  }

  _prepare() {
    const gl = this._gl;
    this._programs = { points: POINTS, shading: SHADING, grid: GRID, lines: LINES };
    for (const [name, source] of Object.entries(this._programs)) this._programs[name] = programOf(gl, source);
    this._nothing = gl.createVertexArray();
    this._buffers = { places: gl.createBuffer(), tints: gl.createBuffer(), lines: gl.createBuffer() };
    this._cloud = gl.createVertexArray();
    gl.bindVertexArray(this._cloud);
    gl.bindBuffer(gl.ARRAY_BUFFER, this._buffers.places);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, this._buffers.tints);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 3, gl.UNSIGNED_BYTE, true, 0, 0);
    this._lineArray = gl.createVertexArray();
    gl.bindVertexArray(this._lineArray);
    gl.bindBuffer(gl.ARRAY_BUFFER, this._buffers.lines);
    for (const [index, size, type, scaled, offset] of [
      [0, 3, gl.FLOAT, false, 0], [1, 3, gl.FLOAT, false, 12], [2, 4, gl.UNSIGNED_BYTE, true, 24],
    ]) {
      gl.enableVertexAttribArray(index);
      gl.vertexAttribPointer(index, size, type, scaled, LINE_BYTES, offset);
      gl.vertexAttribDivisor(index, 1);
    }
    gl.bindVertexArray(null);
    this._target = null;
  }

  _release() {
    const gl = this._gl;
    for (const { program } of Object.values(this._programs)) gl.deleteProgram(program);
    for (const buffer of Object.values(this._buffers)) gl.deleteBuffer(buffer);
    for (const array of [this._cloud, this._lineArray, this._nothing]) gl.deleteVertexArray(array);
    this._releaseTarget();
  }

  _releaseTarget() {
    if (!this._target) return;
    this._gl.deleteFramebuffer(this._target.frame);
    this._gl.deleteTexture(this._target.colors);
    this._gl.deleteTexture(this._target.depths);
    this._target = null;
  }

  _upload() {
    const gl = this._gl;
    this.stats.points = this._points.xyz.length / 3;
    this.stats.boxes = this._boxes.length;
    if (this.stats.lost) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, this._buffers.places);
    gl.bufferData(gl.ARRAY_BUFFER, this._points.xyz, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this._buffers.tints);
    gl.bufferData(gl.ARRAY_BUFFER, this._points.rgb, gl.DYNAMIC_DRAW);
  }

  /** Return what points are drawn into, of the canvas's size. */
  _targetOf(width, height) {
    const gl = this._gl;
    if (this._target?.width === width && this._target.height === height) return this._target;
    this._releaseTarget();
    const texture = (format) => {
      const made = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, made);
      gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
      for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
      return made;
    };
    const [colors, depths] = [texture(gl.RGBA8), texture(gl.DEPTH_COMPONENT24)];
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, colors, 0);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.DEPTH_ATTACHMENT, gl.TEXTURE_2D, depths, 0);
    this._target = { width, height, frame, colors, depths };
    return this._target;
  }

  // Drawing.

  _draw() {
    if (this._disposed || this._pending !== undefined) return;
    this._pending = requestAnimationFrame(() => {
      this._pending = undefined;
      if (!this.stats.lost && !this._gl.isContextLost()) this._render();
    });
  }

  _render() {
    const canvas = this._canvas;
    const ratio = Math.min(SHARPEST, window.devicePixelRatio || 1);
    const [cssWidth, cssHeight] = [canvas.clientWidth, canvas.clientHeight];
    if (!cssWidth || !cssHeight) return; // hidden
    const [width, height] = [Math.round(cssWidth * ratio), Math.round(cssHeight * ratio)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const colors = this._colors();
    const seen = { width, height, ratio, colors, ...this._viewpoint.matrix(width, height) };
    const gl = this._gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    gl.depthMask(true);
    gl.clearColor(...colors.background.map((value) => value / 255), 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.disable(gl.BLEND);
    this._drawPoints(seen);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthMask(false);
    if (this.stats.grid) this._drawGrid(seen);
    this._drawLines(seen);
    gl.bindVertexArray(null);
    this._labels?.show(this._wantedLabels(cssWidth, cssHeight));
    this.stats.frames += 1;
  }

  _drawPoints(seen) {
    const gl = this._gl;
    const count = this._points.xyz.length / 3;
    if (!count) return;
    const target = this._targetOf(seen.width, seen.height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target.frame);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const { program, at } = this._programs.points;
    gl.useProgram(program);
    gl.uniformMatrix4fv(at("matrix"), false, seen.matrix);
    gl.uniform1f(at("focal"), this._viewpoint.fit(seen.width, seen.height).fx);
    gl.uniform1f(at("spacing"), this._points.spacing);
    gl.uniform1f(at("pixelRatio"), seen.ratio);
    gl.bindVertexArray(this._cloud);
    gl.drawArrays(gl.POINTS, 0, count);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    const shading = this._programs.shading;
    gl.useProgram(shading.program);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, target.colors);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, target.depths);
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform1i(shading.at("colors"), 0);
    gl.uniform1i(shading.at("depths"), 1);
    gl.uniform2f(shading.at("range"), seen.near, seen.far);
    gl.uniform1f(shading.at("reach"), 1.4 * seen.ratio);
    gl.uniform3fv(shading.at("background"), seen.colors.background.map((value) => value / 255));
    const { scene, distance } = this._viewpoint;
    gl.uniform2f(shading.at("haze"), distance, Math.max(distance, 3 * scene.radius));
    gl.bindVertexArray(this._nothing);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  _drawGrid(seen) {
    const gl = this._gl;
    const { up, distance, ground, scene } = this._viewpoint;
    const level = ground ? ground.distance : scene.lowest?.(up) ?? dot(up, along(scene.center, up, -scene.radius));
    // A little below what stands or lies on it, whose points would else be striped by it.
    const low = level - 0.004 * distance;
    const middle = scene.center;
    const center = along(middle, up, low - dot(up, middle));
    const across = normalized(cross(up, Math.abs(up[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0]));
    const extent = 3.2 * scene.radius + distance;
    const cell = 10 ** Math.round(Math.log10(Math.max(scene.radius, 1e-3) / 6));
    const { program, at } = this._programs.grid;
    gl.useProgram(program);
    gl.uniformMatrix4fv(at("matrix"), false, seen.matrix);
    gl.uniform3fv(at("center"), center);
    gl.uniform3fv(at("across"), across);
    gl.uniform3fv(at("along"), cross(up, across));
    gl.uniform1f(at("extent"), extent);
    gl.uniform1f(at("cell"), cell);
    gl.uniform3fv(at("color"), seen.colors.grid.map((value) => value / 255));
    gl.bindVertexArray(this._nothing);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  _drawLines(seen) {
    const gl = this._gl;
    const lines = [];
    for (const box of this._boxes) {
      for (const [from, to] of EDGES) lines.push([box.corners[from], box.corners[to], box.color, 255]);
    }
    if (this.mode === "free") lines.push(...this._cameraLines(seen));
    if (!lines.length) return;
    const data = new ArrayBuffer(lines.length * LINE_BYTES);
    const numbers = new Float32Array(data);
    const bytes = new Uint8Array(data);
    lines.forEach(([start, end, color, alpha], i) => {
      numbers.set(start, (i * LINE_BYTES) / 4);
      numbers.set(end, (i * LINE_BYTES) / 4 + 3);
      bytes.set([...color, alpha], i * LINE_BYTES + 24);
    });
    gl.bindBuffer(gl.ARRAY_BUFFER, this._buffers.lines);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
    const { program, at } = this._programs.lines;
    gl.useProgram(program);
    gl.uniformMatrix4fv(at("matrix"), false, seen.matrix);
    gl.uniform2f(at("halfSize"), seen.width / 2, seen.height / 2);
    gl.uniform1f(at("near"), seen.near);
    gl.bindVertexArray(this._lineArray);
    const [red, green, blue, alpha] = seen.colors.halo;
    const pass = (width, halo, opacity) => {
      gl.uniform1f(at("width"), width * seen.ratio);
      gl.uniform4f(at("halo"), red / 255, green / 255, blue / 255, halo ? alpha : 0);
      gl.uniform1f(at("opacity"), opacity);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, lines.length);
    };
    gl.disable(gl.DEPTH_TEST); // what of a box is hidden shines through
    pass(1.4, false, 0.45);
    gl.enable(gl.DEPTH_TEST);
    pass(3.6, true, 1);
    pass(2.2, false, 1);
  }

  /** Return the lines that show where the camera is and where it looks: its axes, and the pyramid of its view. */
  _cameraLines(seen) {
    const { frame, lens, scene } = this._viewpoint;
    const long = 0.16 * Math.max(scene.depth, scene.radius);
    const rays = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([right, down]) => {
      const across = (right * lens.width - lens.cx - 0.5) / lens.fx;
      const below = (down * lens.height - lens.cy - 0.5) / lens.fy;
      return frame.forward.map((value, i) => long * (value + across * frame.right[i] + below * frame.down[i]));
    });
    const origin = [0, 0, 0];
    const lines = rays.flatMap((ray, i) => [
      [origin, ray, seen.colors.lens, 200],
      [ray, rays[(i + 1) % 4], seen.colors.lens, 200],
    ]);
    const axes = [[230, 70, 70], [80, 190, 90], [80, 130, 240]]; // x, y, z, as everywhere in ROS
    axes.forEach((color, i) => lines.push([origin, origin.map((_, j) => (i === j ? 0.6 * long : 0)), color, 255]));
    return lines;
  }

  _wantedLabels(width, height) {
    const wanted = [];
    for (const { label, color, corners, center } of this._boxes) {
      if (!label || !this._viewpoint.project(center, width, height)) continue;
      const seen = corners.map((corner) => this._viewpoint.project(corner, width, height)).filter((corner) => corner);
      const xs = seen.map(([x]) => x);
      const [left, right] = [Math.min(...xs), Math.max(...xs)];
      const [top, bottom] = [Math.min(...seen.map(([, y]) => y)), Math.max(...seen.map(([, y]) => y))];
      if (right < 0 || left > width || bottom < 0 || top > height) continue;
      wanted.push({ text: label, x: (left + right) / 2, y: top, depth: Math.min(...seen.map(([, , z]) => z)), color });
    }
    return wanted;
  }
}

let supported;
