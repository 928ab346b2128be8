// The 3D view of the page: made when it is first shown, and only where the browser has WebGL2.

import { colorOf } from "./colors.js";
import { byId, el, fill } from "./dom.js";

let view = null;
let tried = false;
let last = null;
let shownAxes = "optical";

// Returns whether there is a 3D view; a reason stands in its place if not.
export async function openSpace(theme) {
  if (tried) return view !== null;
  tried = true;
  const place = byId("space");
  try {
    const { View3D } = await import("./view3d.js");
    if (!View3D.supported()) throw new Error("This browser has no WebGL2, so there is no 3D view; images and tables work.");
    const canvas = el("canvas", { id: "space-canvas", tabIndex: 0, role: "img", "aria-label": "Points and objects in space; drag to turn, scroll to come near" });
    const labels = el("div", { class: "space-labels" });
    const reset = el("button", { class: "space-reset", id: "space-reset", title: "The camera's own view (0)" }, "Camera's view");
    const free = el("button", { class: "space-reset", id: "space-free", title: "From aside and above" }, "Free view");
    fill(place, canvas, labels, el("div", { class: "space-tools" }, reset, free));
    view = new View3D(canvas, { labelLayer: labels, theme });
    reset.addEventListener("click", () => view.resetToCamera());
    free.addEventListener("click", () => view.freeView());
    if (last) showCloud(last.header, last.parts, last.intrinsics);
  } catch (error) {
    fill(place, el("p", { class: "notice bad" }, error.message));
  }
  return view !== null;
}

export function spaceTheme(theme) {
  view?.setTheme(theme);
}

export function showCloud(header, parts, intrinsics) {
  last = { header, parts, intrinsics };
  if (!view) return;
  view.setIntrinsics(intrinsics || null);
  const axes = header.axes || "optical";
  if (axes !== shownAxes) view.setFrame((shownAxes = axes));
  view.setGround(header.ground || null);
  const floats = new Float32Array(parts.xyz.buffer, parts.xyz.byteOffset, parts.xyz.byteLength / 4);
  view.setPoints(floats, parts.rgb || null);
  showBoxes(header);
}

// The boxes are those of the points' own frame: newer ones would stand beside their objects.
function showBoxes(header) {
  const inPlace = !header.objects_frame_id || header.objects_frame_id === header.frame_id;
  // Points far from the frame's origin are counted from one of their own; the objects of a "frame" message are not.
  const origin = header.type === "frame" ? last?.header.origin || [0, 0, 0] : [0, 0, 0];
  view?.setBoxes(
    (inPlace ? header.objects || [] : []).map((each) => ({
      center: each.center.map((value, i) => value - origin[i]),
      size: each.size,
      quaternion: each.orientation,
      label: each.id || each.label,
      color: colorOf(each.label || each.id || "object"),
    })),
  );
}

export function spaceStats() {
  return view ? view.stats : null;
}
