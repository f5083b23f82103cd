// The grid of the calendar: cells are walked with the arrow keys, a time is chosen by dragging over cells or with Shift
// and the arrows, and what is chosen opens a small form. Everything also works by links and forms, without this.
const grid = () => byId("calendar-table");
const calendarMain = document.querySelector("main.calendar");
const halfHour = 1800000, dayLong = 86400000;
const stampOf = (ms) => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
const instantOf = (stamp) => Date.parse(stamp.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, "$1-$2-$3T$4:$5:$6Z"));

// What a cell's link says: an instant, or a day.
const slotTime = (slot) => {
  const q = new URL(slot.href).searchParams;
  return { at: q.get("at") ? instantOf(q.get("at")) : null, day: q.get("day"), of: q.get("of") || "" };
};
const wordsFor = (from, to, days) => {
  const zone = days ? "UTC" : calendarMain.dataset.zone, twelve = calendarMain.dataset.twelve === "1";
  const format = new Intl.DateTimeFormat(calendarMain.dataset.lang, {
    timeZone: zone, weekday: "short", day: "numeric", month: "short", ...(days ? {} : { hour: "numeric", minute: "2-digit", hour12: twelve }),
  });
  return days && to <= from ? format.format(from) : format.formatRange(from, to);
};

// Cells by where they stand: the column is counted over cells that reach over several.
const columnOf = (td) => {
  let n = 0;
  for (let at = td.previousElementSibling; at; at = at.previousElementSibling) if (at.localName === "td") n += at.colSpan;
  return n;
};
const cellAt = (tr, column) => {
  let n = 0;
  for (const td of tr.querySelectorAll(":scope > td")) { n += td.colSpan; if (column < n) return td; }
  return null;
};
const rowsOf = (table) => [...table.tBodies].flatMap((b) => [...b.rows]);
const stopOf = (td) => td?.querySelector(".slot") || td?.querySelector("a");
const step = (from, dx, dy) => {
  const td = from.closest("td"), tr = td.parentElement, rows = rowsOf(tr.closest("table"));
  if (dx) {
    let next = td;
    do next = dx > 0 ? next.nextElementSibling : next.previousElementSibling; while (next && (next.localName !== "td" || !stopOf(next)));
    return stopOf(next);
  }
  const column = columnOf(td);
  for (let i = rows.indexOf(tr) + dy; rows[i]; i += dy) { const to = stopOf(cellAt(rows[i], column)); if (to) return to; }
  return null;
};

// One cell takes part in the order of the Tab key: where the reader was last, else now, else where the day begins; one
// that no appointment covers.
const uncovered = (slot) => {
  const r = slot?.getBoundingClientRect();
  return !!r && document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2) === slot;
};
let restingPlace = "";
const settle = () => {
  const slots = all("#calendar-table .slot");
  if (!slots.length) return;
  const now = all("#calendar-table .now")[0]?.closest("td").querySelector(".slot");
  const rest = slots.find((s) => s.getAttribute("href") === restingPlace) || (uncovered(now) && now)
    || slots.find((s) => s.closest("td:not(.off)") && s.closest(".slots") && uncovered(s)) || slots[0];
  for (const s of slots) { const want = s === rest ? "0" : "-1"; if (s.getAttribute("tabindex") !== want) s.setAttribute("tabindex", want); }
};

// A chosen stretch: the cells between two of one column, or of the days between two.
let chosenFrom = null, chosenTo = null;
const chooses = (a, b) => {
  if (!a || !b) return [];
  const x = slotTime(a), y = slotTime(b);
  if (x.of !== y.of) return [a];
  const same = all("#calendar-table .slot").filter((s) => slotTime(s).of === x.of);
  if (x.day) return same.filter((s) => { const d = slotTime(s).day; return d && d >= (x.day < y.day ? x.day : y.day) && d <= (x.day < y.day ? y.day : x.day); });
  const low = Math.min(x.at, y.at), high = Math.max(x.at, y.at), column = columnOf(a.closest("td"));
  return same.filter((s) => { const at = slotTime(s).at; return at !== null && at >= low && at <= high && columnOf(s.closest("td")) === column; });
};
const paint = (a, b) => {
  chosenFrom = a;
  chosenTo = b;
  const wanted = new Set(chooses(a, b));
  for (const s of all("#calendar-table .slot.chosen")) if (!wanted.has(s)) s.classList.remove("chosen");
  for (const s of wanted) s.classList.add("chosen");
};

// Where the script puts what floats over the page: rules of a sheet of its own, because elements have no styles here.
const floating = {}, floatingSheet = calendarMain && new CSSStyleSheet();
if (floatingSheet) document.adoptedStyleSheets = [...document.adoptedStyleSheets, floatingSheet];
const float = (selector, rules) => {
  floating[selector] = rules;
  floatingSheet.replaceSync(Object.entries(floating).filter(([, r]) => r).map(([s, r]) => `${s} { ${r} }`).join("\n"));
};

