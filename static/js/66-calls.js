// Calls: an entry from which one writes or calls back has been seen.
document.addEventListener("click", (e) => {
  const seen = e.target.closest("[data-opens]")?.closest(".call").querySelector(".see");
  if (seen) navigator.sendBeacon(seen.action, new URLSearchParams(new FormData(seen)));
});
// Voice mail: steps and speed beside the browser's own player. What is played has been heard, and one plays at a time.
const audioOf = (e) => e.target.closest(".player")?.querySelector("audio");
const atSpeed = (audio) => { audio.playbackRate = +audio.closest(".player").querySelector("[data-speed]").value; };
document.addEventListener("click", (e) => {
  const audio = e.target.dataset.step && audioOf(e);
  if (audio) audio.currentTime = Math.max(0, Math.min(audio.duration || 0, audio.currentTime + +e.target.dataset.step));
});
document.addEventListener("change", (e) => { if ("speed" in e.target.dataset) { keep.set("speed", e.target.value); atSpeed(audioOf(e)); } });
document.addEventListener("play", (e) => {
  atSpeed(e.target);
  for (const other of all("audio")) if (other !== e.target) other.pause();
  e.target.closest(".voicemail").querySelector("[data-unheard]")?.requestSubmit();
}, true);
for (const speed of all("[data-speed]")) speed.value = keep.get("speed", "1");
