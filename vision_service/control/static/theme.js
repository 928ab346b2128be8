// Light, dark, or as the system is.

import { byId } from "./dom.js";

const THEMES = ["auto", "light", "dark"];

export function theme() {
  try {
    return localStorage.getItem("theme") || "auto";
  } catch {
    return "auto";
  }
}

export function startTheme(changed) {
  const button = byId("theme");
  const use = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
    changed(name);
  };
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    try {
      localStorage.setItem("theme", next);
    } catch {
      // it holds until the page is left
    }
    use(next);
  });
  use(theme());
}
