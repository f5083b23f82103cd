// Moving appointments in the grid: by dragging, or with Shift and the arrows; their end with the lower edge, or with
// Shift, Alt and the arrows. Nothing is sent before the appointment is dropped, or Enter is pressed.
const scopeMenu = byId("scope-menu");

// Asks how much of a series is meant; null: nothing at all.
const askScope = (near) => new Promise((answer) => {
  let said = null;
  const choose = (e) => {
    const button = e.target.closest("button");
    if (!button) return;
    said = button.dataset.scope || null;
    scopeMenu.hidePopover();
  };
  const closed = (e) => {
    if (e.newState !== "closed") return;
    scopeMenu.removeEventListener("click", choose);
    scopeMenu.removeEventListener("toggle", closed);
    answer(said);
  };
  scopeMenu.addEventListener("click", choose);
  scopeMenu.addEventListener("toggle", closed);
  showAt(scopeMenu, near);
  scopeMenu.querySelector("button").focus();
});

const complain = (html) => {
  const place = byId("problem");
  place.innerHTML = html || `<p class="banner error"></p>`;
  if (!html) place.firstElementChild.textContent = texts["move-failed"];
};

const sendMove = async (event, start, end) => {
  const scope = event.dataset.series ? await askScope(event) : "";
  if (scope === null) { announce(texts["move-left"]); return; }
  const to = new URL(event.href);
  to.pathname += "/move";
  const said = new URLSearchParams({ version: event.dataset.version, start: stampOf(start), end: stampOf(end), scope });
  event.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(to, { method: "POST", headers: { "HX-Request": "true" }, body: said });
    if (answer.ok) { byId("problem").replaceChildren(); announce(texts.moved); } else complain(await answer.text());
  } catch { complain(""); }
  refresh(["calendar-pane"]);
};

// What a moved appointment would be, beside it, until it is dropped.
let hint = null;
const showHint = (text, x, y) => {
  if (!hint) { hint = document.createElement("div"); hint.className = "menu move-hint"; hint.setAttribute("aria-hidden", "true"); document.body.append(hint); }
  hint.textContent = text;
  hint.hidden = false;
  const left = Math.max(4, Math.min(x + 12, innerWidth - hint.offsetWidth - 4));
  float(".move-hint", `left: ${left}px; top: ${Math.max(4, Math.min(y + 12, innerHeight - hint.offsetHeight - 4))}px`);
};
const hideHint = () => { if (hint) hint.hidden = true; };
const timesOf = (event) => ({ start: instantOf(event.dataset.start), end: instantOf(event.dataset.end), days: !!event.dataset.days });
const hintWords = (t) => wordsFor(t.start, t.days ? t.end - dayLong : t.end, t.days);

// The instant under the pointer, in quarters of an hour; for whole days the day of the column.
const quarter = 900000;
const under = (x, y, days) => {
  const cell = document.elementsFromPoint(x, y).map((e) => e.closest?.("#calendar-table td")).find(Boolean);
  if (days) {
    const head = all("#calendar-table thead th[data-day]").find((th) => { const r = th.getBoundingClientRect(); return x >= r.left && x < r.right; });
    return head ? Date.parse(head.dataset.day) : null;
  }
  const slot = cell?.closest(".slots") && cell.querySelector(".slot");
  if (!slot) return null;
  const r = cell.getBoundingClientRect();
  return slotTime(slot).at + Math.floor(Math.max(0, Math.min(0.999, (y - r.top) / r.height)) * halfHour / quarter) * quarter;
};

