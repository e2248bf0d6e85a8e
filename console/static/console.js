// Keeps a page alive: asks for it again, replaces what has changed, shows times in the reader's zone.
"use strict";

const TROUBLE = document.getElementById("trouble");
const ZONED = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

// A time of today goes without its date. At midnight it gets it, so all are looked at again.
function showTimes(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title ||= time.textContent;
    const at = new Date(time.dateTime);
    const text = (at.toDateString() === today ? CLOCK : ZONED).format(at);
    if (time.textContent !== text) time.textContent = text;
  }
}

// A part of the page that may change has an id and data-live. One that draws itself hears of new data by an event.
function update(fresh) {
  document.title = fresh.title;
  for (const part of document.querySelectorAll("[data-live][id]")) {
    const next = fresh.getElementById(part.id);
    if (!next) continue;
    if (part.dataset.source === undefined) part.dataset.source = "";
    const source = next.innerHTML;
    if (source === part.dataset.source) continue;
    part.dataset.source = source;
    if (part.dataset.live === "drawn") {
      part.dispatchEvent(new CustomEvent("data", { detail: next }));
      continue;
    }
    if (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) continue;
    const open = new Set([...part.querySelectorAll("details[open][id]")].map((one) => one.id));
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    part.className = next.className;
    part.innerHTML = source;
    part.querySelectorAll(".scroll").forEach((one, i) => { one.scrollLeft = scrolled[i] ?? 0; });
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus();
  }
  showTimes(document);
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { "X-Refresh": "1" }, signal: AbortSignal.timeout(15000) });
    if (answer.status >= 500) throw new Error(answer.statusText);
    if (answer.redirected && new URL(answer.url).pathname === "/login") location.reload();
    update(new DOMParser().parseFromString(await answer.text(), "text/html"));
    TROUBLE.hidden = true;
  } catch (error) {
    if (TROUBLE.hidden) TROUBLE.textContent = `The console does not answer since ${ZONED.format(new Date())}. What you see is from then; trying again.`;
    TROUBLE.hidden = false;
  }
}

function keepAlive(seconds) {
  const wait = () => setTimeout(async () => {
    if (!document.hidden) await refresh();
    wait();
  }, seconds * 1000);
  wait();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}

showTimes(document);
for (const part of document.querySelectorAll("[data-live][id]")) part.dataset.source = "";
if (document.body.dataset.refresh) keepAlive(Number(document.body.dataset.refresh));
for (const choice of document.querySelectorAll("form[data-submits] select")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}
