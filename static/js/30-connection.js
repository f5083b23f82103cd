// The live connection: a WebSocket, or an event stream where a network breaks WebSockets. It comes back by itself,
// later and later and never all at once, and goes on where it stopped.
let since = +body.dataset.since || 0;
let socket = null, stream = null, failures = 0, retry = 0, waiting = 0, over = false, everOpen = false, leaving = false;
const resumeFrom = (seq) => { if (seq > since) since = seq; };
// A page that is to be read again takes no replay: what came before is in what it reads.
const from = () => (lacking ? "" : "since=" + since) + seen();
// Of what is in force a fresh page has the marks, and need not hear it again: its first connection says so.
const seen = () => {
  const marks = body.dataset.seen;
  delete body.dataset.seen;
  return marks && !lacking ? "&seen=" + marks : "";
};
const connected = () => socket?.readyState === 1 || stream?.readyState === 1;

const banner = (text) => {
  const place = byId("cut-off");
  if (!place) return;
  place.hidden = !text;
  if (text) place.textContent = text;
  body.classList.toggle("cut-off", !!text);
};

const connect = () => {
  clearTimeout(retry);
  retry = 0;
  if (over || !me || connected() || socket?.readyState === 0) return;
  if (failures >= 3 && !everOpen) { connectStream(); return; }
  const here = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws?${from()}&shows=1`, "portico.html.v1");
  socket = here;
  const slow = setTimeout(() => here.close(), 10000);
  here.onopen = () => { clearTimeout(slow); everOpen = true; opened(); };
  here.onmessage = (e) => { heard(); receive(e.data); };
  here.onclose = () => { clearTimeout(slow); if (socket === here) { socket = null; closed(); } };
};

// Frames of the stream are the same; what is said goes by ordinary requests.
const connectStream = () => {
  const here = new EventSource(`/api/v1/events?encoding=html&${from()}`);
  stream = here;
  here.onopen = opened;
  here.onmessage = (e) => receive(e.data);
  here.onerror = () => { here.close(); if (stream === here) { stream = null; closed(); } };
};

const opened = () => {
  body.classList.add("live");
  banner(lacking ? texts.cutoff : "");
  if (lacking) refresh(null);
  heard();
  watchPeople();
  sayActivity();
  flush();
  saveDrafts();
  lookForDraft();
  mayRead();
};

const closed = () => {
  body.classList.remove("live");
  clearTimeout(silence);
  if (over) return;
  failures++;
  banner(navigator.onLine ? texts.cutoff : texts.offline);
  const most = Math.min(30000, 500 * 2 ** Math.min(failures, 6));
  const delay = waiting + most * (0.3 + 0.7 * Math.random());
  waiting = 0;
  retry = setTimeout(connect, delay);
  if (failures === 2 || failures % 8 === 0) stillSignedIn();
};

// A connection that says nothing may be dead without having closed: ask, and give up on it without an answer.
let silence = 0;
const heard = () => {
  clearTimeout(silence);
  silence = setTimeout(() => {
    if (!send({ op: "ping" })) return;
    silence = setTimeout(() => socket?.close(), thin ? unhurried : 10000);
  }, thin ? 60000 : 25000);
};

const ended = () => {
  over = true;
  banner(texts.ended);
  setTimeout(() => location.assign("/signin?next=" + encodeURIComponent(location.pathname)), 1500);
};
const stillSignedIn = async () => {
  if (leaving) return;
  try { if ((await fetch("/api/v1/me")).status === 401) ended(); } catch { /* away, and that is known already */ }
};

// send reports whether the frame was handed to the connection.
const send = (frame) => {
  if (socket?.readyState === 1) { socket.send(JSON.stringify(frame)); return true; }
  if (stream?.readyState === 1) { post(frame); return true; }
  return false;
};
const post = async (frame) => {
  const at = "/api/v1/conversations/" + encodeURIComponent(frame.conversation) + "/";
  const call = {
    send: at + "messages", typing: at + "typing", read: at + "read",
    active: "/api/v1/me/activity", idle: "/api/v1/me/activity", watch: "/api/v1/me/watch",
  }[frame.op];
  if (!call) return;
  try {
    const said = { ...frame, active: frame.op === "active" };
    const answer = await fetch(call, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(said) });
    if (frame.op !== "send") return;
    if (answer.ok) accepted(frame.id);
    else if (answer.status >= 500 || answer.status === 429) flushLater(0);
    else refused(frame.id, (await answer.json()).detail);
  } catch { if (frame.op === "send") flushLater(0); }
};

// Reasons that pass: what was refused for one of them stays in the queue.
const passing = new Set(["too-many", "unavailable", "internal"]);
const receive = (text) => {
  const holder = document.createElement("template");
  holder.innerHTML = text;
  for (const event of all("live-event", holder.content)) {
    const d = event.dataset;
    switch (d.event) {
      case "hello": failures = 0; idleAt(+d.idleAfterMs); break;
      // Numbers of this page mean nothing any more: too much was missed, or the log is another one.
      case "resync": lacking = true; since = 0; refresh(null); break;
      case "bye": bye(d, event.textContent); break;
      case "error": passing.has(d.reasonKey) ? flushLater(+d.retryAfterMs) : refused(d.id, event.textContent); break;
      default: held ? held.push(event) : take(event);
    }
  }
};
const take = (event) => {
  const seq = +event.dataset.seq || 0;
  if (seq && seq <= since) return;
  applyEvent(event);
  notice(event.dataset, event);
  resumeFrom(seq);
};

// The server says when to come back, or that there is no point in it: then only somebody who looks again tries.
const bye = (d, reason) => {
  if (d.reconnectAfterMs !== undefined) { waiting = +d.reconnectAfterMs; return; }
  over = true;
  banner(reason || texts.cutoff);
  stillSignedIn();
  addEventListener("focus", () => { over = false; connect(); }, { once: true });
};

// Presence of people who are shown here and may not be in the contact list; a thin session is told of nobody else, so there all
// are named. A list that is sorted by status may not show everybody who is in it.
const watchPeople = (but) => {
  const uris = new Set(all("[data-live]").map((e) => /^(?:dot|word|status|details|no-im):(.*)/.exec(e.dataset.live)?.[1]).filter(Boolean));
  if (!thin) for (const line of all("li.contact[draggable]")) uris.delete(line.dataset.uri);
  uris.delete(me);
  uris.delete(but);
  const frame = { op: "watch", uris: [...uris].slice(0, 400), shown: uris.size <= 400 && !byId("by-status") };
  if (openConversation) frame.conversation = openConversation;
  send(frame);
};

if (me) {
  addEventListener("online", () => { clearTimeout(retry); connect(); });
  addEventListener("offline", () => banner(texts.offline));
  addEventListener("pagehide", () => { over = true; clearTimeout(retry); socket?.close(); stream?.close(); });
  addEventListener("pageshow", (e) => { if (e.persisted) { over = false; socket = stream = null; connect(); } });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible" && retry) { failures = Math.min(failures, 1); connect(); } });
}
