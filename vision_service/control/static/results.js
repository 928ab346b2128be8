// What a service says, as tables and bars; and the events as they come.

import { colorOf } from "./colors.js";
import { byId, el, fill, number, setText } from "./dom.js";

const PERIOD = 200; // milliseconds between two changes of the table: nobody reads faster
const MOST_EVENTS = 200;

let drawn = 0;
let pending = null;

export function showResults(header) {
  clearTimeout(pending);
  const wait = drawn + PERIOD - performance.now();
  if (wait > 0) pending = setTimeout(() => showResults(header), wait);
  else {
    drawn = performance.now();
    fill(byId("results"), tables(header));
    const found = (header.objects || []).length || (header.detections || []).length;
    setText(byId("result-count"), header.detections || header.objects ? `(${found})` : "");
  }
}

export function noResults(text) {
  clearTimeout(pending);
  fill(byId("results"), el("p", { class: "empty" }, text));
  setText(byId("result-count"), "");
}

function tables(header) {
  const made = [];
  if (header.error) made.push(el("p", { class: "empty", role: "alert" }, `No result: ${header.error}`));
  if (header.classifications) made.push(bars(header.classifications));
  if (header.objects) made.push(objects(header.objects, header.objects_frame_id));
  if (header.detections && !(header.objects && header.objects.length)) made.push(detections(header.detections));
  if (header.classes) made.push(el("p", { class: "empty" }, `Labels pixels as: ${header.classes.names.filter(Boolean).join(", ")}`));
  if (!made.length) made.push(el("p", { class: "empty" }, header.service ? "No result yet" : "The camera alone: choose a vision service"));
  return made;
}

function swatch(name, index) {
  const made = el("span", { class: "swatch" });
  made.style.backgroundColor = colorOf(name, index);
  return made;
}

function bars(found) {
  if (!found.length) return el("p", { class: "empty" }, "Nothing above the threshold");
  return el(
    "div",
    { class: "bars", role: "list", "aria-label": "Classifications" },
    found.map(({ class_name: name, confidence }, place) => {
      const bar = el("i");
      bar.style.width = `${Math.max(0, Math.min(1, confidence || 0)) * 100}%`;
      return el(
        "div",
        { role: "listitem", class: place ? "" : "first" },
        el("span", {}, name),
        el("span", { class: "track", "aria-hidden": "true" }, bar),
        el("span", {}, `${((confidence || 0) * 100).toFixed(1)} %`),
      );
    }),
  );
}

function table(columns, rows) {
  const head = columns.map(([name, right]) => el("th", { scope: "col", class: right ? "right" : "" }, name));
  const body = rows.map((cells) => el("tr", {}, cells.map((cell, place) => el("td", { class: columns[place][1] ? "right" : "" }, cell))));
  return el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body));
}

function detections(found) {
  if (!found.length) return el("p", { class: "empty" }, "Nothing found");
  const has = (name) => found.some((each) => each[name] && (!Array.isArray(each[name]) || each[name].length));
  const columns = [["class"], ...(has("id") ? [["track"]] : []), ["confidence", true], ["left", true], ["top", true], ["width", true], ["height", true]];
  if (has("box")) columns.push(["angle", true]);
  if (has("mask")) columns.push(["mask", true]);
  if (has("keypoints")) columns.push(["keypoints", true]);
  const rows = found.map((each) => {
    const cells = [[swatch(each.class_name, each.class_index), each.class_name || "–"]];
    if (has("id")) cells.push(each.id || "–");
    cells.push(number(each.confidence), number(each.x_min, 1), number(each.y_min, 1));
    cells.push(number(each.x_max - each.x_min, 1), number(each.y_max - each.y_min, 1));
    if (has("box")) cells.push(each.box ? `${((each.box.angle * 180) / Math.PI).toFixed(1)}°` : "–");
    if (has("mask")) cells.push(each.mask ? `${each.mask.counts.filter((_, place) => place % 2).reduce((sum, count) => sum + count, 0)} px` : "–");
    if (has("keypoints")) cells.push(each.keypoints ? String(each.keypoints.length) : "–");
    return cells;
  });
  return table(columns, rows);
}

function objects(found, frame) {
  if (!found.length) return el("p", { class: "empty" }, "No objects in space");
  const columns = [["object"], ["confidence", true], ["points", true], [`x, y, z in ${frame} [m]`, true], ["size [m]", true]];
  const place = (values) => values.map((value) => number(value, 3)).join("  ");
  return table(
    columns,
    found.map((each) => [
      [swatch(each.label || each.id || "object"), each.id || each.label || "–"],
      number(each.confidence),
      each.points === null ? "–" : String(each.points),
      place(each.center),
      place(each.size),
    ]),
  );
}

const events = [];

// Says what an event tells: of a zone (person_3@shop, person_3@door:inside), of a track, or of the best class.
function happened({ previous, current }) {
  const [track, zone] = splitLast(current || previous, "@");
  if (track && zone && previous && current) {
    const [name, to] = splitLast(zone, ":");
    const from = splitLast(previous, ":")[1];
    if (name && to && from) return `${track} crosses ${name}: ${from} → ${to}`;
  } else if (track && zone) return `${track} ${current ? "enters" : "leaves"} ${zone}`;
  if (current && previous) return `${previous} → ${current}`;
  return current ? `${current} came` : `${previous} went`;
}

function splitLast(text, mark) {
  const place = text.lastIndexOf(mark);
  return place < 0 ? ["", ""] : [text.slice(0, place), text.slice(place + 1)];
}

export function addEvent(said) {
  events.unshift({ ...said, came: new Date() });
  events.length = Math.min(events.length, MOST_EVENTS);
  showEvents();
}

export function clearEvents() {
  events.length = 0;
  showEvents();
}

function showEvents() {
  setText(byId("event-count"), events.length ? `(${events.length})` : "");
  if (!events.length) {
    const hint = "No events yet. They come when a track begins or ends, or the best class changes (parameter event_threshold).";
    fill(byId("events"), el("p", { class: "empty" }, hint));
    return;
  }
  fill(
    byId("events"),
    table(
      [["time"], ["camera"], ["what"], ["confidence", true]],
      events.map((each) => [
        each.came.toLocaleTimeString(),
        each.camera,
        happened(each),
        each.current ? number(each.confidence) : "–",
      ]),
    ),
  );
}
