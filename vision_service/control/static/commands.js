// DoCommand as a form: the commands that the node lists, their arguments as JSON, the answer.

import { ask } from "./api.js";
import { byId, el, fill } from "./dom.js";

export async function showCommands(node) {
  const place = byId("commands");
  let known;
  try {
    known = (await ask("commands", { node })).commands;
  } catch (error) {
    fill(place, el("p", { class: "empty", role: "alert" }, error.message));
    return;
  }
  const names = Object.keys(known);
  if (!names.length) {
    fill(place, el("p", { class: "empty" }, "This node has no commands."));
    return;
  }
  const choices = names.map((name, index) =>
    el(
      "label",
      {},
      el("input", { type: "radio", name: "command", value: name, checked: index === 0 }),
      el("span", {}, el("strong", { class: "mono" }, name), el("div", { class: "soft" }, known[name])),
    ),
  );
  const given = el("textarea", { id: "command-arguments", rows: 2, placeholder: '{"argument": "value"}', "aria-label": "Arguments as JSON", spellcheck: false });
  const answer = el("pre", { id: "command-answer", hidden: true, tabIndex: 0 });
  const refused = el("p", { class: "refused", role: "alert", hidden: true });
  const form = el(
    "form",
    { class: "command parameter" },
    el("div", { class: "choices" }, choices),
    el("label", { class: "soft", htmlFor: "command-arguments" }, "Arguments (JSON, may be empty)"),
    given,
    el("div", { class: "row" }, el("button", { class: "primary", type: "submit", id: "command-run" }, "Run")),
    refused,
    answer,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    refused.hidden = true;
    try {
      const more = given.value.trim() ? JSON.parse(given.value) : {};
      const command = { ...more, command: new FormData(form).get("command") };
      const said = await ask("command", { node, command });
      answer.textContent = JSON.stringify(said.answer, null, 2);
      answer.hidden = false;
    } catch (error) {
      answer.hidden = true;
      refused.textContent = error instanceof SyntaxError ? `The arguments are no JSON: ${error.message}` : error.message;
      refused.hidden = false;
    }
  });
  fill(place, form);
}
