"use strict";
// What became of one run that failed. All of them lie compressed until they are looked at.

let failed = {};

async function unpack() {
  failed = JSON.parse(await unpacked("autopsies"));
}

function choices(task) {
  const select = byId("run");
  const groups = new Map();
  for (const [key, run] of Object.entries(failed)) {
    const row = numbers.rows[run.row];
    if (row.task !== task || row.reference) continue;
    if (!groups.has(run.row)) {
      const group = document.createElement("optgroup");
      group.label = row.label;
      groups.set(run.row, group);
    }
    const option = document.createElement("option");
    option.value = key;
    option.textContent = `${row.label}, seed ${run.seed}, replicate ${run.replicate}: ${run.status}`;
    groups.get(run.row).append(option);
  }
  select.replaceChildren(...[...groups.keys()].sort((a, b) => a - b).map((row) => groups.get(row)));
  const any = select.options.length > 0;
  byId("no-autopsy").hidden = any;
  for (const id of ["choose", "verdict", "sides", "logged"]) byId(id).hidden = !any;
}

function autopsy() {
  const run = failed[byId("run").value];
  if (!run) return;
  const row = numbers.rows[run.row];
  const since = run.onset === null ? "" : ` at step ${run.onset.toLocaleString("en")}`;
  byId("verdict").textContent = `${row.label} on ${row.task}, seed ${run.seed}, replicate ${run.replicate}: ${run.status}${since}${run.reason ? `; ${run.reason}` : ""}.`;
  const [sides, image] = [byId("sides"), byId("sides").querySelector("img")];
  sides.hidden = !run.picture;
  if (run.picture) {
    const told = [run.before === null ? "" : `at step ${run.before}, before it failed`, run.after === null ? "" : `at step ${run.after}, after`].filter(Boolean).join("; ");
    image.src = run.picture;
    image.alt = `Samples ${told}`;
    sides.querySelector("figcaption").textContent = `Samples, from left to right: ${told}.`;
  }
  panels(run);
}

/** A small figure for every quantity that was logged. */
function panels(run) {
  const quantities = Object.keys(run.curves);
  const across = byId("plot-autopsy").clientWidth < 600 ? 2 : 4;
  const down = Math.max(1, Math.ceil(quantities.length / across));
  const layout = { grid: { rows: down, columns: across, pattern: "independent", ygap: 0.5, xgap: 0.3 }, height: 60 + 130 * down, showlegend: false, annotations: [], shapes: [], margin: { l: 45, r: 10, t: 30, b: 30 } };
  const traces = quantities.map((name, i) => {
    const n = i ? i + 1 : "";
    const { ink, line } = theme();
    layout[`xaxis${n}`] = { gridcolor: line, nticks: 4, tickfont: { size: 9 } };
    layout[`yaxis${n}`] = { gridcolor: line, nticks: 4, tickfont: { size: 9 }, zeroline: false };
    layout.annotations.push({ text: plain(name), xref: `x${n} domain`, yref: `y${n} domain`, x: 0, y: 1.02, xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 10 } });
    if (run.onset !== null) layout.shapes.push({ type: "line", xref: `x${n}`, yref: `y${n} domain`, x0: run.onset, x1: run.onset, y0: 0, y1: 1, line: { dash: "dash", width: 1, color: ink } });
    const [steps, values] = run.curves[name];
    return { x: steps, y: values, xaxis: `x${n}`, yaxis: `y${n}`, mode: "lines+markers", marker: { size: 3 }, line: { color: HUES[0], width: 1.5 }, name: plain(name) };
  });
  draw("plot-autopsy", traces, layout, `${quantities.length} quantities of the run over training: ${quantities.join(", ")}`);
}
