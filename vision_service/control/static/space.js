// The 3D view of the page: made when it is first shown, and only where the browser has WebGL2.

import { colorOf } from "./colors.js";
import { byId, el, fill, setText } from "./dom.js";

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
    const ground = el("button", { class: "space-reset", id: "space-ground", "aria-pressed": "true", title: "A grid on the ground (G)" }, "Ground");
    fill(place, canvas, labels, el("div", { class: "space-tools" }, reset, free, ground), el("p", { class: "badge", id: "space-hint", role: "status", hidden: true }));
    view = new View3D(canvas, { labelLayer: labels, theme });
    reset.addEventListener("click", () => view.resetToCamera());
    free.addEventListener("click", () => view.freeView());
    ground.addEventListener("click", toggleGround);
    if (last) showCloud(last.header, last.parts, last.intrinsics);
  } catch (error) {
    fill(place, el("p", { class: "notice bad" }, error.message));
  }
  return view !== null;
}

// Shows the grid on the ground, or hides it.
export function toggleGround() {
  const button = byId("space-ground");
  if (!view || !button) return;
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  view.setGrid(on);
}

// Says why there are no points or no boxes; an empty text = there are some.
export function spaceHint(text) {
  const place = byId("space-hint");
  if (!place) return;
  setText(place, text);
  place.hidden = !text;
}

// Returns why a cloud has no boxes. others: the services that find objects in space in images of the same camera.
export function whyNoBoxes(header, others) {
  if (!header.service) return "A camera alone: choose a service that finds objects in space";
  if (!header.objects) {
    const instead = others.length ? `choose ${others.join(" or ")}` : "docs/objects_in_space.md says which models do";
    return `No boxes: ${header.service} does not find objects in space; ${instead}`;
  }
  if (header.objects_frame_id && header.objects_frame_id !== header.frame_id) {
    return `No boxes: the objects are given in ${header.objects_frame_id}, the points in ${header.frame_id}`;
  }
  return header.objects.length ? "" : `No boxes: ${header.service} finds no object in these points`;
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
