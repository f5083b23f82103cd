// What those hear who do not see the page. The log itself is silent: it would read out own messages and old ones, and in a
// crowd it would never end. What others say is gathered: one message is heard as it is, several by their number and the
// newest of them, and the longer a crowd talks the rarer it is heard.
const hearSoon = 400, firstPause = 5000, longestPause = 40000;
let toHear = [], hearTimer = 0, hearPause = firstPause, lastHeard = 0;

// A new element each time: the same words twice are heard twice.
const voice = (text) => byId("heard")?.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
const tellHeard = () => {
  hearTimer = 0;
  const n = toHear.length, { name, text } = toHear[n - 1], of = (key) => texts[key].replace("{n}", n).replace("{name}", () => name).replace("{text}", () => text);
  toHear = [];
  lastHeard = Date.now();
  hearPause = n > 1 ? Math.min(hearPause * 2, longestPause) : firstPause;
  voice(n === 1 ? (text ? `${name}: ${text}` : of("heard-elsewhere")) : of(text ? "heard-many" : "heard-many-elsewhere"));
};
// A message without a text is one of another conversation: that it came is heard.
const hear = (name, text) => {
  toHear.push({ name, text });
  if (hearTimer) return;
  if (Date.now() - lastHeard > 2 * longestPause) hearPause = firstPause;
  hearTimer = setTimeout(tellHeard, Math.max(hearSoon, lastHeard + hearPause - Date.now()));
};
const hearMessage = (d, message) => {
  typingHeard = false;
  hear(d.name, message.querySelector(".text").textContent.trim().slice(0, 300) || message.querySelector(".file b")?.textContent || "…");
};

// That somebody writes is heard once, until they have said something. In a room it is only seen.
let typingHeard = false;
const hearWriting = () => {
  const words = live("typing:" + openConversation)[0]?.textContent.trim();
  if (!words || typingHeard || toHear.length) return;
  typingHeard = true;
  voice(words);
};

// What a search found is heard as its number, when nobody has typed for a moment.
let foundSaid = "", foundTimer = 0;
const foundWords = () => all("[data-said]").map((e) => e.textContent.trim().replace(/\s+/g, " ")).join(" ");
document.addEventListener("htmx:after:swap", () => {
  const words = foundWords();
  if (words === foundSaid) return;
  foundSaid = words;
  clearTimeout(foundTimer);
  if (words) foundTimer = setTimeout(() => announce(words), 700);
});
foundSaid = foundWords();
