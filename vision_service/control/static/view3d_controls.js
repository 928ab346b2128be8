// Mouse, touch and keyboard for the 3D view.

const TURN = 0.0075; // radians for a pixel
const STEP = 0.12; // radians for a press of an arrow key
const PAN_STEP = 0.06; // of the image's height, likewise
const ZOOM_STEP = 1.15;

export const HELP =
  "3D view. Arrow keys turn it, with Shift they move it, plus and minus zoom, Home shows the camera's view, F the free view.";

export class Controls {
  /**
   * @param {HTMLElement} element What is pointed at; it is made focusable.
   * @param {Viewpoint} viewpoint What is moved.
   * @param {() => void} moved Called after it has moved.
   */
  constructor(element, viewpoint, moved) {
    this._element = element;
    this._viewpoint = viewpoint;
    this._moved = moved;
    this._pointers = new Map();
    this._listening = new AbortController();
    if (element.tabIndex < 0) element.tabIndex = 0;
    element.style.touchAction = "none"; // a finger on the view turns it and does not scroll the page
    element.setAttribute("role", "application");
    if (!element.hasAttribute("aria-label")) element.setAttribute("aria-label", HELP);
    const on = (name, handle, options = {}) =>
      element.addEventListener(name, handle, { signal: this._listening.signal, ...options });
    on("pointerdown", (event) => this._down(event));
    on("pointermove", (event) => this._move(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      on(name, (event) => this._pointers.delete(event.pointerId));
    }
    on("wheel", (event) => this._wheel(event), { passive: false });
    on("contextmenu", (event) => event.preventDefault()); // the right button moves the view
    on("keydown", (event) => this._key(event));
  }

  dispose() {
    this._listening.abort();
    this._pointers.clear();
  }

  _down(event) {
    this._pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    try {
      this._element.setPointerCapture(event.pointerId);
    } catch {
      // The pointer is gone already.
    }
    this._element.focus({ preventScroll: true });
  }

  _move(event) {
    const before = this._pointers.get(event.pointerId);
    if (!before) return;
    const gap = this._gap();
    const moved = { x: event.clientX - before.x, y: event.clientY - before.y };
    this._pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const fingers = this._pointers.size;
    const height = this._element.clientHeight || 1;
    if (fingers > 1) {
      if (gap > 0 && this._gap() > 0) this._viewpoint.zoom(gap / this._gap());
      this._viewpoint.pan(moved.x / fingers / height, moved.y / fingers / height);
    } else if (event.buttons & 6 || event.shiftKey) {
      this._viewpoint.pan(moved.x / height, moved.y / height);
    } else {
      this._viewpoint.orbit(moved.x * TURN, moved.y * TURN);
    }
    this._moved();
  }

  /** Return how far two fingers are apart, pixels. */
  _gap() {
    if (this._pointers.size !== 2) return 0;
    const [one, other] = [...this._pointers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  }

  _wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
    this._viewpoint.zoom(Math.exp(Math.max(-300, Math.min(300, pixels)) * 0.0015));
    this._moved();
  }

  _key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const viewpoint = this._viewpoint;
    const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (across !== undefined) {
      if (event.shiftKey) viewpoint.pan(across * PAN_STEP, down * PAN_STEP);
      else viewpoint.orbit(across * STEP, down * STEP);
    } else if (event.key === "+" || event.key === "=") viewpoint.zoom(1 / ZOOM_STEP);
    else if (event.key === "-" || event.key === "_") viewpoint.zoom(ZOOM_STEP);
    else if (event.key === "Home" || event.key === "0") viewpoint.toCamera();
    else if (event.key === "f" || event.key === "F") viewpoint.toFree();
    else return;
    event.preventDefault();
    this._moved();
  }
}
