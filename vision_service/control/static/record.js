// Recording: while it is armed the server keeps the last seconds of what is shown; they are saved as a bag or a data set.

import { ask } from "./api.js";
import { el, fill, save, setText } from "./dom.js";

const SECONDS = 30;
const PERIOD = 1000;

export class Record {
  // place: where the buttons are; shown(): { service, camera, mode }; arm(seconds): tells the server; failed(message)
  constructor(place, { shown, arm, failed }) {
    Object.assign(this, { shown, arm, failed, armed: false, timer: 0 });
    this.button = el("button", { id: "record", "aria-pressed": "false", title: `Keep the last ${SECONDS} seconds (R)`, onclick: () => this.toggle() }, "Record");
    this.told = el("span", { class: "facts", id: "record-facts" });
    this.bag = el("button", { id: "save-bag", title: "As a bag (MCAP) that ros2 bag play plays", onclick: () => this.save("bag") }, "Save bag");
    this.coco = el("button", { id: "save-coco", title: "As a COCO data set: images and annotations", onclick: () => this.save("coco") }, "Save COCO");
    this.more = el("span", { class: "row", hidden: true }, this.told, this.bag, this.coco);
    fill(place, el("span", { class: "row" }, this.button, this.more));
  }

  toggle() {
    this.armed = !this.armed;
    this.arm(this.armed ? SECONDS : 0);
    this.show();
  }

  // Something else is shown now: nothing of it is recorded.
  reset() {
    this.armed = false;
    this.more.hidden = true;
    this.show();
  }

  show() {
    this.button.setAttribute("aria-pressed", String(this.armed));
    setText(this.button, this.armed ? "Stop recording" : "Record");
    clearInterval(this.timer);
    if (!this.armed) return;
    this.more.hidden = false;
    this.timer = setInterval(() => this.refresh(), PERIOD);
    setTimeout(() => this.refresh(), 200);
  }

  async refresh() {
    try {
      const kept = await ask("recording", this.shown());
      setText(this.told, `${kept.kept_seconds.toFixed(0)} s, ${kept.images} images, ${(kept.bytes / 1e6).toFixed(1)} MB${kept.full ? " (full)" : ""}`);
    } catch (error) {
      setText(this.told, error.message);
    }
  }

  async save(form) {
    try {
      const response = await fetch("/api/save", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...this.shown(), form }),
      });
      if (!response.ok) throw new Error((await response.json()).error);
      const remarks = JSON.parse(response.headers.get("X-Remarks") || "[]");
      save(await response.blob(), response.headers.get("X-File-Name") || `recording_${form}.zip`);
      setText(this.told, remarks.length ? `Saved; ${remarks.join("; ")}` : "Saved");
    } catch (error) {
      this.failed(error.message);
    }
  }
}
