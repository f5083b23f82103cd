// Whether the person is there: input says so, and a while without any (five minutes, unless the portal says
// otherwise) says that not. A tab in the background is no sign of either. Input in one tab counts for all tabs of
// this browser. While input goes on it is said again now and then: what is not said again is believed for a while only, so
// that a session that was cut keeps nobody there.
let idleAfter = 5 * 60000;
let lastInput = Date.now(), idle = false, idleTimer = 0, lastTold = 0, lastSaid = 0;
const sayActivity = () => { if (send({ op: idle ? "idle" : "active" })) lastSaid = Date.now(); };
const input = (own) => {
  lastInput = Date.now();
  if (own && lastInput - lastTold > 30000) { lastTold = lastInput; tellTabs({ input: true }); }
  if (idle) { idle = false; sayActivity(); checkIdle(); } else if (lastInput - lastSaid > idleAfter / 2) sayActivity();
};
// No timer runs while nobody is there.
const checkIdle = () => {
  clearTimeout(idleTimer);
  const quiet = Date.now() - lastInput;
  if (quiet < idleAfter) { idleTimer = setTimeout(checkIdle, Math.max(thin ? unhurried : 1000, idleAfter - quiet)); return; }
  if (!idle) { idle = true; sayActivity(); }
};
const idleAt = (ms) => { if (ms > 0 && ms !== idleAfter) { idleAfter = ms; checkIdle(); } };
if (me) {
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(kind, () => { if (idle || Date.now() - lastInput > 1000) input(true); }, { passive: true, capture: true });
  }
  channel?.addEventListener("message", (e) => { if (e.data?.me === me && e.data.input) input(false); });
  checkIdle();
}
