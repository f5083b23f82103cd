// A room: messages of many people, what can be done to them, files, names, and the panel beside them.
const room = log?.dataset.base ? log : null;
const roomBase = room?.dataset.base || "";
const roomAPI = "/api/v1" + roomBase;
const rights = () => byId("room-rights")?.dataset || {};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const problemLine = (sentence) => {
  const line = Object.assign(document.createElement("p"), { className: "banner error", textContent: sentence });
  byId("problem").replaceChildren(line);
};
// Asks the API; what it refuses is said in the page.
const ask = async (method, path, what) => {
  try {
    const json = what && !(what instanceof FormData);
    const answer = await fetch(roomAPI + path, { method, headers: json ? { "Content-Type": "application/json" } : {}, body: json ? JSON.stringify(what) : what });
    if (answer.ok) { byId("problem").replaceChildren(); return answer.status === 204 ? true : await answer.json(); }
    problemLine((await answer.json()).detail);
  } catch { problemLine(texts.cutoff); }
  return null;
};

// Whose a message is, whom it calls, and which reactions are one's own.
personal = (message) => {
  const d = message.dataset, mine = d.from === me;
  message.classList.toggle("mine", mine);
  message.classList.toggle("calls", !mine && (d.all !== undefined || (d.named || "").split(" ").includes(me)));
  for (const sign of all("[data-by]", message)) sign.setAttribute("aria-pressed", sign.dataset.by.split(" ").includes(me));
};
// The text stays where it is, so that it is not heard twice; all around it is the real message's.
const around = (keep, next) => {
  const before = [], behind = [];
  for (let at = next.previousSibling; at; at = at.previousSibling) before.unshift(at);
  for (let at = next.nextSibling; at; at = at.nextSibling) behind.push(at);
  while (keep.previousSibling) keep.previousSibling.remove();
  while (keep.nextSibling) keep.nextSibling.remove();
  keep.before(...before);
  keep.after(...behind);
};
const becomePlain = become;
become = (old, message) => {
  if (!message.matches(".said")) { becomePlain(old, message); return; }
  for (const { name, value } of message.attributes) old.setAttribute(name, value);
  const part = (m, selector) => m.querySelector(selector);
  part(old, ".bubble").id = part(message, ".bubble").id;
  const [text, next] = [part(old, ".text"), part(message, ".text")];
  if (text.innerHTML !== next.innerHTML) text.replaceWith(next.cloneNode(true));
  around(part(old, ".text"), next);
  around(part(old, ".bubble"), part(message, ".bubble"));
};
// In a crowd not everybody reads the page again at once.
calm = () => { const people = +document.querySelector("[data-people]")?.dataset.people || 0; return people > 100 ? 60 + Math.random() * Math.min(20000, people * 4) : 60; };

// Windows of messages: later ones come at the end without moving what is read, and the far end leaves the page.
const mostShown = 300;
let loadingLater = false;
const showLater = async (link) => {
  if (loadingLater) return;
  loadingLater = true;
  scroller.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(roomBase + "/messages?after=" + link.dataset.after);
    if (!answer.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    hold(() => { link.replaceWith(holder.content); tidy(); dropEarlier(); });
    newest.hidden = !windowed(log);
    watchLater();
    mayRead();
  } catch { /* the link is still there to be pressed again */
  } finally {
    loadingLater = false;
    setTimeout(() => scroller.removeAttribute("aria-busy"), 500);
  }
};
const dropEarlier = () => {
  const messages = all(".msg", log);
  if (messages.length <= mostShown) return;
  const first = messages[messages.length - mostShown], earlier = log.querySelector(".earlier");
  while (earlier.nextElementSibling !== first) earlier.nextElementSibling.remove();
  first.classList.remove("follows", "gap");
  earlier.hidden = false;
  olderThan(earlier, first.dataset.order);
};
const dropLater = () => {
  const messages = all(".msg", log), link = log.querySelector(".later");
  if (messages.length <= mostShown + 100 || atEnd()) return;
  hold(() => { for (let at = messages[mostShown]; at !== link;) { const next = at.nextElementSibling; at.remove(); at = next; } });
  const last = messages[mostShown - 1].dataset.order;
  link.dataset.after = last;
  link.href = roomBase + "?after=" + last;
  link.hidden = false;
  newest.hidden = false;
  watchLater();
};
let laterSeen = null;
const watchLater = () => {
  laterSeen?.disconnect();
  const link = log.querySelector(".later:not([hidden])");
  if (link) laterSeen.observe(link);
};
const spotlight = (place) => {
  const bubble = byId("place-" + place);
  if (!bubble) return false;
  all(".spot", log).forEach((m) => m.classList.remove("spot"));
  const message = bubble.closest(".msg");
  message.classList.add("spot");
  message.scrollIntoView({ block: "center" });
  return true;
};

