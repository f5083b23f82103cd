// Reading: the log stays at its end if it was there and where it was if not, old messages come on scrolling up,
// and what was really seen is marked as read. The log counts its scroll position from its end.
// In a thin session the end of the log may have room below its newest message: what is said next is drawn there and moves nothing.
// When that is used up the log moves on in one step, by as much as makes room anew.
let spare = 0;
const atEnd = () => !scroller || scroller.scrollTop > -40 - spare;
const toEnd = () => { if (scroller) scroller.scrollTop = -spare; };
const newest = byId("newest");

// Does something to the log without moving what the reader looks at.
const hold = (change) => {
  const top = scroller.getBoundingClientRect().top;
  const anchor = all(".msg", scroller).find((m) => m.getBoundingClientRect().bottom > top);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (anchor?.isConnected) scroller.scrollTop += anchor.getBoundingClientRect().top - before;
};
// Leaves so much room at the end, or makes it anew where it does not show the newest message or is more than that.
const leave = (free) => {
  const most = innerHeight * 0.3;
  if (free > most || scroller.scrollTop < -1 - free) { free = most; scroller.scrollTop = 0; }
  spare = free;
  log.style = `padding-bottom: ${free + 4}px`;
};
// Does something likewise, but who reads at its end goes on with it. Its height is held meanwhile, or its scroll bar would be drawn each time.
const stay = (change) => {
  if (scroller && !atEnd()) { hold(change); return; }
  const was = thin && log?.querySelector(".msg") && log.getBoundingClientRect();
  if (was) log.style = `min-height: ${was.height}px`;
  change();
  const last = was && all(".msg", log).at(-1);
  if (last) leave(was.height - 4 + log.getBoundingClientRect().top - last.getBoundingClientRect().bottom);
  else toEnd();
};

const onMessage = (message) => {
  const mine = message.dataset.from === me;
  if (mine) accepted(message.dataset.id);
  if (!atEnd()) newest.hidden = false;
  if (!mine && !inView() && log.contains(message) && !log.querySelector(".unread-mark")) {
    const mark = document.createElement("div");
    mark.className = "unread-mark";
    mark.setAttribute("role", "separator");
    mark.append(Object.assign(document.createElement("span"), { textContent: texts["unread-mark"] }));
    stay(() => message.before(mark));
  }
  mayRead();
};

let readUpTo = "";
const mayRead = () => {
  if (!log || !inView() || !atEnd() || windowed(log)) return;
  const { id, order } = all(".msg:not(.mine)", log).at(-1)?.dataset || {};
  if (!id || order === readUpTo) return;
  if (send({ op: "read", conversation: openConversation, id, place: +order })) readUpTo = order;
};

const olderThan = (link, order) => {
  const base = location.pathname;
  link.href = base + "?before=" + order;
  link.setAttribute("hx-get", base + "/messages?before=" + order);
  link.dataset.before = order;
  htmx.process(link);
  watchOlder(true);
};
let watchOlder = () => {};
let hearTyping = () => {};
// After messages came in at either end: each day once, and groups as the pauses say.
const tidy = () => {
  const seen = new Set();
  for (const day of all(".day", log)) { if (seen.has(day.dataset.day)) day.remove(); seen.add(day.dataset.day); }
  all(".msg", log).forEach(arrange);
};

// What comes in later shows people too.
document.addEventListener("htmx:after:swap", () => watchPeople());

if (scroller) {
  toEnd();
  const mark = log.querySelector(".unread-mark");
  if (mark && mark.getBoundingClientRect().top < scroller.getBoundingClientRect().top) {
    mark.scrollIntoView({ block: "start" });
    newest.hidden = false;
  }
  let asked = new WeakSet();
  const older = new IntersectionObserver((seen) => {
    for (const s of seen) {
      if (s.isIntersecting && !asked.has(s.target) && scroller.scrollHeight > scroller.clientHeight) { asked.add(s.target); scroller.setAttribute("aria-busy", "true"); htmx.trigger(s.target, "older"); }
    }
  }, { root: scroller, rootMargin: "200px" });
  watchOlder = (again) => {
    const link = log.querySelector(".earlier:not([hidden])");
    if (!link) return;
    if (again) { asked = new WeakSet(); older.unobserve(link); }
    older.observe(link);
  };
  watchOlder();
  document.addEventListener("htmx:after:swap", () => {
    tidy();
    watchOlder();
    setTimeout(() => scroller.removeAttribute("aria-busy"), 500);
  });
  // What one writes grows into that room.
  let high = scroller.clientHeight;
  if (thin) new ResizeObserver(() => {
    const by = scroller.clientHeight - high;
    high += by;
    if (by && atEnd() && scroller.scrollHeight > high) leave(spare + by);
  }).observe(scroller);
  scroller.addEventListener("scroll", () => { if (atEnd()) { newest.hidden = true; mayRead(); } }, { passive: true });
  newest.addEventListener("click", () => { toEnd(); newest.hidden = true; field.focus(); });
  addEventListener("focus", mayRead);
  document.addEventListener("visibilitychange", mayRead);
  log.addEventListener("click", (e) => {
    const again = e.target.closest(".again");
    if (again) { insert(again.closest(".msg").querySelector(".text").textContent); }
  });
}
