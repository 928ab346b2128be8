// What a model is (its contract, each item with its source), and which classes it knows.

import { ask } from "./api.js";
import { byId, el, fill } from "./dom.js";

const SOURCES = {
  user: "you said so", metadata: "the file says so", graph: "the file's graph", names: "names of its tensors", shapes: "shapes of its tensors",
  labels: "the number of labels", probe: "a trial run", family: "the family's only convention", assumed: "assumed",
};
const NOT_MODEL = new Set([
  "node", "state", "troubles", "services", "last_error", "last_call_error", "calls", "contract", "runs", "seconds_per_run", "run_times",
  "queue", "dropped", "streams", "frame_rates", "frame_ages", "subscriptions", "shown", "title", "status_error",
]);

export async function showModel(node, entry) {
  const place = byId("model");
  let status;
  try {
    status = await ask("status", { node });
  } catch (error) {
    fill(place, el("p", { class: "empty", role: "alert" }, error.message));
    return;
  }
  const contract = Object.entries(status.contract || {});
  const assumed = contract.filter(([, each]) => each.source === "assumed");
  const rows = contract.map(([name, each]) => {
    const doubtful = each.source === "assumed";
    const tag = el("span", { class: `tag ${doubtful ? "warn" : ""}`, title: SOURCES[each.source] || "" }, each.source);
    return el(
      "tr",
      {},
      el("td", { class: "mono" }, name),
      el("td", {}, written(each.value), each.why ? el("div", { class: "soft" }, each.why) : null),
      el("td", {}, tag),
    );
  });
  const rest = Object.entries(status).filter(([name, value]) => !NOT_MODEL.has(name) && !empty(value));
  fill(
    place,
    status.title ? el("h3", {}, status.title) : null,
    assumed.length
      ? el("ul", { class: "list" }, el("li", { class: "warn" }, `Assumed, because nothing tells: ${assumed.map(([name]) => name).join(", ")}. Set these parameters, even to the same values.`))
      : null,
    rows.length
      ? el("table", { id: "contract" }, el("thead", {}, el("tr", {}, ["what", "value", "source"].map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, rows))
      : null,
    entry && entry.labels && entry.labels.length
      ? [el("h3", {}, `Classes (${entry.labels.length})`), el("p", {}, entry.labels.slice(0, 200).join(", "), entry.labels.length > 200 ? " …" : "")]
      : null,
    rest.length
      ? [el("h3", {}, "It says of itself"), el("dl", { class: "facts-list" }, rest.map(([name, value]) => [el("dt", {}, name), el("dd", { class: "mono" }, written(value))]))]
      : null,
  );
}

function empty(value) {
  return value === null || value === "" || (typeof value === "object" && !Object.keys(value).length);
}

function written(value) {
  if (value === null) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