// The menu beside a message.
const menu = byId("message-menu");
const takeBack = menu?.querySelector("[data-do=delete]").textContent;
let chosen = null;
const openMenu = (link) => {
  chosen = link.closest(".msg");
  const d = chosen.dataset, may = rights(), mine = d.from === me, young = Date.now() - d.at < +may.window;
  const allowed = {
    reply: "speak" in may, edit: mine && young && "speak" in may, pin: "pin" in may && !("pinned" in d), unpin: "pin" in may && "pinned" in d,
    delete: (mine && young) || "manage" in may, readers: true, copy: true,
  };
  for (const button of all("[data-do]", menu)) if (button.dataset.do in allowed) button.hidden = !allowed[button.dataset.do];
  const gone = menu.querySelector("[data-do=delete]");
  gone.textContent = takeBack;
  byId("message-readers").hidden = true;
  menu.showPopover({ source: link });
  // Not a button: the key that opened it would press that too.
  menu.focus();
};
const placeOf = (message) => "/messages/" + message.dataset.order;
const acts = {
  react: (button) => react(chosen, button.dataset.sign, true),
  reply: () => replyTo(chosen),
  edit: () => edit(chosen),
  pin: () => ask("PUT", placeOf(chosen) + "/pin"),
  unpin: () => ask("DELETE", placeOf(chosen) + "/pin"),
  copy: async () => {
    const address = location.origin + chosen.querySelector(".meta .at").getAttribute("href");
    try { await navigator.clipboard.writeText(address); announce(texts["room-copied"]); } catch { problemLine(address); }
  },
};
const react = (message, sign, on) => sign && ask(on ? "PUT" : "DELETE", placeOf(message) + "/reactions/" + encodeURIComponent(sign));
const showReaders = async () => {
  const answer = await ask("GET", placeOf(chosen) + "/readers");
  const line = byId("message-readers");
  line.hidden = !answer;
  if (!answer) return;
  const names = answer.by.map((p) => p.display_name || p.uri).join(", ");
  const rest = answer.total - answer.by.length;
  line.textContent = answer.total ? fill(texts["room-read-by"], { names: names + (rest > 0 ? " + " + rest : "") }) : texts["room-read-none"];
};

// What the composer is about: an answer to a message, or another text for one.
const context = byId("composer-context");
let answered = null, edited = null, draft = "";
editing = () => !!edited;
const about = (words, detail) => {
  const line = document.createElement("p"), cancel = Object.assign(document.createElement("button"), { type: "button", textContent: texts["room-cancel"] });
  line.append(Object.assign(document.createElement("b"), { textContent: words }), " ", Object.assign(document.createElement("span"), { textContent: detail }));
  cancel.addEventListener("click", plain);
  context.replaceChildren(line, cancel);
  field.focus();
};
const plain = () => {
  if (edited) { field.value = draft; grow(); }
  answered = edited = null;
  context.replaceChildren();
  field.focus();
};
const textOf = (message) => message.querySelector(".text").textContent.trim().slice(0, 140);
const replyTo = (message) => {
  if (edited) plain();
  answered = message;
  about(fill(texts["room-reply-to"], { name: message.querySelector(".from").textContent }), textOf(message));
};
const edit = async (message) => {
  const said = await ask("GET", placeOf(message));
  if (!said) return;
  if (!edited) draft = field.value;
  answered = null;
  edited = message;
  about(texts["room-editing"], "");
  field.value = said.text;
  grow();
  field.setSelectionRange(said.text.length, said.text.length);
};

// Files go up as soon as they are chosen; the message that brings them waits until they are there.
const uploads = byId("uploads");
let files = [], sendWhenThere = false;
const upload = (file) => {
  const limit = +rights().maxFile;
  if (limit && file.size > limit) { problemLine(fill(texts["room-too-large"], { name: file.name, limit: Math.floor(limit / 1e6) })); return; }
  if (files.length >= 10) return;
  const line = document.createElement("li"), bar = Object.assign(document.createElement("progress"), { max: 100, value: 0 });
  const stop = Object.assign(document.createElement("button"), { type: "button", className: "icon-button", textContent: "✕" });
  stop.setAttribute("aria-label", texts["room-cancel"] + ": " + file.name);
  bar.setAttribute("aria-label", fill(texts["room-uploading"], { name: file.name }));
  line.append(Object.assign(document.createElement("b"), { textContent: file.name }), bar, stop);
  uploads.append(line);
  const request = new XMLHttpRequest(), entry = { id: "", name: file.name, line };
  files.push(entry);
  const drop = () => { files = files.filter((f) => f !== entry); line.remove(); sent(); };
  stop.addEventListener("click", () => { request.abort(); drop(); field.focus(); });
  request.upload.addEventListener("progress", (e) => { if (e.lengthComputable) bar.value = 100 * e.loaded / e.total; });
  request.addEventListener("load", () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* no answer of the portal's */ }
    if (request.status !== 201) { problemLine(answer.detail || fill(texts["room-upload-failed"], { name: file.name })); drop(); return; }
    entry.id = answer.id;
    bar.remove();
    sent();
  });
  request.addEventListener("error", () => { problemLine(fill(texts["room-upload-failed"], { name: file.name })); drop(); });
  const form = new FormData();
  form.append("file", file, file.name);
  request.open("POST", roomAPI + "/files");
  request.send(form);
};
const sent = () => {
  if (!sendWhenThere || files.some((f) => !f.id)) return;
  sendWhenThere = false;
  composer.requestSubmit();
};

