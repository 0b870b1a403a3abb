"use strict";

const byId = (id) => document.getElementById(id);
const milliseconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const seconds = (value) => `${(value / 1000).toFixed(1)} s`;
const pause = (value) => new Promise((resolve) => setTimeout(resolve, value));

// Asks the server. Without "no-store" the browser would let requests for the same page wait for one another.
async function ask(path) {
  const start = performance.now();
  try {
    const response = await fetch(path, { cache: "no-store" });
    const body = (await response.text()).trim();
    return { status: response.status, ok: response.ok, body, took: performance.now() - start };
  } catch {
    return { status: 0, ok: false, body: "the server does not answer", took: performance.now() - start };
  }
}

function say(element, text, tone) {
  element.dataset.tone = tone;
  element.textContent = text;
}

function setEnabled(button, enabled) {
  button.setAttribute("aria-disabled", String(!enabled));
}

// Calls `draw` before each frame until it returns false.
function animate(draw) {
  requestAnimationFrame(() => {
    if (draw()) animate(draw);
  });
}

// System 1: /tornado, and /index beside it.

let tornadoSeconds = 5;

function median(sorted) {
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

class Latencies {
  static kBars = 48;

  constructor() {
    this.values = [];
    byId("bars").replaceChildren();
    this.show();
  }

  add(value) {
    this.values.push(value);
    this.show();
  }

  show() {
    const sorted = [...this.values].sort((a, b) => a - b);
    const slowest = sorted.at(-1) ?? 0;
    byId("index-count").textContent = String(sorted.length);
    byId("index-median").textContent = sorted.length ? milliseconds(median(sorted)) : "–";
    byId("index-slowest").textContent = sorted.length ? milliseconds(slowest) : "–";

    const top = Math.max(10, Math.ceil(slowest / 10) * 10);
    byId("scale").textContent = `${top} ms`;
    byId("bars").replaceChildren(...this.values.slice(-Latencies.kBars).map((value) => {
      const bar = document.createElement("div");
      bar.style.height = `${(100 * value) / top}%`;
      return bar;
    }));
  }
}

async function askIndexUntil(finished, latencies) {
  while (!finished()) {
    const answer = await ask("/index");
    if (finished()) return;
    if (answer.ok) latencies.add(answer.took);
    await pause(Math.max(0, 250 - answer.took));
  }
}

async function askTornado() {
  const button = byId("ask-tornado");
  if (button.getAttribute("aria-disabled") === "true") return;
  const readout = byId("tornado");
  const progress = byId("tornado-progress");
  const start = performance.now();
  let waiting = true;

  setEnabled(button, false);
  readout.dataset.state = "waiting";
  byId("tornado-result").textContent = "";
  progress.classList.remove("done");
  say(byId("tornado-status"), "It waits; /index is asked meanwhile.", "");
  animate(() => {
    const elapsed = performance.now() - start;
    if (!waiting) return false;
    byId("tornado-time").textContent = seconds(elapsed);
    progress.style.transform = `scaleX(${Math.min(1, elapsed / 1000 / tornadoSeconds)})`;
    return true;
  });
  const latencies = new Latencies();
  const others = askIndexUntil(() => !waiting, latencies);

  const answer = await ask("/tornado");
  waiting = false;
  readout.dataset.state = answer.ok ? "done" : "failed";
  byId("tornado-time").textContent = seconds(answer.took);
  byId("tornado-result").textContent = answer.ok ? answer.body : `${answer.status || ""} no answer`;
  progress.style.transform = "scaleX(1)";
  progress.classList.toggle("done", answer.ok);
  await others;
  if (answer.ok) {
    const text = `While /tornado waited ${seconds(answer.took)}, /index answered ${latencies.values.length} times.`;
    say(byId("tornado-status"), text, "good");
  } else {
    say(byId("tornado-status"), `/tornado failed after ${seconds(answer.took)}.`, "bad");
  }
  setEnabled(button, true);
}

// System 2: who is logged in.

async function showUser() {
  const answer = await ask("/login.json");
  if (!answer.ok) {
    byId("who").dataset.state = "failed";
    byId("who-text").textContent = "the database does not answer";
    return;
  }
  const { user } = JSON.parse(answer.body);
  byId("who").dataset.state = user ? "done" : "idle";
  byId("who-text").textContent = user ? `logged in as ${user}` : "nobody is logged in";
  byId("log-in").textContent = user ? "Go to /welcome" : "Log in";
  byId("log-in").href = user ? "/welcome" : "/login";
}

// System 3: /index, /req and /stop.

const kMaxWaiting = 4;  // a browser opens six connections to a server: one is for /tornado, one for everything else
const kMaxRows = 7;
let waitingCount = 0;
let lastNumber = 0;

function showWaiting(change) {
  waitingCount += change;
  byId("waiting-count").textContent = lastNumber ? `· ${waitingCount} waiting` : "";
  setEnabled(byId("start-req"), waitingCount < kMaxWaiting);
}

class Row {
  constructor(number) {
    this.item = document.createElement("li");
    this.item.className = "request";
    this.name = this.cell("name");
    this.pill = this.cell("pill");
    this.body = this.cell("body");
    this.elapsed = this.cell("elapsed");
    this.name.textContent = `#${number}`;
    this.set("waiting", "waiting", "");
  }

  cell(name) {
    const cell = document.createElement("span");
    cell.className = name;
    this.item.append(cell);
    return cell;
  }

  set(state, label, body) {
    this.item.dataset.state = state;
    this.pill.textContent = label;
    this.body.textContent = body;
    this.body.title = body;
  }
}

function makeRoom(list) {
  if (list.children.length < kMaxRows) return;
  list.querySelector('.request:not([data-state="waiting"])')?.remove();
}

async function startReq() {
  const message = byId("message");
  if (waitingCount >= kMaxWaiting) {
    say(message, "Four may wait here, since a browser opens few connections to one server. Press /stop.", "warn");
    return;
  }
  const row = new Row(++lastNumber);
  const start = performance.now();
  makeRoom(byId("requests"));
  byId("requests").append(row.item);
  showWaiting(+1);
  animate(() => {
    if (row.item.dataset.state !== "waiting") return false;
    row.elapsed.textContent = seconds(performance.now() - start);
    return true;
  });

  const answer = await ask("/req");
  row.set(answer.ok ? "done" : "failed", String(answer.status || "failed"), answer.body);
  row.elapsed.textContent = seconds(answer.took);
  showWaiting(-1);
}

function report(path, answer, advice) {
  const tone = answer.ok ? "good" : answer.status === 409 ? "warn" : "bad";
  const text = `${path}: ${answer.status || "failed,"} ${answer.body}, after ${milliseconds(answer.took)}.${advice}`;
  say(byId("message"), text, tone);
}

async function pressStop() {
  const answer = await ask("/stop");
  const advice = { 200: " The oldest /req has its answer.", 409: " Start a /req first." };
  report("/stop", answer, advice[answer.status] ?? "");
}

async function askIndex() {
  report("/index", await ask("/index"), "");
}

async function showSettings() {
  const answer = await ask("/demo.json");
  if (!answer.ok) return;
  const settings = JSON.parse(answer.body);
  tornadoSeconds = settings.seconds;
  byId("seconds").textContent = settings.seconds === 1 ? "a second" : `${settings.seconds} seconds`;
  byId("upstream").textContent = settings.upstream;
  byId("database").textContent = settings.database;
}

byId("ask-tornado").addEventListener("click", askTornado);
byId("start-req").addEventListener("click", startReq);
byId("press-stop").addEventListener("click", pressStop);
byId("ask-index").addEventListener("click", askIndex);
showSettings();
showUser();
