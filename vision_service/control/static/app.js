// The control page: what is chosen, and who shows it.

import { ask, logIn } from "./api.js";
import { nameClasses } from "./colors.js";
import { showCommands } from "./commands.js";
import { byId, el, fill, milliseconds, radios, save, setText, tabs } from "./dom.js";
import { acceptFiles } from "./drop.js";
import { addLatency, forgetLatencies, hideHealth, quantile, showHealth } from "./health.js";
import { showModel } from "./model.js";
import { draw, forgetTrails } from "./overlay.js";
import { showParameters } from "./parameters.js";
import { Rate } from "./rate.js";
import { Record } from "./record.js";
import { addEvent, clearEvents, noResults, showResults } from "./results.js";
import { openSpace, showCloud, spaceHint, spaceStats, spaceTheme, toggleGround, whyNoBoxes } from "./space.js";
import { Stream, unpack } from "./stream.js";
import { startTheme, theme } from "./theme.js";

const LISTING_PERIOD = 2000;
const NO_POINTS = 2500; // milliseconds without points, after which it is said that there are none

const chosen = { service: "", camera: "", node: "", live: false, space: false };
let runs = { vision: [], cameras: [], mlmodels: [] };
let paused = false;
let given = false; // whether an answer on a file is shown instead of the camera
let now = null; // what is shown: { header, parts, bitmap }
let stream = null;
let arrivals = new Rate();
let record = null;
let pointsCame = 0; // or are waited for since

// What is chosen.

function entryOf(name) {
  return [...runs.vision, ...runs.cameras, ...runs.mlmodels].find((each) => each.name === name);
}

function choose({ service = "", camera = "" }) {
  Object.assign(chosen, { service, camera, node: service || (entryOf(camera) ? camera : "") });
  remember();
  stream.seconds = 0;
  record.reset();
  backToCamera(false);
  now?.bitmap?.close();
  now = null;
  arrivals = new Rate();
  forgetTrails();
  forgetLatencies();
  clearEvents();
  noResults("Waiting for the first image …");
  clearStage();
  pointsCame = performance.now();
  spaceHint("");
  setText(byId("problem"), "");
  byId("problem").hidden = true;
  showChoice();
  watch();
  showPanel();
}

function watch() {
  const wants = chosen.space ? ["image", "cloud"] : ["image"];
  const wanted = chosen.camera && !given
    ? { service: chosen.service, camera: chosen.camera, mode: chosen.live ? "live" : "result", want: wants }
    : null;
  stream.watch(wanted);
}

function remember() {
  const said = new URLSearchParams();
  for (const name of ["service", "camera"]) if (chosen[name]) said.set(name, chosen[name]);
  history.replaceState(null, "", `${location.pathname}#${said}`);
}