// Names behind an "@": members of the room, as they are typed.
const completion = byId("completion");
let offered = [], picked = 0, asking = 0;
const calling = () => /(?:^|[^\p{L}\p{N}])@([\p{L}\p{N}._-]*)$/u.exec(field.value.slice(0, field.selectionStart));
const closeNames = () => { offered = []; completion.hidden = true; field.removeAttribute("aria-activedescendant"); };
const showNames = () => {
  completion.replaceChildren(...offered.map((p, i) => {
    const line = document.createElement("li");
    line.id = "name-" + i;
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", i === picked);
    line.append(Object.assign(document.createElement("b"), { textContent: p.name }), Object.assign(document.createElement("span"), { className: "muted", textContent: "@" + p.user }));
    line.addEventListener("mousedown", (e) => { e.preventDefault(); picked = i; takeName(); });
    return line;
  }));
  completion.hidden = offered.length === 0;
  if (offered.length) field.setAttribute("aria-activedescendant", "name-" + picked); else field.removeAttribute("aria-activedescendant");
};
const takeName = () => {
  const at = calling(), name = offered[picked];
  if (!at || !name) { closeNames(); return; }
  const end = field.selectionStart;
  field.setRangeText("@" + name.user + " ", end - at[1].length - 1, end, "end");
  closeNames();
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const offerNames = async () => {
  const at = calling();
  if (!at) { closeNames(); return; }
  const turn = ++asking;
  try {
    const answer = await fetch(`${roomAPI}/members?limit=7&q=${encodeURIComponent(at[1])}`);
    const people = answer.ok ? await answer.json() : [];
    if (turn !== asking || !calling()) return;
    offered = people.filter((p) => p.uri !== me).slice(0, 6).map((p) => ({ user: decodeURIComponent(p.uri.replace(/^sip:/, "").split("@")[0]), name: p.display_name || p.uri }));
    if ("manage" in rights() && "all".startsWith(at[1].toLowerCase())) offered.push({ user: "all", name: "@all" });
    picked = 0;
    showNames();
  } catch { closeNames(); }
};

// Who is writing; a word holds for a while and not for ever.
const writing = new Map();
const showWriting = () => {
  const names = [...writing.values()].map((w) => w.name);
  byId("room-typing").textContent = names.length ? fill(texts[names.length > 1 ? "room-typing-many" : "room-typing"], { names: names.slice(0, 3).join(", ") }) : "";
};
hearTyping = (d) => {
  clearTimeout(writing.get(d.from)?.timer);
  writing.delete(d.from);
  if (d.typing === "true" && d.from !== me) writing.set(d.from, { name: d.name, timer: setTimeout(() => { writing.delete(d.from); showWriting(); }, 25000) });
  showWriting();
};

const openSide = (link) => {
  const to = new URL(location.href);
  for (const key of ["q", "who", "next", "reply"]) to.searchParams.delete(key);
  to.searchParams.set("side", link.dataset.side);
  history.replaceState(null, "", to);
  const panel = byId("room-body");
  panel.className = `room-body side-${link.dataset.side} side-asked`;
  byId("room-side").dataset.show = link.dataset.side;
  byId("room-menu")?.hidePopover?.();
  refresh(["room-side", "room-head"]);
};

if (room && menu) {
  laterSeen = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && showLater(log.querySelector(".later")), { root: scroller, rootMargin: "200px" });
  if (+room.dataset.spot) spotlight(room.dataset.spot);
  watchLater();
  document.addEventListener("htmx:after:swap", () => { dropLater(); watchLater(); });
  newest.addEventListener("click", (e) => { if (!windowed(log)) e.preventDefault(); });

  log.addEventListener("click", (e) => {
    const link = e.target.closest("a");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
    if (link.matches(".acts")) { e.preventDefault(); openMenu(link); }
    else if (link.matches(".later")) { e.preventDefault(); showLater(link); }
    else if (link.dataset.place && spotlight(link.dataset.place)) e.preventDefault();
  });
  byId("room-side").addEventListener("click", (e) => {
    const link = e.target.closest("a[data-place]");
    if (link && !e.ctrlKey && !e.metaKey && spotlight(link.dataset.place)) e.preventDefault();
  });
  log.addEventListener("submit", (e) => {
    if (!e.target.matches(".reactions")) return;
    e.preventDefault();
    react(e.target.closest(".msg"), e.submitter.value, e.submitter.getAttribute("aria-pressed") !== "true");
  });
  menu.addEventListener("click", (e) => {
    const button = e.target.closest("button[data-do]");
    if (!button) return;
    if (button.dataset.do === "readers") { showReaders(); return; }
    if (button.dataset.do === "delete") {
      if (button.textContent !== button.dataset.again) { button.textContent = button.dataset.again; return; }
      ask("DELETE", placeOf(chosen));
    } else acts[button.dataset.do](button);
    menu.hidePopover();
  });
  menu.querySelector("form").addEventListener("submit", (e) => {
    e.preventDefault();
    react(chosen, e.target.sign.value.trim(), true);
    e.target.reset();
    menu.hidePopover();
  });

  extras = () => {
    if (!files.length && field.value.trim() === "") return null;
    const more = {};
    if (answered) more.reply_to = +answered.dataset.order;
    if (files.length) more.files = files.map((f) => f.id);
    answered = null;
    files = [];
    context.replaceChildren();
    uploads.replaceChildren();
    return more;
  };
  // Before the composer's own way: another text for a message, files that are not there yet, a log that is read in its past.
  composer.addEventListener("submit", async (e) => {
    if (files.some((f) => !f.id)) { e.preventDefault(); e.stopImmediatePropagation(); sendWhenThere = true; return; }
    if (windowed(log) && !edited) setTimeout(() => location.assign(roomBase));
    if (!edited) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    if (await ask("PATCH", placeOf(edited), { text: field.value.replace(/\r\n?/g, "\n").trim() })) plain();
  }, true);
  byId("attach").addEventListener("change", (e) => { [...e.target.files].forEach(upload); e.target.value = ""; });
  field.addEventListener("paste", (e) => {
    if (!e.clipboardData?.files.length) return;
    e.preventDefault();
    [...e.clipboardData.files].forEach(upload);
  });
  const main = byId("main");
  const holdsFiles = (e) => [...e.dataTransfer?.types || []].includes("Files");
  main.addEventListener("dragover", (e) => { if (holdsFiles(e)) { e.preventDefault(); main.classList.add("dropping"); } });
  main.addEventListener("dragleave", (e) => { if (!main.contains(e.relatedTarget)) main.classList.remove("dropping"); });
  main.addEventListener("drop", (e) => {
    main.classList.remove("dropping");
    if (!holdsFiles(e)) return;
    e.preventDefault();
    [...e.dataTransfer.files].forEach(upload);
  });

  field.addEventListener("input", offerNames);
  field.addEventListener("blur", closeNames);
  // Some keyboards on screens bring the line break although the key was taken.
  let taken = false;
  field.addEventListener("beforeinput", (e) => { if (taken && e.inputType === "insertLineBreak") e.preventDefault(); });
  field.addEventListener("keydown", (e) => {
    taken = offered.length > 0 && e.key === "Enter";
    if (offered.length && ["ArrowDown", "ArrowUp"].includes(e.key)) {
      picked = (picked + (e.key === "ArrowDown" ? 1 : offered.length - 1)) % offered.length;
      showNames();
    } else if (offered.length && ["Enter", "Tab"].includes(e.key)) takeName();
    else if (e.key === "Escape" && offered.length) closeNames();
    else if (e.key === "Escape" && (answered || edited)) plain();
    else if (e.key === "ArrowUp" && field.value === "" && !edited) {
      const last = all(".msg.mine[data-version]:not(.gone)", log).at(-1);
      if (!last) return;
      edit(last);
    } else return;
    e.preventDefault();
    e.stopImmediatePropagation();
  }, true);

  document.addEventListener("click", (e) => {
    const link = e.target.closest("a[data-side]");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    openSide(link);
  });
  let searching = 0;
  byId("room-side").addEventListener("input", (e) => {
    if (e.target.id !== "room-words" && e.target.id !== "who") return;
    clearTimeout(searching);
    searching = setTimeout(() => {
      const to = new URL(location.href);
      to.searchParams.set("side", byId("room-side").dataset.show);
      to.searchParams.delete("next");
      to.searchParams.set(e.target.name, e.target.value);
      history.replaceState(null, "", to);
      refresh(["room-side"]);
    }, 250);
  });
  byId("room-side").addEventListener("submit", (e) => { if (e.target.matches(".side-find")) e.preventDefault(); });
}
