// What else the calendar does by itself: the line of the present, and the form's steps without leaving the page.

// The line moves every five minutes, on a screen that is cheap to draw on. A remote one keeps it where the page put it.
const drawsSlowly = thin ? { matches: true } : matchMedia("(prefers-reduced-motion: reduce), (update: slow)");
const moveNow = () => {
  const lines = all("#calendar-table .now");
  for (const line of lines) {
    const column = columnOf(line.closest("td"));
    const now = Date.now();
    const slot = all("#calendar-table .slots .slot").find((s) => { const at = slotTime(s).at; return at <= now && now < at + halfHour && columnOf(s.closest("td")) === column; });
    if (!slot) continue;
    line.dataset.o = String(Math.floor((now - slotTime(slot).at) / 300000));
    if (line.parentElement !== slot.parentElement) slot.after(line);
  }
};
if (calendarMain && !drawsSlowly.matches) {
  const tick = () => setTimeout(() => { if (document.visibilityState === "visible" && !drawsSlowly.matches) moveNow(); tick(); }, 300000 - Date.now() % 300000 + 500);
  tick();
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") moveNow(); });
}

// The planner shows the chosen time, wherever in the day it is.
const showChosen = () => {
  const cell = document.querySelector(".planner-table .everyone [data-chosen=true]"), names = document.querySelector(".planner-table thead th");
  if (cell) cell.closest(".table-scroll").scrollLeft = cell.offsetLeft - names.offsetWidth - cell.offsetWidth;
};
showChosen();

// The steps of the form (people found, added and removed, rooms, everybody's time) come in place of it.
const formStep = async (form, submitter) => {
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch("/calendar/form", { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams(new FormData(form, submitter)) });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = fresh.getElementById("appointment-form");
    const problem = fresh.getElementById("problem");
    byId("problem").replaceChildren(...(problem ? problem.childNodes : next ? [] : fresh.body.childNodes));
    if (!next) return;
    const adds = submitter.name === "add" && submitter.closest("#people-found") || submitter.name === "remove";
    const place = document.querySelector(".scroll")?.scrollTop;
    form.replaceWith(next);
    htmx.process(next);
    if (place) document.querySelector(".scroll").scrollTop = place;
    showChosen();
    const again = adds ? byId("people-query") : [...next.elements].find((x) => x.name === submitter.name && x.value === submitter.value) || next.querySelector("#planner-title") || byId(/^crm/.test(submitter.name) ? "crm-tie-query" : "people-query");
    again?.focus({ preventScroll: adds });
  } catch { complain(""); } finally { byId("appointment-form")?.removeAttribute("aria-busy"); }
};
document.addEventListener("submit", (e) => {
  const form = e.target; // whose field "id" hides its own id
  if (form.getAttribute("id") !== "appointment-form") return;
  // Enter in a field that looks for people looks for them.
  const field = document.activeElement, by = e.submitter?.matches(".vh") && looksFor(field) ? field.nextElementSibling : e.submitter;
  if (by?.getAttribute("formaction") !== "/calendar/form") return;
  e.preventDefault();
  formStep(form, by);
});
const looksFor = (e) => /^(people|crm-tie)-query$/.test(e.id);
// The arrow down goes from such a field to who was found.
document.addEventListener("keydown", (e) => {
  const found = e.target.closest?.(".found-attendees, .everyone");
  if (looksFor(e.target) && e.key === "ArrowDown") { const first = e.target.closest("fieldset").querySelector(".found-attendees button"); if (first) { e.preventDefault(); first.focus(); } }
  const forward = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key];
  if (!found || !forward || !e.target.matches("button")) return;
  e.preventDefault();
  const buttons = all("button", found);
  const to = buttons[buttons.indexOf(e.target) + forward];
  if (to) to.focus(); else if (forward < 0) byId("people-query")?.focus();
});
// What of a repetition follows from its first day follows it; what was chosen otherwise stays.
const followRepeat = (form, was, now) => {
  const field = form.elements, boxes = all("[name=days]", form), ticked = boxes.filter((b) => b.checked);
  const nth = (d) => String(d.getUTCDate() > 28 ? -1 : Math.ceil(d.getUTCDate() / 7));
  if (ticked.length === 1 && Number(ticked[0].value) === was.getUTCDay()) for (const b of boxes) b.checked = Number(b.value) === now.getUTCDay();
  const follow = (names, of) => {
    if (names.every((name, i) => field[name].value === of(was)[i])) names.forEach((name, i) => { field[name].value = of(now)[i]; });
  };
  follow(["nth", "nth_day"], (d) => [nth(d), String(d.getUTCDay())]);
  follow(["month_day", "month"], (d) => [String(d.getUTCDate()), String(d.getUTCMonth() + 1)]);
};
// A chosen start keeps the length: the end follows it, as dates and times of the clock.
document.addEventListener("change", (e) => {
  const form = e.target.form;
  if (form?.getAttribute("id") !== "appointment-form" || !["start_date", "start_time"].includes(e.target.name)) return;
  const field = form.elements, at = (d, t) => Date.parse(d + "T" + (t || "00:00") + "Z");
  const before = at(field.start_date.defaultValue, field.start_time.defaultValue), now = at(field.start_date.value, field.start_time.value);
  const end = at(field.end_date.value, field.end_time.value);
  if (Number.isNaN(before) || Number.isNaN(now) || Number.isNaN(end)) return;
  const moved = new Date(end + now - before).toISOString();
  field.end_date.value = moved.slice(0, 10);
  if (field.end_time.value) field.end_time.value = moved.slice(11, 16);
  followRepeat(form, new Date(before), new Date(now));
  field.start_date.defaultValue = field.start_date.value;
  field.start_time.defaultValue = field.start_time.value;
}, true);
// A file that is too large is said to be so before it is sent.
document.addEventListener("change", (e) => {
  const { max, tooLarge } = e.target.dataset ?? {};
  if (e.target.type !== "file" || !max) return;
  e.target.setCustomValidity([...e.target.files].some((f) => f.size > Number(max)) ? tooLarge : "");
  e.target.reportValidity();
});
// The private address is there to be copied.
document.addEventListener("focusin", (e) => { if (e.target.id === "address" && e.target.readOnly) e.target.select(); });
