// Diagnosis: what only the browser knows of the live connection, and the configuration information on the clipboard.
const liveFacts = byId("live-facts");
let liveSince = null, liveBreaks = 0, wasLive = false;
const showLive = () => {
  const is = connected();
  if (is !== wasLive) { liveSince = is ? new Date() : null; if (!is) liveBreaks++; wasLive = is; }
  const d = liveFacts.dataset;
  const facts = {
    way: socket?.readyState === 1 ? d.websocket : stream?.readyState === 1 ? d.events : d.none,
    since: liveSince ? liveSince.toLocaleTimeString(d.lang) : "–",
    breaks: liveBreaks, network: navigator.onLine ? d.online : d.offline, screen: `${innerWidth} × ${innerHeight}`,
  };
  for (const [name, value] of Object.entries(facts)) {
    const place = liveFacts.querySelector(`[data-fact=${name}]`);
    if (place.textContent !== String(value)) place.textContent = value;
  }
  liveFacts.hidden = false;
};
if (liveFacts) {
  new MutationObserver(showLive).observe(body, { attributeFilter: ["class"] });
  for (const event of ["online", "offline", "resize"]) addEventListener(event, showLive);
  showLive();
}
for (const button of all("[data-copies]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const answer = await fetch(button.dataset.copies);
    if (!answer.ok) return;
    const own = liveFacts ? "\n" + all("dt", liveFacts).map((dt) => `${dt.textContent}: ${dt.nextElementSibling.textContent}`).join("\n") + "\n" : "";
    await navigator.clipboard.writeText(await answer.text() + own);
    announce(button.dataset.copied);
    button.textContent = button.dataset.copied;
  });
}
