// Draws the charts of a page with Apache ECharts, from the JSON beside each: how values are written, colours of the
// reader's ground, what is told at the pointer, and what a click opens.
"use strict";

const DARK = matchMedia("(prefers-color-scheme: dark)");
const ON_LIGHT = JSON.parse(document.getElementById("on-light").textContent);
const TRACES = "traces";
const MOST_ROWS = 24;
const LEAST_DRAG = 6; // pixels; less is a click
const LEAST_TIME_MS = 30000; // SHORTEST of address.py
const charts = new Map();
let pointedAt = null; // the chart below the pointer: all show the time there, one tells of it

// Grafana's own rule, as cdb/dashboard/model/units.py has it: about three figures.
function places(size) {
  if (Number.isInteger(size)) return 0;
  let found = 1 - Math.floor(Math.log10(size));
  if (size * 10 ** found > 2.25) found += 1;
  return Math.min(Math.max(found, 0), 9);
}

// As Python rounds: a half to the even neighbour.
function rounded(size, digits) {
  const half = digits === 0 && size % 1 === 0.5;
  return (half && Math.floor(size) % 2 === 0 ? Math.floor(size) : size).toFixed(digits);
}

function written(value, look) {
  if (value === null || Number.isNaN(value)) return look.none;
  const word = look.words[String(value)];
  if (word) return word;
  const size = Math.abs(value);
  const reached = look.steps.filter(([step]) => (size ? step <= size : step === 1));
  const [divisor, suffix] = reached.at(-1) ?? look.steps[0];
  const digits = look.decimals ?? places(size / divisor);
  const figure = rounded(size / divisor, digits).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ",");
  return `${value < 0 && /[1-9]/.test(figure) ? "-" : ""}${look.sign}${figure}${suffix}`;
}

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function coloured(text) {
  return JSON.parse(text, DARK.matches ? undefined : (_, value) => ON_LIGHT[value] ?? value);
}

function theme() {
  const line = { lineStyle: { color: ink("--line") } };
  const axis = { axisLine: { ...line, show: true }, axisTick: { show: false }, axisLabel: { color: ink("--faint"), fontSize: 11 } };
  return {
    textStyle: { fontFamily: "system-ui, sans-serif", color: ink("--text") },
    timeAxis: { ...axis, splitLine: { show: false } },
    valueAxis: { ...axis, splitLine: line },
    logAxis: { ...axis, splitLine: line },
    gauge: { axisLine: { lineStyle: { color: [[1, ink("--line")]] } } },
  };
}

function row(table, mark, name, text) {
  const cells = table.insertRow();
  const dot = cells.insertCell();
  dot.textContent = mark.text;
  dot.style.color = mark.colour;
  cells.insertCell().textContent = name;
  const value = cells.insertCell();
  value.className = "num";
  value.textContent = text;
}

function told(chart, looks, points) {
  if (pointedAt !== chart || !points.length) return null;
  const box = document.createElement("div");
  const when = document.createElement("p");
  when.textContent = ZONED.format(new Date(points[0].axisValue));
  const table = document.createElement("table");
  const shown = points.filter((one) => one.value && one.value[1] !== null && looks[one.seriesIndex]);
  for (const one of shown.slice(0, MOST_ROWS)) {
    const colour = typeof one.color === "string" ? one.color : ink("--text");
    row(table, { text: "━", colour }, one.seriesName, written(one.value[1], looks[one.seriesIndex]));
  }
  if (shown.length > MOST_ROWS) row(table, { text: "", colour: "" }, `… ${shown.length - MOST_ROWS} more`, "");
  box.append(when, table);
  return box;
}

function toldOfTrace(one, look) {
  const box = document.createElement("div");
  const when = document.createElement("p");
  when.textContent = ZONED.format(new Date(one.value[0]));
  const table = document.createElement("table");
  row(table, { text: "◆", colour: one.color }, "a click opens the trace", written(one.data.was, look));
  box.append(when, table);
  return box;
}

