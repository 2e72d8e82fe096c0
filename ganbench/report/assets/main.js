"use strict";
// What is drawn when, and what each control does.

const FIGURES = { "plot-failures": failures, "plot-survival": survival, "plot-modes": modes, "plot-loss": loss, "plot-cost": cost, strips: samples };
const seen = new Set();

function refresh(ids = Object.keys(FIGURES)) {
  for (const id of ids) if (seen.has(id)) FIGURES[id](taskOf());
}

// A figure is drawn when it comes into view for the first time.
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    show(target.id);
  }
}, { rootMargin: "300px" });

async function show(id) {
  await Promise.all([plotting(), id === "autopsy" && unpack()]);
  seen.add(id);
  if (id === "autopsy") { choices(taskOf()); autopsy(); }
  else FIGURES[id](taskOf());
}

function changedTask() {
  filter();
  refresh();
  if (seen.has("autopsy")) { choices(taskOf()); autopsy(); }
}

function paint(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
  refresh();
  if (seen.has("autopsy")) autopsy();
}

function step(by) {
  const select = byId("run");
  select.selectedIndex = (select.selectedIndex + by + select.options.length) % select.options.length;
  autopsy();
}

for (const head of board.tHead.rows[0].cells) head.querySelector("button")?.addEventListener("click", () => sortBy(head));
for (const id of ["method", "status"]) byId(id).addEventListener("input", filter);
byId("task").addEventListener("input", changedTask);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
board.addEventListener("change", () => refresh());
byId("loss").addEventListener("input", () => refresh(["plot-loss"]));
byId("run").addEventListener("input", autopsy);
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("theme").addEventListener("click", () => paint(document.documentElement.dataset.theme !== "dark"));

for (const { drawn } of Object.values(numbers.tasks)) for (const i of drawn) lines[i].querySelector("input").checked = true;
for (const name of Object.keys(numbers.bands)) if (name !== "modes") byId("loss").add(new Option(name));
byId("loss").closest("p").hidden = byId("loss").options.length === 0;
paint(matchMedia("(prefers-color-scheme: dark)").matches);
filter();
for (const id of [...Object.keys(FIGURES), "autopsy"]) watcher.observe(byId(id));
window.addEventListener("load", () => requestIdleCallback(plotting));
