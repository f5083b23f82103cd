// Whether the person is there: input says so, and a while without any (five minutes, unless the portal says
// otherwise) says that not. A tab in the background is no sign of either. Input in one tab counts for all tabs of
// this browser.
let idleAfter = 5 * 60000;
let lastInput = Date.now(), idle = false, idleTimer = 0, lastTold = 0;
const sayActivity = () => send({ op: idle ? "idle" : "active" });
const input = (own) => {
  lastInput = Date.now();
  if (own && lastInput - lastTold > 30000) { lastTold = lastInput; tellTabs({ input: true }); }
  if (idle) { idle = false; sayActivity(); checkIdle(); }
};
const checkIdle = () => {
  const quiet = Date.now() - lastInput;
  if (quiet >= idleAfter && !idle) { idle = true; sayActivity(); }
  // Of somebody who is idle input tells, not time.
  idleTimer = idle ? 0 : setTimeout(checkIdle, Math.max(thin ? unhurried : 1000, idleAfter - quiet));
};
const idleAt = (ms) => { if (ms > 0 && ms !== idleAfter) { idleAfter = ms; clearTimeout(idleTimer); checkIdle(); } };
if (me) {
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(kind, () => { if (idle || Date.now() - lastInput > 1000) input(true); }, { passive: true, capture: true });
  }
  channel?.addEventListener("message", (e) => { if (e.data?.me === me && e.data.input) input(false); });
  checkIdle();
}
