"use strict";
// The leaderboard sorts and filters; figures show the task that is chosen and the rows that are
// ticked. Texts from files are only ever set as text; Plotly reads a few tags, so `plain` is there.

const numbers = JSON.parse(document.getElementById("numbers").textContent);
const byId = (id) => document.getElementById(id);
const board = byId("board");
const lines = [...board.tBodies[0].rows];
const HUES = numbers.hues;
const DASHES = ["solid", "dash", "dot", "dashdot"];

const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");
const compare = { number: (a, b) => a - b, text: (a, b) => a.localeCompare(b) };

function taskOf() {
  return byId("task").value || Object.keys(numbers.tasks)[0];
}

/** The places of the chosen task's methods, best first. */
function rowsOf(task) {
  return numbers.rows.flatMap((row, i) => (row.task === task && !row.reference ? [i] : []));
}

function ticked(task) {
  return rowsOf(task).filter((i) => lines.find((line) => Number(line.dataset.row) === i).querySelector("input").checked);
}

// A row's colour and dash are those that no other ticked row of its task has; it keeps them, in every
// figure, for as long as it is ticked.
const places = new Map();

function style(i) {
  const { task } = numbers.rows[i];
  const now = ticked(task);
  for (const row of places.keys()) if (numbers.rows[row].task === task && !now.includes(row)) places.delete(row);
  for (const row of now) {
    if (places.has(row)) continue;
    const taken = new Set(now.map((other) => places.get(other)));
    let free = 0;
    while (taken.has(free)) free += 1;
    places.set(row, free);
  }
  const place = places.get(i);
  return { color: HUES[place % HUES.length], dash: DASHES[Math.floor(place / HUES.length) % DASHES.length] };
}

function sortBy(head) {
  const button = head.querySelector("button");
  const descending = head.getAttribute("aria-sort") === "ascending";
  for (const other of board.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const value = (line) => line.cells[head.cellIndex].dataset.value;
  const order = [...lines].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === "" || y === "") return (x === "") - (y === ""); // what has no value stands last
    return compare[button.dataset.kind](x, y) * (descending ? -1 : 1);
  });
  board.tBodies[0].append(...order);
}

function filter() {
  const [task, status] = [byId("task").value, byId("status").value];
  const wanted = byId("method").value.trim().toLowerCase();
  let shown = 0;
  for (const line of lines) {
    const row = numbers.rows[line.dataset.row];
    line.hidden = (task && row.task !== task) || (status && !row.ended[status]) || !row.label.toLowerCase().includes(wanted);
    shown += !line.hidden;
  }
  byId("count").textContent = `${shown} of ${lines.length} rows`;
  for (const told of document.querySelectorAll(".caution")) told.hidden = Boolean(task) && told.dataset.task !== task;
}
