package web

import "fmt"

// lookedOver is a script that looks a page over for what axe cannot see: text that is cut off where letters, words and
// lines stand further apart (WCAG 1.4.12), content that scrolls in two directions (1.4.10), the focus without a sign (2.4.7)
// or behind something (2.4.11), and help that is not where it is on other pages (3.2.6). It gives a list of faults.
func lookedOver(s sight) string { return fmt.Sprintf(lookScript, s.alone) }

// whatIsCut is a script that looks at a page of another width for what sticks out of it or is cut, alone.
const whatIsCut = `(() => {` + cutRules + `
  cut(" at " + innerWidth);
  return [...new Set(wrong)].slice(0, 12);
})()`

// cutRules are what both have in common: the list of faults, and cut, which adds to it.
const cutRules = `
  const wrong = [], html = document.documentElement;
  const seen = (e) => { const r = e.getBoundingClientRect(); return r.width > 2 && r.height > 2 && e.checkVisibility({ visibilityProperty: true }); };
  const called = (e) => e.localName + (e.id ? "#" + e.id : "") + (e.className ? "." + String(e.className.baseVal ?? e.className).split(" ").join(".") : "") + " " + (e.getAttribute("aria-label") || e.textContent || e.value || "").trim().replace(/\s+/g, " ").slice(0, 50);
  // What may be wider than a window: tables, what is drawn to scale, and what is written in lines.
  const wide = ".table-scroll, .calendar-scroll, .table, pre, textarea, input";
  const spacing = new CSSStyleSheet();
  spacing.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }");
  const cut = (when) => {
    if (html.scrollWidth > innerWidth + 1) {
      const by = [...document.body.querySelectorAll("*")].filter((e) => seen(e) && e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(called);
      wrong.push("the page scrolls sideways by " + (html.scrollWidth - innerWidth) + when + ": " + by.join(", "));
    }
    for (const e of document.body.querySelectorAll("*")) {
      if (e.closest(".vh, svg, option, [hidden]") || !seen(e)) continue;
      const style = getComputedStyle(e), across = e.scrollWidth > e.clientWidth + 1, down = e.scrollHeight > e.clientHeight + 3;
      if (!across && !down || style.display === "inline") continue;
      if (across && /auto|scroll/.test(style.overflowX) && !e.matches(wide)) wrong.push("scrolls sideways" + when + ": " + called(e));
      const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
      if (!text) continue;
      const clips = (o) => o === "hidden" || o === "clip";
      if (across && clips(style.overflowX) && style.textOverflow !== "ellipsis") wrong.push("cut off" + when + ": " + called(e));
      if (down && clips(style.overflowY) && style.webkitLineClamp === "none" && e.scrollHeight > e.clientHeight + 6) wrong.push("cut off below" + when + ": " + called(e));
      if (across && style.textOverflow === "ellipsis" && e.closest("button, label, legend, .button, h1, h2, h3, th") && !e.matches("input, select")) wrong.push("shortened" + when + ": " + called(e));
    }
    const pen = document.createElement("canvas").getContext("2d");
    for (const e of document.querySelectorAll("select")) {
      if (!seen(e) || when.includes("spacing") || e.multiple || e.size > 1 || !e.selectedOptions[0]) continue;
      const style = getComputedStyle(e), room = e.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - (style.appearance === "none" ? 0 : 16);
      pen.font = style.font;
      if (pen.measureText(e.selectedOptions[0].text).width > room + 2) wrong.push("what is chosen is cut off" + when + ": " + called(e) + " " + e.selectedOptions[0].text);
    }
    for (const e of document.querySelectorAll("button, .button, b, h1, h2, h3")) {
      const style = getComputedStyle(e), r = e.getBoundingClientRect(), size = parseFloat(style.fontSize), text = e.textContent.trim();
      if (seen(e) && style.display !== "inline" && text.length > 5 && r.width < 2.5 * size && r.height > 4 * size) wrong.push("letter by letter" + when + ": " + called(e));
      if (seen(e) && e.matches("button, .button") && e.scrollHeight > e.clientHeight + 4) wrong.push("runs out of its box below" + when + ": " + called(e));
    }
    for (const e of document.querySelectorAll("button, .button, label, legend, summary, h1, h2, h3")) {
      if (seen(e) && !e.closest(".vh, .rail nav, .rail-foot") && getComputedStyle(e).display !== "inline" && e.scrollWidth > e.clientWidth + 1) wrong.push("runs out of its box" + when + ": " + called(e));
    }
  };
`

// movingRules have moving, which lists what moves now or would when it changes.
const movingRules = `
  const moving = () => [...document.querySelectorAll("*")].filter((e) => e.checkVisibility()).flatMap((e) => [null, "::before", "::after"].map((part) => [e, getComputedStyle(e, part)]))
    .filter(([, s]) => s.animationName !== "none" || s.scrollBehavior === "smooth" || s.transitionProperty !== "none" && s.transitionDuration.split(", ").some((d) => parseFloat(d) > 0))
    .map(([e]) => e.localName + "." + (e.className.baseVal ?? e.className)).concat(document.getAnimations().map((a) => "runs: " + (a.transitionProperty || a.animationName || a.id)));
`

const lookScript = `((alone) => {` + cutRules + movingRules + `
  cut("");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, spacing];
  cut(" with wide spacing");
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== spacing);

  const top = document.querySelector(":popover-open") || document.body;
  const before = document.activeElement;
  for (const e of top.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, audio[controls], [tabindex]:not([tabindex='-1'])")) {
    if (e.disabled || e.tabIndex < 0 || !seen(e) && !e.matches(".skip, .vh-button, [type=file]")) continue;
    e.focus();
    if (document.activeElement !== e) continue;
    const signs = [e, e.closest("label")].filter(Boolean).map((x) => getComputedStyle(x));
    if (!signs.some((s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && !/, 0\)$/.test(s.outlineColor))) wrong.push("the focus has no sign: " + called(e));
    const r = (e.matches("[type=file]") && e.closest("label") || e).getBoundingClientRect();
    const points = [[.5, .5], [.08, .5], [.92, .5], [.5, .15], [.5, .85], [.25, .5], [.75, .5]];
    const there = points.some(([x, y]) => { const hit = document.elementFromPoint(r.left + r.width * x, r.top + r.height * y); return hit && (e.contains(hit) || hit.contains(e) && !hit.matches("body, html, main, .scroll, .list, .frame") || hit.closest("label")?.control === e); });
    if (!there) wrong.push("the focus is hidden: " + called(e) + " at " + [r.left, r.top, r.right, r.bottom].map(Math.round) + " of " + [innerWidth, innerHeight]);
  }
  before?.focus?.();
  for (const what of moving()) wrong.push("moves although the system asks for less movement: " + what);
  if (!alone) {
    const nav = document.querySelector("nav"), help = [...document.querySelectorAll("a[href='/help']")];
    if (!nav || help.length === 0) wrong.push("no navigation or no help");
  }
  return [...new Set(wrong)].slice(0, 12);
})(%v)`
