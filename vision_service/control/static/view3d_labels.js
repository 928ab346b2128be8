// The labels of the 3D view: HTML over the canvas, so that they are sharp, can be read aloud, and are text only.

const GAP = 3; // pixels between labels

export class Labels {
  /** @param {HTMLElement} layer Lies over the canvas with the same size; its other content stays. */
  constructor(layer) {
    this._layer = layer;
    this._elements = [];
    layer.style.pointerEvents = "none";
    layer.style.overflow = "hidden";
  }

  /**
   * Show labels; those nearer to the eye keep their places, others make room upwards.
   * @param {{text: string, x: number, y: number, depth: number, color: number[]}[]} wanted Pixels of the layer.
   */
  show(wanted) {
    while (this._elements.length > wanted.length) this._elements.pop().remove();
    while (this._elements.length < wanted.length) this._elements.push(this._make());
    const [width, height] = [this._layer.clientWidth, this._layer.clientHeight];
    const order = wanted.map((label, i) => [label, this._elements[i]]).sort((a, b) => a[0].depth - b[0].depth);
    for (const [label, element] of order) fill(element, label);
    const sizes = order.map(([, element]) => [element.offsetWidth, element.offsetHeight]); // one layout for all
    const taken = [];
    order.forEach(([label, element], i) => {
      const [across, tall] = sizes[i];
      const left = Math.max(0, Math.min(width - across, label.x - across / 2));
      let top = Math.min(height - tall, label.y - tall - GAP);
      for (let tries = 0; tries < 12; tries++) {
        const hit = taken.find(([l, t, r, b]) => left < r && left + across > l && top < b && top + tall > t);
        if (!hit) break;
        top = hit[1] - tall - 1;
      }
      top = Math.max(0, top);
      taken.push([left, top, left + across, top + tall]);
      element.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
      element.style.zIndex = String(order.length - i);
    });
  }

  dispose() {
    for (const element of this._elements) element.remove();
    this._elements = [];
  }

  _make() {
    const element = document.createElement("div");
    element.className = "view3d-label";
    Object.assign(element.style, {
      position: "absolute",
      left: "0",
      top: "0",
      padding: "1px 6px",
      borderRadius: "4px",
      font: "600 12px/1.35 system-ui, sans-serif",
      whiteSpace: "nowrap",
      maxWidth: "16em",
      overflow: "hidden",
      textOverflow: "ellipsis",
      boxShadow: "0 1px 3px rgb(0 0 0 / 45%)",
      willChange: "transform",
    });
    this._layer.append(element);
    return element;
  }
}

function fill(element, label) {
  if (element.textContent !== label.text) element.textContent = label.text;
  const [red, green, blue] = label.color;
  element.style.backgroundColor = `rgb(${red} ${green} ${blue})`;
  element.style.color = isBright(label.color) ? "#000" : "#fff";
}

/** Return whether black is easier to read on a colour than white (relative luminance of WCAG 2). */
function isBright([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((value) => (value / 255) ** 2.2);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) ** 2 > 0.05 * 1.05;
}
