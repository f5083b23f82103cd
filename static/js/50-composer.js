// Writing: Enter sends, drafts are kept for each conversation, and the other side is told that one types.
const composer = byId("composer");
// What goes with a message beside its text; nothing in a conversation of two.
let extras = () => null;
const field = byId("text");
const draftKey = "begun:" + me + ":";
let typingTold = 0, typingEnds = 0;

const grow = () => {
  if (!field || CSS.supports("field-sizing", "content")) return;
  field.rows = Math.min(12, field.value.split("\n").length);
};
const typingStopped = (tell) => {
  clearTimeout(typingEnds);
  if (tell && typingTold) send({ op: "typing", conversation: openConversation, typing: false });
  typingTold = 0;
};
// RFC 3994: "active" at once and again while it goes on, "idle" after 15 seconds without a key.
const typingGoesOn = () => {
  if (field.value.trim() === "") { typingStopped(true); return; }
  if (Date.now() - typingTold > 10000 && send({ op: "typing", conversation: openConversation, typing: true })) typingTold = Date.now();
  clearTimeout(typingEnds);
  typingEnds = setTimeout(() => typingStopped(true), 15000);
};
const insert = (text) => {
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
};

// What is being written is kept in this browser at once, and a little later on the server, so that it is there in another
// session too. Of two texts the newer one counts, by the server's clock; an empty one says that it was sent.
const ahead = Date.now() - (+composer?.dataset.now || Date.now());
const none = { text: "", at: 0, kept: true };
// Where this browser keeps nothing, the page does.
let draftTimer = 0, looked = Date.now(), begun = none;
const localDraft = (conversation) => keep.get(draftKey + conversation, conversation === openConversation ? begun : none);
const setDraft = (conversation, draft) => {
  if (conversation === openConversation) begun = draft;
  keep.set(draftKey + conversation, draft);
};
const written = (text) => setDraft(openConversation, { text, at: Math.max(Date.now() - ahead, localDraft(openConversation).at + 1) });
const fillIn = (text, at) => {
  setDraft(openConversation, { text, at, kept: true });
  if (field.value === text) return;
  field.value = text;
  field.setSelectionRange(text.length, text.length);
  grow();
};
// Brings what is here and what is on the server together. What fails is tried with the next connection.
const agree = async (conversation) => {
  const draft = localDraft(conversation), { at } = draft;
  try {
    const answer = await fetch("/api/v1/conversations/" + encodeURIComponent(conversation) + "/draft", {
      signal: AbortSignal.timeout(3000),
      ...(!draft.kept && {
        method: "PUT", headers: { "Content-Type": "application/json" }, keepalive: true,
        body: JSON.stringify({ text: draft.text.slice(0, 8000), at: new Date(at) }),
      }),
    });
    const there = await answer.json(), later = Date.parse(there.at);
    // Or one has written on.
    if (!answer.ok || localDraft(conversation).at !== at) return;
    if (later > at && composer && conversation === openConversation && !editing()) fillIn(there.text, later);
    else setDraft(conversation, { ...draft, kept: true });
  } catch { /* the network is away */ }
};
const saveDrafts = () => {
  clearTimeout(draftTimer);
  draftTimer = 0;
  const named = new Set([openConversation]);
  for (const key of keep.keys()) named.add(key.split("portico:" + draftKey)[1]);
  return Promise.all([...named].filter((conversation) => conversation && !localDraft(conversation).kept).slice(0, 20).map(agree));
};
const saveSoon = () => { draftTimer ||= setTimeout(saveDrafts, 3000); };
// Whoever comes back to this page may have written on elsewhere.
const lookForDraft = () => {
  if (!composer || Date.now() - looked < 20000) return;
  looked = Date.now();
  agree(openConversation);
};
// In a room another text for a message is written in the same field.
let editing = () => false;
const restore = () => {
  const here = localDraft(openConversation), there = +composer.dataset.draftAt;
  // What was refused just now.
  if (!there && field.value) written(field.value);
  else if (here.at > there) { fillIn(here.text, here.at); setDraft(openConversation, here); if (!here.kept) saveSoon(); }
  else if (there) fillIn(field.value, there);
  grow();
};

if (composer) {
  restore();
  // An empty text is not sent; a browser would say so in a bubble that draws the window anew for seconds.
  composer.noValidate = true;
  field.addEventListener("input", () => {
    if (!editing()) { written(field.value); saveSoon(); }
    grow();
    typingGoesOn();
  });
  addEventListener("focus", lookForDraft);
  let entered = false;
  field.addEventListener("keydown", (e) => {
    entered = e.key === "Enter" && !e.shiftKey && !e.isComposing && !e.altKey;
    if (entered) { e.preventDefault(); composer.requestSubmit(); }
  });
  // Some keyboards on screens bring the line break although the key was taken.
  field.addEventListener("beforeinput", (e) => { if (entered && e.inputType === "insertLineBreak") e.preventDefault(); });
  composer.addEventListener("submit", (e) => {
    e.preventDefault();
    const text = field.value.replace(/\r\n?/g, "\n").trim();
    const more = extras();
    if (text === "" && !more) return;
    field.value = "";
    written("");
    saveDrafts();
    grow();
    typingStopped(false);
    say(text, more);
    all(".unread-mark").forEach((mark) => mark.remove());
    field.focus();
  });
  byId("emoji").addEventListener("click", (e) => {
    const sign = e.target.closest("[data-emoji]")?.dataset.emoji;
    if (sign) { byId("emoji").hidePopover(); insert(sign); }
  });
}
addEventListener("pagehide", () => { typingStopped(true); if (me && !leaving) saveDrafts(); });