const drag = (event, e) => {
  const was = timesOf(event), box = event.getBoundingClientRect();
  const resize = !was.days && event.closest(".slots") && box.bottom - e.clientY < 7;
  const grabbed = under(e.clientX, e.clientY, was.days);
  if (grabbed === null) return;
  let now = null;
  const moved = (ev) => {
    if (!now && Math.hypot(ev.clientX - e.clientX, ev.clientY - e.clientY) < 5) return;
    const at = under(ev.clientX, ev.clientY, was.days);
    if (at === null) return;
    event.classList.add("moving");
    if (resize) now = { ...was, end: Math.max(at + quarter, was.start + quarter) };
    else {
      now = { ...was, start: was.start + at - grabbed, end: was.end + at - grabbed };
      float(".event.moving", `pointer-events: none; transform: translate(${ev.clientX - e.clientX}px, ${ev.clientY - e.clientY}px)`);
    }
    if (resize) float(".event.moving", `pointer-events: none; height: ${Math.max(20, ev.clientY - box.top)}px !important`);
    showHint(hintWords(now), ev.clientX, ev.clientY);
  };
  const done = (drop, held) => {
    removeEventListener("pointermove", moved);
    removeEventListener("pointerup", up);
    removeEventListener("pointercancel", lost);
    removeEventListener("keydown", escape, true);
    event.classList.remove("moving");
    float(".event.moving", "");
    hideHint();
    if (!now) return;
    const stay = (ev) => ev.preventDefault(); // the click that ends a drag leads nowhere
    event.addEventListener("click", stay);
    const clicked = () => setTimeout(() => event.removeEventListener("click", stay), 0);
    if (held) addEventListener("pointerup", clicked, { once: true }); // given up with the button still down
    else clicked();
    // Only after this event: a menu that opens while the mouse goes up is taken for one to be closed by it.
    if (drop && (now.start !== was.start || now.end !== was.end)) setTimeout(() => sendMove(event, now.start, now.end), 0);
  };
  const up = () => done(true), lost = () => done(false);
  const escape = (ev) => { if (ev.key === "Escape") { ev.preventDefault(); done(false, true); } };
  addEventListener("pointermove", moved);
  addEventListener("pointerup", up);
  addEventListener("pointercancel", lost);
  addEventListener("keydown", escape, true);
};

// By keyboard: what the arrows have made of the appointment that has the focus, until Enter.
let lifted = null;
const putBack = (say) => {
  if (!lifted) return;
  lifted.event.classList.remove("moving");
  lifted = null;
  hideHint();
  if (say) announce(texts["move-left"]);
};
const nudged = (event, key, end) => {
  const now = lifted?.event === event ? lifted.now : timesOf(event);
  const by = key === "ArrowUp" || key === "ArrowDown" ? halfHour : dayLong;
  const sign = key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1;
  if (now.days && by === halfHour) return null;
  if (end) return now.days || by === halfHour ? { ...now, end: Math.max(now.end + sign * by, now.start + (now.days ? dayLong : quarter)) } : null;
  let shift = sign * by;
  if (by === dayLong && !now.days) { // the same time of the clock there, whatever the clocks do in between
    const td = event.closest("td"), home = td?.querySelector(".slot"), row = td?.parentElement;
    const days = (lifted?.event === event ? lifted.days : 0) + sign;
    const there = home && cellAt(row, columnOf(td) + days)?.querySelector(".slot");
    const before = lifted?.event === event ? lifted.overDays : 0;
    const total = there ? slotTime(there).at - slotTime(home).at : before + shift;
    shift = total - before;
    return { ...now, start: now.start + shift, end: now.end + shift, overDays: total, daysBy: days };
  }
  return { ...now, start: now.start + shift, end: now.end + shift };
};

if (calendarMain) {
  const pane = byId("calendar-pane");
  pane.addEventListener("pointerdown", (e) => {
    const event = e.target.closest(".event[data-version]");
    if (!event || e.button || e.pointerType === "touch" || e.ctrlKey || e.metaKey || !(event.closest(".slots") || event.dataset.days)) return;
    drag(event, e);
  });
  pane.addEventListener("keydown", (e) => {
    const event = e.target.closest(".event[data-version]");
    if (!event || !(event.closest(".slots") || event.dataset.days)) return;
    if (lifted && e.key === "Enter") {
      e.preventDefault();
      const { now } = lifted;
      putBack(false);
      sendMove(event, now.start, now.end);
      return;
    }
    if (lifted && e.key === "Escape") { e.preventDefault(); putBack(true); return; }
    if (!e.shiftKey || e.ctrlKey || e.metaKey || !/^Arrow/.test(e.key)) return;
    e.preventDefault();
    e.stopPropagation();
    const now = nudged(event, e.key, e.altKey);
    if (!now) return;
    lifted = { event, now, overDays: now.overDays ?? (lifted?.overDays || 0), days: now.daysBy ?? (lifted?.days || 0) };
    event.classList.add("moving");
    const words = hintWords(now), r = event.getBoundingClientRect();
    showHint(words, r.right, r.top);
    announce(texts["move-to"].replace("{time}", words));
  });
  pane.addEventListener("focusout", (e) => { if (lifted && e.target === lifted.event) putBack(true); });
  document.addEventListener("focusin", (e) => {
    if (e.target.matches?.(".event[data-version]") && !keep.get("move-keys", false)) { keep.set("move-keys", true); announce(texts["move-keys"]); }
  });
}