// What all curves have in common, and what JSON cannot say.
function completed(chart, { option, looks, ticks }) {
  const tooltip = { renderMode: "html", className: "tip", appendTo: "body", confine: true, transitionDuration: 0 };
  const calm = { animation: false, ...option };
  if (!option.yAxis) {
    const text = (one) => { const box = document.createElement("div"); box.textContent = `${one.name}: ${one.data.text}`; return box; };
    return { ...calm, tooltip: { ...tooltip, trigger: "item", formatter: text } };
  }
  const texts = new Map(ticks);
  const label = option.yAxis.type === "log"
    ? (value) => written(value, { ...looks[0], decimals: null })
    : (value) => texts.get(value) ?? [...texts].find(([at]) => Math.abs(at - value) < 1e-9 * Math.abs(option.yAxis.max - option.yAxis.min))?.[1] ?? "";
  return {
    ...calm,
    grid: { left: 2, right: 10, top: 8, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: { ...tooltip, trigger: "axis", axisPointer: { type: "line", lineStyle: { color: ink("--faint") } }, formatter: (points) => told(chart, looks, points) },
    xAxis: { ...option.xAxis, axisLabel: { hideOverlap: true } },
    yAxis: { ...option.yAxis, axisLabel: { formatter: label } },
    series: option.series.map((one) => (one.id === TRACES
      ? { ...one, z: 5, tooltip: { trigger: "item", formatter: (point) => toldOfTrace(point, looks[0]) } }
      : { ...one, emphasis: { disabled: true } })),
  };
}

// Dragging over a chart shows the time between both ends: it becomes that of the address. A click is no drag.
function zoomable(plot, chart) {
  const band = document.createElement("div");
  band.className = "zoom";
  let begun = null;
  const ends = (event) => [begun, event.clientX].map((x) => x - plot.getBoundingClientRect().left).sort((a, b) => a - b);
  plot.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType !== "touch") begun = event.clientX;
  });
  plot.addEventListener("pointermove", (event) => {
    if (!(event.buttons & 1)) begun = null; // it was let go elsewhere
    if (begun === null || (!band.isConnected && Math.abs(event.clientX - begun) < LEAST_DRAG)) return;
    const [left, right] = ends(event);
    if (!band.isConnected) plot.append(band);
    plot.setPointerCapture(event.pointerId);
    band.style.left = `${left}px`;
    band.style.width = `${right - left}px`;
  });
  plot.addEventListener("pointerup", (event) => {
    if (band.isConnected) show(ends(event).map((x) => chart.convertFromPixel({ xAxisIndex: 0 }, x)), chart.getOption().xAxis[0]);
  });
  for (const end of ["pointerup", "pointercancel"]) plot.addEventListener(end, () => { begun = null; band.remove(); });
}

// Whole seconds within the chart's own time, at least as many as an address may ask for.
function show([from, to], { min, max }) {
  const middle = (Math.max(from, min) + Math.min(to, max)) / 2;
  const half = Math.max((Math.min(to, max) - Math.max(from, min)) / 2, LEAST_TIME_MS / 2);
  const address = new URL(location.href);
  address.searchParams.delete("range");
  address.searchParams.set("from", 1000 * Math.floor((middle - half) / 1000));
  address.searchParams.set("to", 1000 * Math.ceil((middle + half) / 1000));
  location.assign(address);
}

function draw(part, text) {
  const plot = part.querySelector(".plot");
  let chart = charts.get(part);
  if (!chart) {
    plot.replaceChildren();
    chart = echarts.init(plot, theme());
    charts.set(part, chart);
    if (part.closest(".timeseries")) {
      chart.group = "page";
      zoomable(plot, chart);
    }
    plot.addEventListener("pointerenter", () => { pointedAt = chart; });
    plot.addEventListener("pointerleave", () => { pointedAt = null; });
    chart.on("click", { seriesId: TRACES }, (one) => location.assign(`/traces/${one.data.trace}`));
    new ResizeObserver(() => chart.resize()).observe(plot);
  }
  part.dataset.drawn = text;
  chart.setOption(completed(chart, coloured(text)), { replaceMerge: ["series", "visualMap"] });
}

function dataOf(part) {
  return part.querySelector("script[type='application/json']")?.textContent;
}

// New data is drawn into the chart that is there; without a chart the part says what is instead.
function renew(part, next) {
  const text = dataOf(next);
  if (text !== undefined && charts.has(part)) {
    draw(part, text);
    return;
  }
  charts.get(part)?.dispose();
  charts.delete(part);
  part.innerHTML = next.innerHTML;
  if (text !== undefined) draw(part, text);
}

for (const part of document.querySelectorAll("[data-live='drawn']")) {
  const text = dataOf(part);
  if (text !== undefined) draw(part, text);
  part.addEventListener("data", (event) => renew(part, event.detail));
}
echarts.connect("page");
DARK.addEventListener("change", () => {
  for (const [part, chart] of charts) {
    chart.setTheme(theme());
    draw(part, part.dataset.drawn);
  }
});
for (const choice of document.querySelectorAll("details.choice")) {
  choice.addEventListener("change", () => { choice.dataset.changed = ""; });
  choice.addEventListener("toggle", () => { if (!choice.open && "changed" in choice.dataset) choice.closest("form").requestSubmit(); });
}
