// Writing: Enter sends, drafts are kept for each conversation, and the other side is told that one types.
const composer = byId("composer");
// What goes with a message beside its text; nothing in a conversation of two.
let extras = () => null;
const field = byId("text");
const draftKey = "draft:" + me + ":" + openConversation;
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
const restore = () => {
  const draft = keep.get(draftKey, "");
  if (draft && field.value === "") { field.value = draft; field.setSelectionRange(draft.length, draft.length); grow(); }
};

if (composer) {
  restore();
  field.addEventListener("input", () => { keep.set(draftKey, field.value || null); grow(); typingGoesOn(); });
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
    keep.set(draftKey, null);
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
addEventListener("pagehide", () => typingStopped(true));
