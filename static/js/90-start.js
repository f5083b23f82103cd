// Keys, forms that htmx sends, and the start.
const jump = (selector) => { const to = document.querySelector(selector); to?.focus(); return !!to; };
const toConversation = (step) => {
  const links = all("#conversations a");
  const at = links.findIndex((a) => a.hasAttribute("aria-current"));
  const to = links[Math.max(0, Math.min(links.length - 1, at + step))];
  if (to && to !== links[at]) location.assign(to.href);
  return links.length > 0;
};
// Alt with a key, as the help page says: no browser or screen reader needs these.
const keys = {
  k: () => jump("#find") || (location.assign("/contacts"), true),
  m: () => jump("#text"),
  l: () => jump("#log"),
  s: () => { document.querySelector(".me")?.click(); return true; },
  ArrowUp: () => toConversation(-1),
  ArrowDown: () => toConversation(1),
};
// Where Alt with a key types a sign or moves through a text (a Mac's Option key does), it is left to that.
const typing = (e) => e.target.matches?.("input, textarea") && (e.key.length === 1 ? !/[a-z]/i.test(e.key) : e.target.value !== "");
addEventListener("keydown", (e) => {
  if (!me || !e.altKey || e.ctrlKey || e.metaKey || e.shiftKey || typing(e)) return;
  const act = keys[/^Key[A-Z]$/.test(e.code) ? e.code.slice(3).toLowerCase() : e.key];
  if (act?.()) e.preventDefault();
});

// The field of the note holds the note that is in force when the menu opens.
byId("my-status")?.addEventListener("beforetoggle", (e) => {
  const field = byId("status-note"), shown = live("status:" + me)[0];
  if (e.newState === "open" && field && !shown?.querySelector(".note.out")) field.value = shown?.querySelector(".note.said")?.textContent || "";
});

// A form that worked closes its menu; one that did not leaves its sentence in the page.
document.addEventListener("htmx:after:request", (e) => {
  const form = e.detail.ctx?.sourceElement;
  if (e.detail.ctx?.response?.status !== 204 || !form?.matches("form")) return;
  byId("problem")?.replaceChildren();
  form.closest("[popover]:not(.person-card)")?.hidePopover();
});
document.addEventListener("submit", (e) => {
  if (!e.target.matches(".signout")) return;
  // What ends now ends on purpose.
  leaving = true;
  // What was begun is kept first, as far as the network lets it.
  e.preventDefault();
  saveDrafts().then(() => {
    e.target.submit();
    for (const key of keep.keys()) localStorage.removeItem(key);
  });
});

// Days are named as seen from today: after midnight the page is read again, in a thin session once somebody is there again.
const midnight = () => { const d = new Date(); d.setHours(24, 0, 5, 0); return d - Date.now(); };
const atMidnight = () => setTimeout(() => { refresh(null); atMidnight(); }, midnight());
let today = new Date().toDateString();
const anotherDay = () => {
  const now = new Date().toDateString();
  if (now !== today) { today = now; refresh(null); }
};
const daysByInput = () => {
  for (const kind of ["pointerdown", "keydown", "visibilitychange"]) addEventListener(kind, anotherDay, { passive: true, capture: true });
};

if (me) {
  if (thin) daysByInput(); else atMidnight();
  showQueued();
  connect();
}
