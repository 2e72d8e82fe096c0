"use strict";
// Every figure but those of autopsies, of one task and its ticked rows.

function theme() {
  const css = getComputedStyle(document.documentElement);
  const of = (name) => css.getPropertyValue(name).trim();
  return { paper: of("--paper"), ink: of("--ink"), line: of("--line") };
}

function axis(title, more) {
  const { line } = theme();
  return { title: { text: title }, gridcolor: line, zerolinecolor: line, automargin: true, ...more };
}

/** A text that lies compressed in the page. */
async function unpacked(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

let started = null;

/** Plotly takes a second to start, and most of a page's room: it lies packed until a figure is wanted. */
function plotting() {
  started ??= unpacked("plotly").then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
  });
  return started;
}

function draw(id, traces, layout, said) {
  const { paper, ink } = theme();
  const element = byId(id);
  const nothing = traces.length === 0;
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", nothing ? `Nothing to show: ${said}` : said);
  const base = {
    paper_bgcolor: paper, plot_bgcolor: paper, font: { color: ink, family: "system-ui, sans-serif", size: 12 },
    margin: { l: 50, r: 10, t: 20, b: 45 }, height: 380, hovermode: "closest",
    legend: { orientation: "h", y: -0.25 },
  };
  const empty = { height: 120, xaxis: { visible: false }, yaxis: { visible: false }, annotations: [{ text: "These results hold nothing to show here.", showarrow: false, font: { size: 14 } }] };
  // no bar of buttons: what lies in an image cannot be reached by those who do not see it
  Plotly.react(element, traces, { ...base, ...layout, ...(nothing ? empty : {}) }, { displayModeBar: false, responsive: true });
}

/** A line with its band, as two traces. */
function banded(i, [steps, middle, low, high], shape) {
  const { color, dash } = style(i);
  const row = numbers.rows[i];
  const edge = [...steps, ...[...steps].reverse()];
  const line = { x: steps, y: middle, name: plain(row.label), mode: "lines", line: { color, dash, shape, width: 2 } };
  if (low.every((x) => x === null)) return [line]; // of a box
  const band = { x: edge, y: [...high, ...[...low].reverse()], fill: "toself", fillcolor: `${color}26`, line: { width: 0, shape }, hoverinfo: "skip", showlegend: false, mode: "lines" };
  return [band, line];
}

function series(of, task, shape = "linear") {
  return ticked(task).filter((i) => of && of[i]).flatMap((i) => banded(i, of[i], shape));
}

function names(task) {
  return ticked(task).map((i) => numbers.rows[i].label).join(", ") || "no row";
}

function failures(task) {
  const rows = rowsOf(task).reverse();
  const failed = rows.map((i) => numbers.rows[i].failed);
  const trace = rows.length && {
    x: failed.map((f) => f[0]), y: rows.map((i) => plain(numbers.rows[i].label)), mode: "markers", type: "scatter",
    marker: { color: HUES[0], size: 8 }, showlegend: false,
    error_x: { type: "data", symmetric: false, array: failed.map((f) => (f[2] === null ? 0 : f[2] - f[0])),
      arrayminus: failed.map((f) => (f[1] === null ? 0 : f[0] - f[1])), color: HUES[0], thickness: 1.5, width: 3 },
  };
  const layout = { height: Math.max(240, 60 + 20 * rows.length), xaxis: axis("share of runs that failed", { range: [-0.02, 1.02] }), yaxis: axis("", { dtick: 1 }) };
  const best = rows.length ? numbers.rows[rows[rows.length - 1]] : null;
  draw("plot-failures", trace ? [trace] : [], layout, `Failure rates of ${rows.length} rows on ${task}` + (best ? `; the first, ${best.label}, fails at a rate of ${best.failed[0]}` : ""));
}

function survival(task) {
  const layout = { xaxis: axis("step"), yaxis: axis("share not failed yet", { range: [-0.02, 1.02] }) };
  draw("plot-survival", series(numbers.survival, task, "hv"), layout, `Survival curves on ${task} of ${names(task)}`);
}

function modes(task) {
  const { real } = numbers.tasks[task];
  const traces = series(numbers.bands.modes, task);
  const last = Math.max(...traces.flatMap((trace) => trace.x));
  const data = { x: [0, last], y: [real, real], mode: "lines", name: "real data", line: { dash: "dot", color: theme().ink, width: 1 } };
  draw("plot-modes", real === null || !traces.length ? traces : [data, ...traces], { xaxis: axis("step"), yaxis: axis("modes covered", { rangemode: "tozero" }) }, `Modes covered over training on ${task} by ${names(task)}`);
}

function loss(task) {
  const name = byId("loss").value;
  const layout = { xaxis: axis("step"), yaxis: axis(plain(name)) };
  draw("plot-loss", series(numbers.bands[name], task), layout, `${name} over training on ${task} of ${names(task)}`);
}

/** Points with their intervals, upwards. */
function points(rows, color, more) {
  const success = rows.map((i) => numbers.rows[i].success);
  return {
    x: rows.map((i) => numbers.rows[i].seconds), y: success.map((s) => s[0]), text: rows.map((i) => plain(numbers.rows[i].label)),
    mode: "markers", type: "scatter", marker: { color, size: 9 }, hovertemplate: "%{text}<br>%{x:.3g} s, success %{y:.2f}<extra></extra>", cliponaxis: false,
    error_y: { type: "data", symmetric: false, array: success.map((s) => (s[2] === null ? 0 : s[2] - s[0])),
      arrayminus: success.map((s) => (s[1] === null ? 0 : s[0] - s[1])), color, thickness: 1, width: 2 }, ...more,
  };
}

/** Ticked rows by their colours and names, all others grey. */
function cost(task) {
  const rows = rowsOf(task).filter((i) => numbers.rows[i].seconds);
  const named = ticked(task).filter((i) => numbers.rows[i].seconds);
  const others = rows.filter((i) => !named.includes(i));
  const grey = { name: "other rows", error_y: { visible: false }, marker: { color: theme().line, size: 7 } };
  const traces = named.map((i) => points([i], style(i).color, { name: plain(numbers.rows[i].label) }));
  if (others.length) traces.unshift(points(others, theme().line, grey));
  draw("plot-cost", traces, { xaxis: axis("seconds a run", { type: "log" }), yaxis: axis("success", { range: [-0.05, 1.05] }) }, `Success against seconds a run of ${rows.length} rows on ${task}; by name ${names(task)}`);
}

function samples(task) {
  const shown = [...numbers.rows.keys()].filter((i) => numbers.rows[i].task === task && numbers.strips[i]);
  const wanted = new Set(ticked(task));
  byId("no-strips").hidden = shown.length > 0;
  byId("strips-are").hidden = shown.length === 0;
  byId("strips").replaceChildren(...shown.filter((i) => wanted.has(i) || numbers.rows[i].method === "real").map((i) => {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    const caption = document.createElement("figcaption");
    figure.className = "strip";
    const { picture, steps } = numbers.strips[i];
    image.src = picture;
    image.alt = `Samples of the first run of ${numbers.rows[i].label} over its training`;
    caption.textContent = `${numbers.rows[i].label}: steps ${steps.join(", ")}`;
    figure.append(image, caption);
    return figure;
  }));
}
