// Applies live frames to the page. The rules are those of views/live.templ; the components inside are the
// ones the page was made of, so that the result is what a fresh page would be.
const live = (key, root) => all(`[data-live="${CSS.escape(key)}"]`, root);

const keyOf = (part) => part.dataset.key ?? part.firstElementChild?.dataset.live;

// A node becomes another where it stands, as far as both are built alike: the browser has a third less to do than for a new one.
const alter = (old, next) => {
  if (old.isEqualNode(next)) return;
  const parts = [...old.childNodes];
  if (old.nodeName !== next.nodeName || parts.length !== next.childNodes.length) old.replaceWith(next.cloneNode(true));
  else if (!next.attributes) old.data = next.data;
  else {
    for (const name of old.getAttributeNames()) if (!next.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    parts.forEach((part, i) => alter(part, next.childNodes[i]));
  }
};

const apply = {
  replace(part, root) {
    const next = part.firstElementChild;
    for (const old of live(keyOf(part), root)) alter(old, next);
  },

  // What somebody is now: signs and words stay where they are and change, where they do; what else is shown of them and
  // does not come with the frame is empty.
  person(part, root) {
    const { uri, availability } = part.parentNode.dataset, { words } = part.dataset;
    for (const dot of live("dot:" + uri, root)) {
      if (dot.dataset.p !== availability) dot.dataset.p = availability;
      if (dot.title !== words) dot.title = words;
    }
    for (const word of live("word:" + uri, root)) if (word.textContent !== words) word.textContent = words;
    const brought = partsOf(part.parentNode).map(keyOf);
    for (const kind of ["own:", "details:", "no-im:"]) {
      if (!brought.includes(kind + uri)) for (const place of live(kind + uri, root)) if (!place.hidden) { place.replaceChildren(); place.hidden = true; }
    }
    // A card says more of somebody's day than a frame: it is read again when that is another than it shows.
    for (const person of root ? [] : all(`.person[data-uri="${CSS.escape(uri)}"]`)) {
      if (person.dataset.day === part.dataset.day) continue;
      const pane = person.closest("[data-pane]");
      if (pane) refresh([pane.id]); else person.parentElement.dispatchEvent(new Event("stale"));
    }
  },

  // A message goes to its place by order; one that was only shown as being sent gives way to the real one.
  log(part) {
    const pane = byId("log-" + part.dataset.to);
    let [day, message] = part.children;
    if (!pane || !message) return;
    if (windowed(pane)) { newest.hidden = false; return; }
    stay(() => {
      const old = byId(message.id);
      if (old?.dataset.order === message.dataset.order) old.replaceWith(message);
      else if (old && sameText(old, message)) { become(old, message); message = old; place(pane, message, day); }
      else { old?.remove(); place(pane, message, day); }
      personal(message);
      arrange(message);
      const next = following(message, "nextElementSibling");
      if (next) arrange(next);
      trim(pane);
    });
    onMessage(message);
  },

  // A line of a list comes to the top. What in it is kept up to date by other frames stays as it was.
  top(part) {
    const list = byId(part.dataset.to);
    const next = part.firstElementChild;
    if (!list || !next) return;
    const old = byId(next.id);
    if (old) { patch(old, next); apply.raise({ dataset: old }); return; }
    const told = knownPresence(next);
    if (next.dataset.peer === openConversation) next.querySelector("a").setAttribute("aria-current", "page");
    list.prepend(next);
    // The server tells of those who were not watched before.
    if (!told) watchPeople(next.dataset.peer);
    watchPeople();
  },

  // A line that is there already comes to the top of its list.
  raise(part) {
    const line = byId(part.dataset.id);
    if (!line?.previousElementSibling) return;
    const focused = line.contains(document.activeElement) && document.activeElement;
    line.parentNode.prepend(line);
    focused?.focus?.();
  },

  // A message that changed, if it is shown and not newer.
  swap(part) {
    const message = part.firstElementChild, old = byId(part.dataset.id);
    if (!old || +old.dataset.version > +message.dataset.version) return;
    stay(() => { old.replaceWith(message); personal(message); arrange(message); });
  },

  refresh(part) {
    const { to, unless, when, only } = part.dataset;
    if (!byId(to) || byId(unless) || (when && !document.querySelector(when)) || (only && only !== me)) return;
    refresh([to]);
    const find = byId("find");
    if (find?.value) htmx.trigger(find, "search");
  },
};

// Makes one thing of the page what another is, and touches nothing in it that is so already: only what is another is drawn.
const patch = (old, next) => {
  if (old.dataset?.live || old.isEqualNode(next)) return;
  const parts = [...old.childNodes], others = [...next.childNodes];
  if (!parts.length || parts.length !== others.length) { old.replaceWith(next); return; }
  for (const { name, value } of next.attributes) old.setAttribute(name, value);
  parts.forEach((part, i) => patch(part, others[i]));
};

// A line that is new shows what the page knows of the person already; else the server tells, who is asked then.
const knownPresence = (line) => {
  const dot = line.querySelector("[data-live^='dot:']");
  const known = dot && live(dot.dataset.live)[0];
  if (!known) return !dot;
  dot.replaceWith(known.cloneNode(true));
  for (const word of all("[data-live^='word:']", line)) word.textContent = known.title;
  return true;
};

// A page that has stood for a while has a card whose clock has, too.
byId("peer-card")?.addEventListener("beforetoggle", (e) => {
  if (e.newState === "open" && performance.now() > 60000) refresh(["peer-card"]);
});

// What depends on who reads: frames are the same for all.
let personal = (message) => message.classList.toggle("mine", message.dataset.from === me);
// A log that is read somewhere in its past does not go on to the newest message: nothing is added at its end.
const windowed = (pane) => !!pane?.querySelector(".later:not([hidden])");

// Puts a message where its order says, with its day before it.
const place = (pane, message, day) => {
  const later = all(".msg", pane).find((m) => m !== message && (m.dataset.order === "0" || +m.dataset.order > +message.dataset.order));
  const before = later || pane.querySelector(".later");
  if (message.parentNode !== pane || message.nextElementSibling !== before) pane.insertBefore(message, before);
  if (!all(".day", pane).some((d) => d.dataset.day === day.dataset.day)) message.before(day);
};

// What was shown as being sent becomes the real message where it stands, so that it is not heard twice.
const sameText = (a, b) => a.querySelector(".text").textContent === b.querySelector(".text").textContent;
let become = (old, message) => {
  for (const { name, value } of message.attributes) old.setAttribute(name, value);
  const text = (m) => m.querySelector(".text");
  if (text(old).outerHTML !== text(message).outerHTML) text(old).replaceWith(text(message));
  old.querySelector(".meta").replaceWith(message.querySelector(".meta"));
};

const partsOf = (event) => all(":scope > live-part", event);
const isValue = (part) => ["replace", "person"].includes(part.dataset.do);
const applyValues = (event, root) => {
  const values = partsOf(event).filter(isValue);
  if (event.dataset.clear) {
    for (const place of all(`[data-live^="${event.dataset.clear}"]`, root)) {
      if (!values.some((p) => keyOf(p) === place.dataset.live)) { place.replaceChildren(); place.hidden = true; }
    }
  }
  for (const part of values) apply[part.dataset.do](part, root);
};
const applyEvent = (event) => {
  if (underWay.size) passed.push([asked, event.cloneNode(true)]);
  applyValues(event);
  for (const part of partsOf(event)) if (!isValue(part)) apply[part.dataset.do]?.(part);
};

// A part of the page that is read again may be older than what came meanwhile. So what comes while something is read is kept:
// its values go into the answer before that is shown, and where it changed the order of a list, that is read once more.
let asked = 0;
const underWay = new Set(), passed = [];
const whileRead = async (read) => {
  const order = ++asked;
  underWay.add(order);
  try { return await read(order); } finally {
    underWay.delete(order);
    const oldest = Math.min(...underWay);
    while (passed.length && passed[0][0] < oldest) passed.shift();
  }
};
const meanwhile = (order, root) => {
  const came = passed.filter(([at]) => at >= order).map(([, event]) => event);
  for (const event of came) applyValues(event, root);
  return came;
};

// The message before or behind in the log, over separators; null where a new day lies between.
const following = (message, way) => {
  let at = message[way];
  while (at && !at.matches(".msg")) { if (at.matches(".day")) return null; at = at[way]; }
  return at;
};

// Groups a message with the one before it, or parts them, by the same pauses as the server.
const arrange = (message) => {
  const before = following(message, "previousElementSibling");
  const pause = before ? message.dataset.at - before.dataset.at : 0;
  message.classList.toggle("follows", !!before && before.dataset.from === message.dataset.from && pause < 300000);
  message.classList.toggle("gap", !!before && pause >= 3600000);
};

// Old messages leave a page that is read at its end, so that a day of talk does not weigh it down.
const most = 300;
const trim = (pane) => {
  const messages = all(".msg", pane);
  // That moves all, so a thin session does it seldom.
  if (messages.length <= most + 50 * thin || !atEnd()) return;
  const first = messages[messages.length - most];
  const earlier = pane.querySelector(".earlier");
  const day = all(".day", pane).findLast((d) => d.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING);
  while (earlier.nextElementSibling && earlier.nextElementSibling !== first) earlier.nextElementSibling.remove();
  if (day) first.before(day);
  first.classList.remove("follows", "gap");
  earlier.hidden = false;
  olderThan(earlier, first.dataset.order);
};

// Reads this page again and brings the named panes, or all, up to date, without touching what is typed.
let refreshing = null, calm = () => 60;
const refresh = (ids) => {
  const wanted = !refreshing ? ids : ids && refreshing.ids && [...new Set([...refreshing.ids, ...ids])];
  clearTimeout(refreshing?.timer);
  refreshing = { ids: wanted, timer: setTimeout(() => { refreshing = null; reread(wanted); }, calm(ids)) };
};
// What comes while the whole page is read waits for it, so that older content does not replace newer. Without an
// answer it is tried again, later and later; a page that is known to lack something says so until it is whole.
let lacking = false, held = null, reading = 0, unread = 0, gone = false;
const again = (ids) => {
  if (!ids && lacking && !gone) banner(texts.cutoff);
  // Whoever comes back reads it again; what is gone does not come.
  if (over || gone) return;
  const most = Math.min(30000, 1000 * 2 ** Math.min(unread++, 5));
  setTimeout(() => refresh(ids), most * (0.3 + 0.7 * Math.random()));
};
const readPage = async () => {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "Portico-Reread": "1" }, cache: "no-store", signal: AbortSignal.timeout(15000) });
    if (answer.redirected && new URL(answer.url).pathname === "/signin") { ended(); return null; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.status === 404) sayGone(page.querySelector("[role=alert]")?.textContent || page.title);
    else gone = false;
    return answer.ok ? page : null;
  // Tried again.
  } catch { return null; }
};
// What a page is about may be deleted elsewhere: it stays to be read, and says so.
const sayGone = (sentence) => {
  gone = true;
  const p = document.createElement("p");
  p.className = "banner error";
  p.textContent = sentence;
  byId("problem")?.replaceChildren(p);
};
// Of two answers for a pane the one that was asked for later holds, whichever comes first.
const shownTurn = new Map();
const reread = (ids) => whileRead(async (order) => {
  const turn = ids ? 0 : ++reading;
  if (!ids) held ||= [];
  const fresh = await readPage();
  // A later one is under way.
  if (!ids && turn !== reading) return;
  if (fresh) {
    const came = ids ? meanwhile(order, fresh) : [];
    renew(fresh, ids, order);
    if (came.some((event) => partsOf(event).some((p) => moves.has(p.dataset.do) && ids.some((id) => byId(id)?.contains(byId(p.dataset.to || p.dataset.id)))))) refresh(ids);
  }
  if (!ids) release();
  if (!fresh) again(ids);
});
const moves = new Set(["log", "top", "raise", "swap"]);
// What the reader has opened or typed in a pane goes over into its new content.
const typedInto = new WeakSet();
document.addEventListener("input", (e) => typedInto.add(e.target), true);
const carryOver = (pane, next) => {
  const there = (e) => next.querySelector("#" + CSS.escape(e.id));
  for (const details of all("details[open][id]", pane)) there(details)?.setAttribute("open", "");
  for (const field of all("input[id], textarea[id]", pane)) {
    const to = typedInto.has(field) && there(field);
    if (to) { to.setAttribute("value", field.value); if (to.localName === "textarea") to.textContent = field.value; }
  }
};
const renew = (fresh, ids, order) => {
  unread = 0;
  if (otherSession(fresh)) return;
  for (const pane of ids ? ids.map(byId) : all("[data-pane]").concat(log || [])) {
    const next = pane && (shownTurn.get(pane.id) || 0) < order && fresh.getElementById(pane.id);
    if (!next) continue;
    shownTurn.set(pane.id, order);
    carryOver(pane, next);
    stay(() => htmx.swap({ sourceElement: pane, target: pane, swap: "innerMorph", text: next.innerHTML, transition: false }));
  }
  body.dataset.title = fresh.body.dataset.title || "";
  // A part that is read again may be older than the count.
  document.title = ids && body.dataset.title ? /^\(\d+\) |/.exec(document.title)[0] + body.dataset.title : fresh.title;
  if (ids) return;
  for (const place of all("[data-live]", fresh)) for (const old of live(place.dataset.live)) old.replaceWith(place.cloneNode(true));
  since = +fresh.body.dataset.since || 0;
  if (lacking && connected()) banner("");
  lacking = false;
  showQueued();
  watchPeople();
};
const release = () => {
  const events = held || [];
  held = null;
  events.forEach(take);
};