function showChoice() {
  const entry = entryOf(chosen.service || chosen.camera);
  nameClasses((entry && entry.labels) || []);
  setText(byId("title"), chosen.service || chosen.camera || "Nothing chosen");
  const cameras = (chosen.service && entry && entry.cameras) || [];
  byId("camera-choice").hidden = cameras.length < 1;
  fill(byId("camera"), cameras.map((name) => el("option", { value: name, selected: name === chosen.camera }, name)));
  byId("mode-live").disabled = !chosen.service;
  byId("mode-result").disabled = !chosen.service;
  const nodes = [chosen.service, chosen.service ? cameraNode() : chosen.camera, ...runs.mlmodels.map((each) => each.name)];
  const all = [...new Set(nodes.filter((name) => name && entryOf(name)))];
  fill(byId("node"), all.map((name) => el("option", { value: name, selected: name === chosen.node }, name)));
  for (const button of document.querySelectorAll(".nodes button")) {
    const current = button.dataset.name === (chosen.service || chosen.camera);
    if (current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

// The node of a service's camera, if it is one of this package in the same namespace.
function cameraNode() {
  const namespace = chosen.service.slice(0, chosen.service.lastIndexOf("/"));
  const name = chosen.camera.startsWith("/") ? chosen.camera : `${namespace}/${chosen.camera}`;
  return entryOf(name) ? name : "";
}

// What runs.

async function list() {
  let found;
  try {
    found = await ask("nodes");
  } catch (error) {
    if (error.status === 401) state("bad", error.message);
    return;
  }
  const before = JSON.stringify(runs);
  runs = found;
  if (JSON.stringify(found) === before) return;
  showNodes();
  const known = (name) => entryOf(name) !== undefined;
  if (!chosen.camera) {
    const asked = new URLSearchParams(location.hash.slice(1));
    const [service, camera] = [asked.get("service") || "", asked.get("camera") || ""];
    if (camera && (known(service) || known(camera))) choose({ service, camera });
    else first();
  } else showChoice();
}

function first() {
  const able = runs.vision.filter((each) => each.state === "active" && each.default_camera);
  const best = able.find((each) => each.can && each.can.includes("detect")) || able[0];
  if (best) choose({ service: best.name, camera: best.default_camera });
  else if (runs.cameras.length) choose({ camera: runs.cameras[0].name });
  else noResults("No camera and no vision service runs (yet): vision-service run my_robot.yaml");
}

function showNodes() {
  const item = (each, kind, press) => {
    const wrong = each.last_error || each.troubles.length;
    const active = each.state === "active" || each.state === "";
    const mark = !active ? (wrong || each.state === "does not answer" ? "bad" : "off") : wrong ? "warn" : "active";
    const more = [each.model || each.driver || kind, active ? (wrong ? "with problems" : "") : each.state].filter(Boolean).join(", ");
    return el(
      "li",
      {},
      el(
        "button",
        { data: { name: each.name }, title: each.last_error || each.troubles.join("; ") || more, onclick: press },
        el("span", { class: "dot", data: { state: mark }, "aria-hidden": "true" }),
        el("span", { class: "name" }, each.name.replace(/^\//, "")),
        el("span", { class: "kind" }, more),
      ),
    );
  };
  const keep = document.activeElement?.dataset?.name;
  fill(byId("services"), runs.vision.map((each) => item(each, "vision", () => chooseService(each))));
  fill(byId("cameras"), runs.cameras.map((each) => item(each, "topic", () => choose({ camera: each.name }))));
  fill(byId("mlmodels"), runs.mlmodels.map((each) => item(each, "ML model", () => chooseNode(each.name))));
  byId("mlmodels-title").hidden = !runs.mlmodels.length;
  if (!runs.vision.length) fill(byId("services"), el("li", { class: "soft" }, "none"));
  if (!runs.cameras.length) fill(byId("cameras"), el("li", { class: "soft" }, "none"));
  if (keep) document.querySelector(`.nodes button[data-name="${CSS.escape(keep)}"]`)?.focus();
  showChoice();
}

function chooseService(entry) {
  const camera = entry.default_camera || (entry.cameras || [])[0] || "";
  choose({ service: entry.name, camera });
  if (!camera) problem(`${entry.name} looks at no camera of its own: drop an image, or look at its health`);
}

function chooseNode(name) {
  chosen.node = name;
  showChoice();
  showPanel();
}

// What is shown.

function clearStage() {
  const canvas = byId("image");
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  setText(byId("facts"), "");
  byId("stale").hidden = true;
}

function options() {
  const on = (name) => byId(`show-${name}`).checked;
  return { labels: on("labels"), masks: on("masks"), keypoints: on("keypoints"), trails: on("trails"), zones: on("zones") };
}

function redraw() {
  if (!now) return;
  const { header, bitmap, parts } = now;
  const canvas = byId("image");
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const wide = Math.max(1, Math.round(canvas.parentElement.clientWidth * ratio));
  const [width, height] = [header.width || 640, header.height || 480];
  const most = Math.max(240, window.innerHeight * 0.62 * ratio);
  const scale = Math.min(wide / width, most / height);
  const size = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== size[0] || canvas.height !== size[1]) {
    [canvas.width, canvas.height] = size;
    canvas.style.width = `${size[0] / ratio}px`;
    canvas.style.height = `${size[1] / ratio}px`;
  }
  const context = canvas.getContext("2d");
  if (bitmap) context.drawImage(bitmap, 0, 0, ...size);
  else {
    context.fillStyle = "#0b0f14";
    context.fillRect(0, 0, ...size);
  }
  draw(context, header, parts, scale, options());
}

function showFrame(header, bitmap, parts) {
  if (given || paused || header.camera !== chosen.camera || header.service !== chosen.service) {
    bitmap?.close();
    return;
  }
  now?.bitmap?.close();
  now = { header, bitmap, parts };
  const time = performance.now();
  arrivals.came(time);
  if (!chosen.live) addLatency(header.latency);
  redraw();
  showResults(header);
  const stale = header.result_stamp !== null && header.result_stamp !== header.stamp;
  byId("stale").hidden = !stale;
  if (stale) setText(byId("stale"), `result of ${milliseconds(Number(BigInt(header.stamp) - BigInt(header.result_stamp)) / 1e9)} before`);
  showFacts(header);
  if (chosen.space && time - pointsCame > NO_POINTS) spaceHint("No points: this camera gives neither a point cloud nor depth with a calibration");
  window.controlPage.counts.drawn += 1;
}

function showFacts(header) {
  const rate = arrivals.perSecond;
  const told = [`${header.width} × ${header.height}`];
  if (header.frame_id) told.push(header.frame_id);
  if (!given && rate !== null) told.push(`${rate.toFixed(1)} images/s`);
  if (header.latency !== null) told.push(given ? `answered in ${milliseconds(header.latency)}` : `frame → result ${milliseconds(quantile(0.5) ?? header.latency)}`);
  setText(byId("facts"), told.join("  ·  "));
}

function cloudCame(header, parts) {
  if (given || paused || header.camera !== chosen.camera || header.service !== chosen.service) return;
  pointsCame = performance.now();
  showCloud(header, parts, now ? now.header.intrinsics : null);
  spaceHint(whyNoBoxes(header, othersInSpace()));
  window.controlPage.counts.clouds += 1;
}

// The services that find objects in space in images of the chosen camera.
function othersInSpace() {
  const node = chosen.service ? cameraNode() || chosen.camera : chosen.camera;
  const same = (each) => (each.cameras || []).some((name) => name === chosen.camera || `/${name}` === node);
  return runs.vision.filter((each) => (each.can || []).includes("segment 3D") && same(each)).map((each) => each.name);
}

function problem(text) {
  setText(byId("problem"), text || "");
  byId("problem").hidden = !text;
}

function state(name, text) {
  byId("connection").dataset.state = name;
  setText(byId("connection"), text);
}

// Files.

function answered(file, kind, buffer) {
  const { header, parts } = unpack(buffer);
  given = true;
  watch();
  problem("");
  const found = (header.detections || header.objects || header.classifications || []).length;
  setText(byId("answer-text"), `${file.name}: ${chosen.service} found ${found || "nothing"}`);
  byId("answer").hidden = false;
  byId("stale").hidden = true;
  if (kind === "cloud") {
    showResults(header);
    now = { header, parts: {}, bitmap: null };
    setText(byId("facts"), `${header.count} points shown`);
    showSpace(true).then(() => {
      showCloud(header, parts, null);
      spaceHint(whyNoBoxes(header, []));
    });
    return;
  }
  showSpace(false);
  createImageBitmap(new Blob([parts.image], { type: "image/jpeg" })).then((bitmap) => {
    now?.bitmap?.close();
    now = { header, bitmap, parts };
    redraw();
    showResults(header);
    showFacts(header);
  });
}

function backToCamera(again = true) {
  byId("answer").hidden = true;
  if (!given) return;
  given = false;
  arrivals = new Rate();
  if (again) watch();
}

// Views.

async function showSpace(on) {
  chosen.space = on;
  byId("view-image").setAttribute("aria-checked", String(!on));
  byId("view-space").setAttribute("aria-checked", String(on));
  byId("image").hidden = on;
  byId("space").hidden = !on;
  pointsCame = performance.now();
  if (on) await openSpace(theme());
  spaceHint("");
  watch();
  redraw();
}

function showLive(on) {
  chosen.live = on;
  stream.seconds = 0;
  record.reset();
  byId("mode-result").setAttribute("aria-checked", String(!on));
  byId("mode-live").setAttribute("aria-checked", String(on));
  arrivals = new Rate();
  watch();
}

function pause() {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  setText(byId("pause"), paused ? "Go on" : "Pause");
}

function fileName(ending) {
  const name = [chosen.service, chosen.camera].filter(Boolean).join("_").replace(/[^\w-]+/g, "_").replace(/^_+/, "");
  return `${name || "control"}_${now ? now.header.stamp : "0"}.${ending}`;
}

function saveImage() {
  const canvas = chosen.space ? byId("space-canvas") : byId("image");
  if (now && canvas) canvas.toBlob((blob) => blob && save(blob, fileName("png")), "image/png");
}

function saveJson() {
  if (!now) return;
  const { parts, seq, ...told } = now.header;
  save(new Blob([JSON.stringify(told, null, 2)], { type: "application/json" }), fileName("json"));
}

// The panel of the chosen node.

const panel = tabs(byId("node-tabs"), () => showPanel());
const resultTabs = tabs(byId("result-tabs"));

function showPanel() {
  hideHealth();
  const node = chosen.node;
  const tab = panel?.chosen();
  if (!node || !tab) {
    if (tab) fill(byId(tab.replace("tab-", "")), el("p", { class: "empty" }, chosen.camera ? "A camera of another package: its node has its own tools." : "Nothing chosen"));
    return;
  }
  if (tab === "tab-parameters") showParameters(node);
  else if (tab === "tab-model") showModel(node, entryOf(node));
  else if (tab === "tab-commands") showCommands(node);
  else showHealth(node, list);
}

// Keys.

// Closes what is open: a menu, or the answer on a file.
function escape(event) {
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (!byId("answer").hidden && !event.target.closest("input, textarea, select")) {
    backToCamera();
    byId("try-file").focus();
  }
}

function key(event) {
  if (event.key === "Escape") {
    escape(event);
    return;
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const does = {
    " ": event.target.closest("button, summary, a") ? null : pause,
    s: saveImage,
    j: saveJson,
    r: () => record.toggle(),
    l: () => chosen.service && showLive(!chosen.live),
    3: () => showSpace(!chosen.space),
    g: () => chosen.space && toggleGround(),
    "/": () => {
      panel.choose("tab-parameters");
      byId("parameter-search")?.focus();
    },
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

async function start() {
  window.controlPage = { counts: { drawn: 0, clouds: 0 }, chosen, shown: () => now && now.header, space: spaceStats };
  startTheme(spaceTheme);
  try {
    await logIn();
  } catch (error) {
    state("bad", error.message);
    return;
  }
  stream = new Stream({
    frame: showFrame,
    cloud: cloudCame,
    event: addEvent,
    watching: (said) => said.camera === chosen.camera && said.service === chosen.service && !given && problem(said.problem),
    state: (name, why) => {
      if (name === "open") {
        state("open", "connected");
        problem("");
      } else {
        state("bad", "no connection: trying again …");
        problem(why || "The server does not answer: the image is an old one. The page connects again by itself.");
      }
    },
  });
  Object.assign(window.controlPage.counts, { stream: stream.counts });
  byId("camera").addEventListener("change", () => choose({ service: chosen.service, camera: byId("camera").value }));
  byId("node").addEventListener("change", () => chooseNode(byId("node").value));
  byId("view-image").addEventListener("click", () => showSpace(false));
  byId("view-space").addEventListener("click", () => showSpace(true));
  byId("mode-result").addEventListener("click", () => showLive(false));
  byId("mode-live").addEventListener("click", () => showLive(true));
  byId("pause").addEventListener("click", pause);
  byId("save-image").addEventListener("click", saveImage);
  byId("save-json").addEventListener("click", saveJson);
  byId("back").addEventListener("click", () => backToCamera());
  for (const name of ["labels", "masks", "keypoints", "trails", "zones"]) byId(`show-${name}`).addEventListener("change", redraw);
  record = new Record(byId("record-place"), {
    shown: () => ({ service: chosen.service, camera: chosen.camera, mode: chosen.live ? "live" : "result" }),
    arm: (seconds) => stream.record(seconds),
    failed: problem,
  });
  acceptFiles(() => chosen.service, {
    asking: (file) => {
      problem("");
      setText(byId("answer-text"), `Asking ${chosen.service} about ${file.name} …`);
      byId("answer").hidden = false;
    },
    opened: answered,
    failed: (message) => {
      byId("answer").hidden = !given;
      problem(message);
    },
  });
  document.querySelectorAll('[role="radiogroup"]').forEach(radios);
  addEventListener("keydown", key);
  addEventListener("resize", redraw);
  resultTabs.choose("tab-results");
  panel.choose("tab-parameters");
  await list();
  setInterval(() => document.hidden || list(), LISTING_PERIOD);
}

start();
