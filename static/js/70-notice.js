// News draws attention once: the title counts, and over all tabs one of them shows a notification and plays a sound,
// unless somebody is just looking at that conversation or does not want to be disturbed.
const title = (total) => {
  document.title = (total > 0 ? `(${total}) ` : "") + (body.dataset.title || document.title);
  const link = document.querySelector("link[rel=icon]");
  if (!link.dataset.read) link.dataset.read = link.getAttribute("href");
  link.href = total > 0 ? link.dataset.unread : link.dataset.read;
};

// Where a reader looks now, for the other tabs; a tab takes back only its own word.
const thisTab = newId();
const look = () => {
  if (inView()) keep.set("look", { conversation: openConversation, tab: thisTab, at: Date.now() });
  else lookAway();
};
const lookAway = () => { if (keep.get("look", null)?.tab === thisTab) keep.set("look", null); };
const lookedAt = (conversation) => {
  const l = keep.get("look", null);
  return (inView() && openConversation === conversation) || (l && l.conversation === conversation && Date.now() - l.at < 3600000);
};

// Tabs agree by a lock for each message, held for as long as the message is news. Where a portal has no TLS there
// are no locks: then what is stored decides, a little apart in time.
const once = (id, act) => {
  const take = () => {
    const told = keep.get("told", []);
    if (told.includes(id)) return;
    keep.set("told", told.concat(id).slice(-100));
    act();
  };
  if (!navigator.locks) { setTimeout(take, Math.random() * 500); return; }
  navigator.locks.request("portico:" + id, { ifAvailable: true }, (lock) => {
    if (!lock) return null;
    take();
    return new Promise((release) => setTimeout(release, news));
  });
};

let tone = null;
// Whether a person's message may disturb is known where it is stored (quiet); what is said in a room never does.
const undisturbed = (d) => "quiet" in d || (d.path && live("dot:" + me)[0]?.dataset.p === "do-not-disturb");
const alertFor = (d, message) => {
  if (undisturbed(d)) return;
  if (body.dataset.sound) {
    tone ||= new Audio(body.dataset.sound);
    tone.currentTime = 0;
    tone.play().catch(() => { /* a browser plays nothing before the first click */ });
  }
  if (body.dataset.notifications && "Notification" in window && Notification.permission === "granted") {
    const n = new Notification(d.name, { body: message.querySelector(".text").textContent.slice(0, 200), icon: body.dataset.notifications, tag: "portico:" + d.conversation });
    n.onclick = () => { focus(); location.assign(d.path || "/chat/" + encodeURIComponent(d.conversation)); n.close(); };
  }
};

// Of what is said in rooms only that is news which one has chosen to hear of there. The choice is asked for when it is needed.
let wishes = null;
const words = (text) => " " + text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}\p{M}]+/gu, " ").trim() + " ";
const isNews = async (d, message) => {
  wishes ||= fetch("/rooms/~mine").then((answer) => answer.ok ? answer.json() : null, () => null);
  const chosen = await wishes;
  if (!chosen) { wishes = null; return false; }
  const notify = chosen.notify[d.conversation], said = words(message.querySelector(".text").textContent);
  return notify === "all" || (notify === "mentions" && (message.dataset.all !== undefined || (message.dataset.named || "").split(" ").includes(me)
    || chosen.names.concat(chosen.words).some((word) => said.includes(words(word)))));
};

// What stands among the banners is told once over all tabs, in words and by the desktop; in each it stands until it is closed.
const tell = (d, kind, at, path) => {
  announce(d.name + ", " + d.words);
  once(kind + "/" + d.id + "/" + at, () => {
    if (body.dataset.notifications && "Notification" in window && Notification.permission === "granted") {
      const n = new Notification(d.name, { body: d.words, icon: body.dataset.notifications, tag: "portico:" + kind + ":" + d.id });
      n.onclick = () => { focus(); location.assign(path); n.close(); };
    }
  });
  const told = byId("notices");
  while (told?.children.length > 5) told.lastElementChild.remove();
};
const banners = {
  reminder: (d) => d.change !== "deleted" && tell(d, "reminder", d.at, "/calendar/" + encodeURIComponent(d.id)),
  notice: (d) => tell(d, "notice", d.seq, "/calendar/" + encodeURIComponent(d.id)),
  tagged: (d) => tell(d, "tagged", d.at, d.path),
};
document.addEventListener("click", (e) => e.target.closest("[data-closes]")?.closest("li").remove());

// What a frame means beyond the page's content.
const notice = (d, event) => {
  if (d.event === "counts") title(+d.total);
  if (d.event === "state") accepted(d.id);
  // A list that is sorted by status has a new order.
  if (d.event === "presence" && byId("by-status")) apply.refresh({ dataset: { to: "contact-list" } });
  banners[d.event]?.(d);
  if (d.event === "policies" && d.names.split(" ").includes("ThinSessions")) refresh(null);
  if (d.event === "policies" && d.names.split(" ").includes("DisableSavingIM") && location.pathname.startsWith("/history")) location.reload();
  if (d.event === "typing" && d.conversation === openConversation) { hearTyping(d); hearWriting(); }
  if (d.event === "state" && d.state === "failed" && d.conversation === openConversation) announce(live("state:" + d.id)[0]?.firstChild?.textContent.trim() || "");
  if (d.event === "room" && d.what !== "message") wishes = null;
  if (d.event !== "message") return;
  const message = event.querySelector(".msg") || byId("m-" + d.from + "/" + encodeURIComponent(d.id));
  if (d.from === me) { accepted(d.id); return; }
  if (!message || !fresh(message)) return;
  if (d.conversation === openConversation) hearMessage(d, message);
  if (lookedAt(d.conversation)) return;
  const alertOnce = () => {
    if (inView() && d.conversation !== openConversation && !undisturbed(d)) hear(d.name, "");
    once(d.from + "/" + d.id, () => alertFor(d, message));
  };
  if (d.path) isNews(d, message).then((news) => news && alertOnce());
  else alertOnce();
};
// Only what was said in the last minutes is news; the rest was missed and is counted.
const news = 180000;
const fresh = (message) => Date.now() - message.dataset.at < news;

if (me) {
  look();
  addEventListener("focus", look);
  addEventListener("blur", look);
  addEventListener("pagehide", lookAway);
  document.addEventListener("visibilitychange", look);
  const ask = document.querySelector("[data-asks=notifications]");
  ask?.addEventListener("change", async () => {
    if (!ask.checked || !("Notification" in window)) return;
    if (await Notification.requestPermission() !== "granted") announce(texts["notify-ask"]);
  });
}