// The small form for what was chosen.
const newBox = byId("new-box");
const showAt = (box, near) => {
  box.showPopover();
  const r = near.getBoundingClientRect(), w = box.offsetWidth, h = box.offsetHeight;
  const left = Math.max(8, Math.min(innerWidth - w - 8, r.right + 8 + w < innerWidth ? r.right + 8 : r.left - w - 8));
  float("#" + box.id, `left: ${left}px; top: ${Math.max(8, Math.min(innerHeight - h - 8, r.top))}px`);
};
const openBox = (a, b) => {
  const cells = chooses(a, b), form = newBox.querySelector("form");
  if (!cells.length) return;
  const first = slotTime(cells[0]), last = slotTime(cells.at(-1));
  const one = cells.length === 1;
  const times = first.day
    ? { day: first.day, until: one ? "" : last.day, at: "" }
    : { day: "", at: stampOf(first.at), until: stampOf(one ? first.at + 2 * halfHour : last.at + halfHour) };
  for (const [name, value] of Object.entries({ ...times, of: first.of })) form.elements[name].value = value;
  byId("new-when").textContent = first.day
    ? wordsFor(Date.parse(first.day), Date.parse(last.day), true)
    : wordsFor(instantOf(times.at), instantOf(times.until), false);
  const more = () => "/calendar/new?" + new URLSearchParams(Object.entries({ ...times, of: first.of, subject: form.elements.subject.value }).filter(([, v]) => v));
  byId("new-more").href = more();
  form.elements.subject.oninput = () => { byId("new-more").href = more(); };
  paint(a, b);
  showAt(newBox, cells[0]);
  form.elements.subject.focus();
};

if (calendarMain) {
  const pane = byId("calendar-pane");
  settle();
  new MutationObserver(settle).observe(pane, { subtree: true, childList: true, attributes: true, attributeFilter: ["tabindex"] });
  const scroll = document.querySelector(".calendar-scroll");
  const firstUsual = document.querySelector(".slots td:not(.off)")?.closest("tr");
  if (firstUsual && firstUsual.rowIndex > 12) scroll.scrollTop = Math.max(0, firstUsual.offsetTop - 60);

  pane.addEventListener("focusin", (e) => { if (e.target.matches(".slot")) { restingPlace = e.target.getAttribute("href"); settle(); } });
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pane.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || !e.target.closest("#calendar-table td")) return;
    const slot = e.target.matches(".slot");
    if (e.key === "PageUp" || e.key === "PageDown") { e.preventDefault(); byId(e.key === "PageUp" ? "step-back" : "step-on").click(); return; }
    if (e.key === "Escape" && chosenFrom) { paint(null, null); return; }
    if (!arrows[e.key] || (e.shiftKey && !slot)) return;
    e.preventDefault();
    const to = step(e.target, ...arrows[e.key]);
    if (!to) return;
    if (e.shiftKey && to.matches(".slot")) paint(chosenFrom || e.target, to);
    else paint(null, null);
    to.focus();
    to.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  // Clicks, also those that Enter makes. A modified click opens the form in another tab, as with any link.
  let dragged = false;
  pane.addEventListener("click", (e) => {
    if (dragged) { dragged = false; e.preventDefault(); return; }
    const slot = e.target.closest(".slot");
    if (!slot || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    const within = chosenFrom && chooses(chosenFrom, chosenTo).includes(slot);
    openBox(within ? chosenFrom : slot, within ? chosenTo : slot);
  });
  pane.addEventListener("dragstart", (e) => { if (e.target.closest?.(".slot, .event")) e.preventDefault(); });
  pane.addEventListener("pointerdown", (e) => {
    const slot = e.target.closest(".slot");
    if (!slot || e.button || e.pointerType === "touch") return;
    dragged = false;
    const over = (ev) => {
      const under = document.elementsFromPoint(ev.clientX, ev.clientY).find((x) => x.matches?.("#calendar-table .slot"));
      if (!under || (under === slot && !dragged)) return;
      dragged = true;
      paint(slot, under);
    };
    const up = () => {
      removeEventListener("pointermove", over);
      removeEventListener("pointerup", up);
      if (!dragged) return;
      // Only after this event: a menu that opens while the mouse goes up is taken for one to be closed by it.
      setTimeout(() => { dragged = false; openBox(chosenFrom, chosenTo); }, 0);
    };
    addEventListener("pointermove", over);
    addEventListener("pointerup", up);
  });
  newBox.addEventListener("toggle", (e) => {
    if (e.newState !== "closed") return;
    const back = chosenFrom;
    paint(null, null);
    newBox.querySelector("form").reset();
    if (!document.activeElement || document.activeElement === body || newBox.contains(document.activeElement)) back?.isConnected && back.focus();
  });
  document.addEventListener("htmx:after:request", (e) => {
    if (e.detail.ctx?.response?.status === 204 && newBox.contains(e.detail.ctx?.sourceElement)) refresh(["calendar-pane"]);
  });
}
