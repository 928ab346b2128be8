// The parameters of a node: with descriptions, units, ranges and what a change does; a refused one says why beside its
// field.

import { ask } from "./api.js";
import { byId, el, fill } from "./dom.js";

const EFFECTS = {
  live: ["live", "good", "Holds from the next frame on"],
  reload: ["reload", "warn", "Something is loaded anew beside what runs, or the node has to be configured anew"],
  read_only: ["read only", "", "Can be given at the start only"],
};

let shown = "";

export async function showParameters(node, { again = false } = {}) {
  const place = byId("parameters");
  if (node === shown && !again && place.childElementCount) return;
  shown = node;
  fill(place, el("p", { class: "empty" }, "…"));
  let given;
  try {
    given = (await ask("parameters", { node })).parameters;
  } catch (error) {
    if (shown === node) {
      shown = "";
      fill(place, el("p", { class: "empty", role: "alert" }, error.message));
    }
    return;
  }
  if (shown !== node) return;
  const rows = given.map((each) => row(node, each));
  const rare = rows.filter((_, index) => given[index].rare);
  const common = rows.filter((_, index) => !given[index].rare);
  const opened = place.querySelector("details.more")?.open && again;
  const more = el("details", { class: "more", open: opened }, el("summary", { id: "more" }, `Rarely set (${rare.length})`), rare);
  let searched = false;
  const search = el("input", { type: "search", id: "parameter-search", placeholder: "Find a parameter ( / )", "aria-label": "Find a parameter" });
  search.addEventListener("input", () => {
    const text = search.value.toLowerCase();
    rows.forEach((each, index) => {
      each.hidden = !`${given[index].name} ${given[index].description}`.toLowerCase().includes(text);
    });
    const found = rare.some((each) => !each.hidden);
    more.hidden = !found;
    if (text && found && !more.open) more.open = searched = true;
    else if (!text && searched) more.open = searched = false; // as it was before
  });
  const reload = el("button", { title: "Read the values again", onclick: () => showParameters(node, { again: true }) }, "Reread");
  fill(place, el("div", { class: "search" }, search, reload), common, other(node), rare.length ? more : null);
}

function row(node, parameter) {
  const id = `parameter-${parameter.name}`;
  const message = el("p", { class: "refused", role: "alert", id: `${id}-message`, hidden: true });
  const done = el("span", { class: "done", role: "status" });
  const [effect, tone, means] = EFFECTS[parameter.effect] || [];
  const made = el(
    "div",
    { class: "parameter", data: { name: parameter.name } },
    el(
      "div",
      { class: "head" },
      el("label", { class: "mono", htmlFor: id }, parameter.name),
      effect ? el("span", { class: `tag ${tone}`, title: means }, effect) : null,
      done,
    ),
    el("p", { class: "says", id: `${id}-says` }, parameter.description),
  );
  const apply = async (value) => {
    message.hidden = true;
    done.textContent = "…";
    try {
      const { values } = await ask("set", { node, values: { [parameter.name]: value } });
      parameter.value = values[parameter.name];
      field.show(parameter.value);
      done.textContent = "set";
      setTimeout(() => (done.textContent = ""), 2500);
    } catch (error) {
      done.textContent = "";
      message.textContent = error.message;
      message.hidden = false;
      field.input.setAttribute("aria-invalid", "true");
      return;
    }
    field.input.removeAttribute("aria-invalid");
  };
  const field = fieldOf(parameter, id, apply);
  field.input.setAttribute("aria-describedby", `${id}-says ${id}-message`);
  field.input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // what is typed is dropped, and so is what was refused
    field.show(parameter.value);
    message.hidden = true;
    field.input.removeAttribute("aria-invalid");
  });
  const unit = parameter.unit ? el("span", { class: "soft" }, parameter.unit) : null;
  const remove = parameter.entry ? el("button", { class: "remove", onclick: () => removed() }, "Remove") : null;
  const removed = async () => {
    try {
      await ask("set", { node, values: { [parameter.name]: null } });
      made.remove();
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
    }
  };
  made.append(el("div", { class: "field" }, field.elements, unit, remove), rangeOf(parameter), message);
  return made;
}

