// How a node is: its lifecycle with buttons, what is wrong, rates, ages, the time from frame to result, doctor's findings.

import { ask } from "./api.js";
import { byId, el, fill, milliseconds, number } from "./dom.js";

const PERIOD = 1000;
const KEPT = 600;
const STEPS = {
  unconfigured: ["configure"],
  inactive: ["activate", "cleanup"],
  active: ["deactivate"],
};

const latencies = []; // seconds from frame to result, as they came
let timer = 0;
let node = "";
let built = "";

export function addLatency(seconds) {
  if (seconds === null || seconds === undefined) return;
  latencies.push(seconds);
  if (latencies.length > KEPT) latencies.shift();
}

export function forgetLatencies() {
  latencies.length = 0;
}

export function quantile(share) {
  if (!latencies.length) return null;
  const ordered = [...latencies].sort((one, other) => one - other);
  return ordered[Math.min(ordered.length - 1, Math.ceil(share * ordered.length) - 1)];
}

export function showHealth(chosen, changed) {
  clearInterval(timer);
  node = chosen;
  if (!node) return;
  if (built !== node) build(changed);
  refresh();
  timer = setInterval(() => document.hidden || refresh(), PERIOD);
}

export function hideHealth() {
  clearInterval(timer);
}

function build(changed) {
  built = node;
  const step = (transition) => async () => {
    const message = byId("lifecycle-message");
    message.hidden = true;
    try {
      const { error } = await ask("lifecycle", { node, transition });
      message.textContent = error;
      message.hidden = !error;
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
    }
    await refresh();
    changed();
  };
  const all = ["configure", "activate", "deactivate", "cleanup"];
  fill(
    byId("health"),
    el("h3", {}, "Lifecycle"),
    el(
      "div",
      { class: "row parameter" },
      el("span", { class: "tag", id: "state" }, "…"),
      all.map((name) => el("button", { id: `lifecycle-${name}`, onclick: step(name) }, name === "cleanup" ? "Clean up" : name[0].toUpperCase() + name.slice(1))),
      el("p", { class: "refused", role: "alert", id: "lifecycle-message", hidden: true }),
    ),
    el("h3", {}, "Problems"),
    el("ul", { class: "list", id: "troubles" }),
    el("h3", {}, "Frame to result"),
    el("canvas", { id: "latency", role: "img" }),
    el("p", { class: "facts", id: "latency-facts" }),
    el("h3", {}, "Figures"),
    el("dl", { class: "facts-list", id: "figures" }),
    el("h3", {}, "The whole robot"),
    el("div", { class: "row" }, el("button", { id: "findings-run", onclick: findings }, "Run the doctor")),
    el("ul", { class: "list", id: "findings" }),
  );
}

async function refresh() {
  const asked = node;
  let status;
  try {
    status = await ask("status", { node });
  } catch (error) {
    if (asked === node) {
      byId("state").textContent = "does not answer";
      fill(byId("troubles"), el("li", { class: "bad" }, error.message));
    }
    return;
  }
  if (asked !== node || !byId("state")) return;
  byId("state").textContent = status.state;
  byId("state").className = `tag ${status.state === "active" ? "good" : "warn"}`;
  for (const name of ["configure", "activate", "deactivate", "cleanup"]) {
    byId(`lifecycle-${name}`).disabled = !(STEPS[status.state] || []).includes(name);
  }
  const wrong = [...(status.last_error ? [status.last_error] : []), ...(status.troubles || [])];
  fill(byId("troubles"), wrong.length ? wrong.map((each) => el("li", { class: "warn" }, each)) : el("li", {}, "Nothing is wrong."));
  chart();
  const figures = [["calls", `${status.calls.answered} answered, ${status.calls.failed} failed, ${status.calls.pending} pending`]];
  if (status.last_call_error) figures.push(["last failed call", status.last_call_error]);
  if (status.run_times) {
    figures.push(["runs of the model", `${status.runs}; p50 ${milliseconds(status.run_times.p50)}, p99 ${milliseconds(status.run_times.p99)}`]);
    figures.push(["waiting for the model", String(status.queue)]);
  }
  for (const [camera, rate] of Object.entries(status.frame_rates || {})) {
    const age = status.frame_ages ? status.frame_ages[camera] : null;
    const shown = status.shown && status.shown[camera];
    const dropped = status.dropped ? status.dropped[camera] : 0;
    figures.push([`frames of ${camera}`, `${number(rate, 1)} Hz, newest ${milliseconds(age)} old, ${dropped || 0} dropped for newer ones`]);
    if (shown) figures.push([`results of ${camera}`, `${number(shown.rate, 1)} Hz; p50 ${milliseconds(shown.latency.p50)}, p99 ${milliseconds(shown.latency.p99)}`]);
  }
  for (const name of ["frame_rate", "frame_age", "frames", "seconds_per_read"]) {
    if (typeof status[name] === "number") figures.push([name.replaceAll("_", " "), number(status[name], 2)]);
  }
  fill(byId("figures"), figures.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function chart() {
  const canvas = byId("latency");
  const [p50, p99] = [quantile(0.5), quantile(0.99)];
  const text = latencies.length
    ? `last ${latencies.length} results: p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`
    : "No results are shown now.";
  byId("latency-facts").textContent = text;
  canvas.setAttribute("aria-label", `Time from frame to result: ${text}`);
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const context = canvas.getContext("2d");
  const [accent, soft] = [canvas, byId("latency-facts")].map((each) => getComputedStyle(each).color);
  if (!latencies.length) return;
  const most = Math.max(p99 * 1.25, 1e-3);
  const y = (seconds) => canvas.height * (1 - Math.min(1, seconds / most) * 0.92) - 2;
  const wide = canvas.width / KEPT;
  context.fillStyle = accent;
  latencies.forEach((seconds, place) => {
    const top = y(seconds);
    context.globalAlpha = 0.55;
    context.fillRect(place * wide, top, Math.max(1, wide), canvas.height - top);
  });
  context.globalAlpha = 1;
  context.font = `${11 * ratio}px system-ui, sans-serif`;
  for (const [name, value, dash] of [["p50", p50, []], ["p99", p99, [5 * ratio, 4 * ratio]]]) {
    context.strokeStyle = soft;
    context.fillStyle = soft;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(0, y(value));
    context.lineTo(canvas.width, y(value));
    context.stroke();
    const close = name === "p50" && y(value) - y(p99) < 14 * ratio; // below its line then, so that both can be read
    context.fillText(`${name} ${milliseconds(value)}`, canvas.width - 78 * ratio, y(value) + (close ? 13 : -4) * ratio);
  }
  context.setLineDash([]);
}

async function findings() {
  const button = byId("findings-run");
  button.disabled = true;
  try {
    const { findings: found } = await ask("findings");
    const item = (each) =>
      el(
        "li",
        { class: each.severity === "problem" ? "bad" : "" },
        el("strong", {}, each.where),
        ` ${each.what}`,
        each.advice ? el("div", { class: "soft" }, each.advice) : null,
      );
    fill(byId("findings"), found.length ? found.map(item) : el("li", {}, "Nothing is wrong."));
  } catch (error) {
    fill(byId("findings"), el("li", { class: "bad" }, error.message));
  }
  button.disabled = false;
}
