// Files that are dropped on the page, pasted or chosen: the chosen service's answer.

import { askAbout } from "./api.js";
import { byId } from "./dom.js";

const CLOUD = /\.pcd$/i;

// opened(file, kind, buffer) is called with the answer; failed(message) with why there is none.
export function acceptFiles(service, { asking, opened, failed }) {
  const open = async (file) => {
    if (!file) return;
    if (!service()) {
      failed("Choose a vision service first: it is the one that answers.");
      return;
    }
    const kind = CLOUD.test(file.name) ? "cloud" : "image";
    asking(file);
    try {
      opened(file, kind, await askAbout(file, service(), kind));
    } catch (error) {
      failed(`${file.name}: ${error.message}`);
    }
  };
  const hint = byId("drop-hint");
  let inside = 0;
  const files = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragenter", (event) => {
    if (!files(event)) return;
    inside += 1;
    hint.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!files(event)) return;
    inside = Math.max(0, inside - 1);
    hint.hidden = inside === 0;
  });
  addEventListener("dragover", (event) => files(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    inside = 0;
    hint.hidden = true;
    if (!files(event)) return;
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => open([...(event.clipboardData?.files || [])][0]));
  const input = byId("file");
  byId("try-file").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    open(input.files[0]);
    input.value = "";
  });
}
