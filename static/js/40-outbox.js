// What was said and not yet accepted by the portal. It outlives a reload; ids make sending it twice harmless.
const outboxKey = "out:" + me;
const outbox = () => keep.get(outboxKey, []);
let unsaved = [];
const queued = () => { const kept = outbox(); return kept.concat(unsaved.filter((m) => !kept.some((k) => k.id === m.id))); };

const enqueue = (message) => {
  if (!keep.set(outboxKey, outbox().concat(message).slice(-200))) { unsaved.push(message); announce(texts.storage); }
};
const forget = (id) => {
  unsaved = unsaved.filter((m) => m.id !== id);
  const kept = outbox();
  if (kept.some((m) => m.id === id)) keep.set(outboxKey, kept.filter((m) => m.id !== id));
};

const say = (text, more) => {
  const message = { id: newId(), conversation: openConversation, text, at: Date.now(), ...more };
  enqueue(message);
  // In a thin session a moment later: what is drawn at once is sent as one rectangle, from the field to the message.
  const go = () => { showQueued(); pump(); };
  thin ? setTimeout(go, 50) : go();
};
const transmit = ({ at, ...message }) => send({ op: "send", ...message });
// One message is under way at a time, so that none passes one that is refused for now. One without an answer is
// sent again.
let sending = "", flushes = 0, answerless = 0;
const pump = () => {
  if (flushes) return;
  const waiting = queued();
  if (waiting.some((m) => m.id === sending)) return;
  clearTimeout(answerless);
  sending = "";
  if (!waiting.length || !transmit(waiting[0])) return;
  sending = waiting[0].id;
  answerless = setTimeout(flush, 20000);
};
const flush = () => {
  clearTimeout(flushes);
  flushes = 0;
  sending = "";
  pump();
};
const flushLater = (ms) => { clearTimeout(flushes); flushes = setTimeout(flush, Math.max(ms || 0, 2000)); };

const elementOf = (id) => byId("m-" + me + "/" + encodeURIComponent(id));
const accepted = (id) => { forget(id); pump(); };

// The portal will not take it: the message says why, and its text can be written again.
const refused = (id, reason) => {
  if (!id) { if (reason) announce(reason); return; }
  forget(id);
  pump();
  const place = elementOf(id)?.querySelector(".state");
  if (!place) return;
  place.dataset.state = "failed";
  const again = Object.assign(document.createElement("button"), { type: "button", className: "again scripted", textContent: texts.again });
  place.replaceChildren(reason + " ", again);
  announce(reason);
};

// Shows a message as being sent, until the real one comes.
const showMessage = ({ id, text, at }) => {
  const blank = byId("message-template");
  if (!blank || !log || elementOf(id)) return;
  const message = blank.content.firstElementChild.cloneNode(true);
  const when = new Date(at);
  const clock = when.toTimeString().slice(0, 5);
  message.id = "m-" + me + "/" + encodeURIComponent(id);
  Object.assign(message.dataset, { id, at: String(at), clock, order: "0" });
  message.querySelector(".text").textContent = text;
  const time = message.querySelector("time");
  time.dateTime = when.toISOString();
  time.textContent = clock;
  time.removeAttribute("title");
  const state = message.querySelector(".state");
  state.dataset.live = "state:" + id;
  if (!connected()) state.textContent = texts.queued;
  stay(() => { log.insertBefore(message, log.querySelector(".later")); arrange(message); });
  if (!atEnd()) toEnd();
};
const showQueued = () => { for (const m of queued()) if (m.conversation === openConversation) showMessage(m); };