function rangeOf(parameter) {
  const told = parameter.constraints || "";
  const normal = parameter.default === null || parameter.default === undefined ? "" : `default ${JSON.stringify(parameter.default)}`;
  return el("p", { class: "says" }, [told, normal].filter(Boolean).join("; "));
}

// Returns { elements, input, show(value) } for a parameter; apply(value) is called when it is changed.
function fieldOf(parameter, id, apply) {
  const disabled = parameter.effect === "read_only";
  if (parameter.type === "bool") {
    const input = el("input", { type: "checkbox", id, checked: Boolean(parameter.value), disabled });
    input.addEventListener("change", () => apply(input.checked));
    return { elements: [input], input, show: (value) => (input.checked = value) };
  }
  if (parameter.choices.length) {
    const input = el("select", { id, disabled }, parameter.choices.map((each) => el("option", { value: each }, each || "(empty)")));
    input.value = parameter.value;
    input.addEventListener("change", () => apply(input.value));
    return { elements: [input], input, show: (value) => (input.value = value) };
  }
  if (parameter.type === "integer" || parameter.type === "double") return numberField(parameter, id, apply, disabled);
  const list = parameter.type.endsWith("_array");
  const text = (value) => (list ? JSON.stringify(value || []) : (value ?? ""));
  const input = el("input", { type: "text", id, value: text(parameter.value), disabled, spellcheck: false });
  input.addEventListener("change", () => apply(list ? listOf(input.value, parameter.type) : input.value));
  return { elements: [input], input, show: (value) => (input.value = text(value)) };
}

function numberField(parameter, id, apply, disabled) {
  const whole = parameter.type === "integer";
  const input = el("input", { type: "number", id, value: String(parameter.value ?? ""), step: whole ? "1" : "any", disabled });
  const { minimum, maximum } = parameter;
  const read = (text) => (text.trim() === "" ? null : Number(text));
  input.addEventListener("change", () => apply(read(input.value)));
  const bounded = minimum !== null && maximum !== null && maximum - minimum <= 1000 && !disabled;
  if (!bounded) return { elements: [input], input, show: (value) => (input.value = String(value)) };
  const step = whole ? 1 : (maximum - minimum) / 100;
  const slider = el("input", { type: "range", min: String(minimum), max: String(maximum), step: String(step), "aria-label": parameter.name });
  slider.value = String(parameter.value);
  slider.addEventListener("input", () => (input.value = String(Number(Number(slider.value).toPrecision(6)))));
  slider.addEventListener("change", () => apply(read(input.value)));
  const show = (value) => {
    input.value = String(value);
    slider.value = String(value);
  };
  return { elements: [slider, input], input, show };
}

function listOf(text, type) {
  try {
    const value = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // as people write it: with commas
  }
  const items = text.replace(/^\[|\]$/g, "").split(",").map((each) => each.trim()).filter(Boolean);
  return type === "string_array" ? items : items.map(Number);
}

// What is not listed: an entry of a map, such as label_confidences.person.
function other(node) {
  const name = el("input", { type: "text", placeholder: "label_confidences.cube", "aria-label": "Name of another parameter", id: "other-name" });
  const value = el("input", { type: "text", placeholder: "0.7", "aria-label": "Its value", id: "other-value" });
  const message = el("p", { class: "refused", role: "alert", hidden: true });
  const set = async () => {
    message.hidden = true;
    let given = value.value;
    try {
      given = JSON.parse(given);
    } catch {
      // a text
    }
    try {
      await ask("set", { node, values: { [name.value]: given } });
      await showParameters(node, { again: true });
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
    }
  };
  return el(
    "div",
    { class: "parameter" },
    el("div", { class: "head" }, el("strong", {}, "Another one"), el("span", { class: "says" }, "an entry of a map")),
    el("div", { class: "field" }, name, value, el("button", { onclick: set, id: "other-set" }, "Set")),
    message,
  );
}
