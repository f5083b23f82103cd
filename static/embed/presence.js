// <portico-presence uri="sip:bob@example.test" name="Bob">: a person's presence on any page, with a menu. Loaded by one
// script tag; its data-every is how many seconds lie between two questions (30). All elements of a page ask together.
(() => {
"use strict";
if (customElements.get("portico-presence")) return;

const tag = document.currentScript || document.querySelector('script[src*="/embed/presence.js"]');
const portal = new URL(tag ? tag.src : location.href).origin;
const every = 1000 * Math.min(3600, Math.max(5, Number(tag?.dataset.every) || 30));
const atOnce = 100; // people in one question

const words = {}; // the portal puts the texts of its languages here
let locale = [...navigator.languages.map((l) => l.split("-")[0]), "en"].find((l) => words[l]);

// Who is on the page: uri → { elements, said: the last answer, asked: when, wrong: the portal takes it for no address }.
const people = new Map();
let timer = 0, failures = 0, asking = false;

const tell = (uri, said, why) => {
  const p = people.get(uri);
  if (!p) return;
  p.said = said;
  p.why = why;
  p.elements.forEach((e) => e.show());
};
const later = (ms) => { clearTimeout(timer); timer = setTimeout(ask, ms); };
const shaken = (ms, by) => ms * (1 + by * (2 * Math.random() - 1));
const backOff = () => shaken(Math.min(300000, 5000 * 2 ** Math.min(failures, 7)), .5);

// One question; those that the portal takes for no address are left out and the others asked for again.
const question = async (uris) => {
  if (!uris.length) return;
  const answer = await fetch(portal + "/embed/presence?" + new URLSearchParams(uris.map((u) => ["uri", u])), { credentials: "include" });
  const body = await answer.json();
  if (answer.ok) {
    locale = words[body.locale] ? body.locale : "en";
    uris.forEach((u, i) => tell(u, body.people[i]));
    return;
  }
  const wrong = new Set(answer.status === 400 ? (body.errors || []).map((e) => e.where) : []);
  const rest = uris.filter((u) => !wrong.has(u));
  if (rest.length < uris.length) {
    wrong.forEach((u) => { if (people.has(u)) people.get(u).wrong = true; tell(u, null); });
    return question(rest);
  }
  throw Object.assign(new Error(body.reason), { signin: answer.status === 401, wait: 1000 * answer.headers.get("Retry-After") });
};

// Asks for all, or in between for those who have just come; never while the page is not seen or nothing is on it.
const ask = async (fresh) => {
  if (asking || document.visibilityState === "hidden") return;
  if (!fresh) timer = 0;
  const uris = [...people.keys()].filter((u) => !people.get(u).wrong && (!fresh || !people.get(u).asked));
  if (!uris.length && !people.size) return;
  asking = true;
  let wait = 0;
  const groups = [];
  for (let from = 0; from < uris.length; from += atOnce) groups.push(uris.slice(from, from + atOnce));
  uris.forEach((u) => { people.get(u).asked = Date.now(); });
  await Promise.all(groups.map((group) => question(group).catch((e) => {
    wait = Math.max(wait, e.wait || 1);
    group.forEach((u) => tell(u, null, e.signin && "signin"));
  })));
  asking = false;
  failures = wait ? failures + 1 : 0;
  if (wait || !timer) later(wait ? Math.max(wait, backOff()) : shaken(every, .1));
  if (!failures && [...people.values()].some((p) => !p.asked)) soon();
};
let coming = 0;
const soon = () => {
  if (coming || failures) return;
  coming = setTimeout(() => { coming = 0; ask(true); }, 20);
};
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.visibilityState === "visible" && people.size) later(100);
});

const join = (uri, element) => {
  if (!people.has(uri)) people.set(uri, { elements: new Set(), said: null, asked: 0 });
  people.get(uri).elements.add(element);
  if (!timer || !people.get(uri).asked) soon();
};
const leave = (uri, element) => {
  const p = people.get(uri);
  p?.elements.delete(element);
  if (p && !p.elements.size) people.delete(uri);
  if (!people.size) { clearTimeout(timer); timer = 0; }
};

const style = new CSSStyleSheet();
style.replaceSync(`
:host { all: initial; display: inline-block; color: inherit; font: inherit; color-scheme: inherit; vertical-align: middle }
:host([hidden]) { display: none } :host([theme=light]) { color-scheme: light } :host([theme=dark]) { color-scheme: dark }
* { box-sizing: border-box; --red: light-dark(#b3261e, #ff8f86); --amber: light-dark(#8a5a00, #f0b950); --grey: light-dark(#606a78, #9aa5b4); --paper: light-dark(#fff, #1b1f26) }
button { font: inherit; color: inherit; background: none; border: 0; border-radius: 6px; margin: 0; padding: 2px 4px; min-width: 24px; min-height: 24px; display: inline-flex; gap: 6px; align-items: center; cursor: pointer }
button:hover span { text-decoration: underline }
:focus-visible { outline: 2px solid light-dark(#2456b8, #8ab0ff); outline-offset: 1px }
:host([compact]) span { display: none }
i { width: 12px; height: 12px; flex: none; border-radius: 50%; background: light-dark(#1f7a3d, #5fc987); forced-color-adjust: none }
i[data-p=busy] { background: var(--red); border-radius: 3px }
i[data-p=do-not-disturb] { background: linear-gradient(var(--paper), var(--paper)) center/8px 2px no-repeat var(--red) }
i[data-p=away] { background: conic-gradient(var(--amber) 75%, var(--paper) 0); box-shadow: inset 0 0 0 1px var(--amber) }
i[data-p=be-right-back] { background: conic-gradient(var(--amber) 50%, var(--paper) 0); box-shadow: inset 0 0 0 1px var(--amber) }
i[data-p=offline] { background: none; box-shadow: inset 0 0 0 2px var(--grey) }
i[data-p=unknown] { background: repeating-conic-gradient(var(--grey) 0 30deg, transparent 0 60deg); mask: radial-gradient(circle, transparent 3px, #000 4px) }
[popover] { position: fixed; inset: auto; margin: 0; padding: 4px; min-width: 160px; border: 1px solid var(--grey); border-radius: 6px; font: 15px/1.4 system-ui, sans-serif; color: light-dark(#1a1f27, #e8ebf0); background: var(--paper); box-shadow: 0 4px 20px rgb(0 0 0 / .25) }
a { display: block; padding: 6px 10px; border-radius: 4px; color: inherit; text-decoration: none }
a:hover, a:focus { background: light-dark(#eef1f5, #252a33) }
`);
const make = (name, attributes, ...children) => {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
};

customElements.define("portico-presence", class extends HTMLElement {
  static observedAttributes = ["uri", "name"];
  #dot = make("i", { "aria-hidden": "true" });
  #label = make("span", {});
  #button = make("button", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false" }, this.#dot, this.#label);
  #menu = make("div", { role: "menu", popover: "auto" });
  #uri = "";

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [style];
    root.append(this.#button, this.#menu);
    let wasOpen = false;
    this.#button.addEventListener("pointerdown", () => { wasOpen = this.#open; });
    this.#button.addEventListener("click", (e) => { if (e.detail && wasOpen) this.#close(); else this.#show(0); });
    this.#button.addEventListener("keydown", (e) => {
      if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
      e.preventDefault();
      this.#show(e.key === "ArrowUp" ? -1 : 0);
    });
    this.#menu.addEventListener("keydown", (e) => this.#key(e));
    this.#menu.addEventListener("click", (e) => { if (e.target.closest("a")) this.#close(true); });
    this.#menu.addEventListener("toggle", (e) => this.#button.setAttribute("aria-expanded", String(e.newState === "open")));
  }
  connectedCallback() {
    this.#uri = (this.getAttribute("uri") || "").trim();
    if (this.#uri) join(this.#uri, this);
    this.show();
  }
  disconnectedCallback() { leave(this.#uri, this); this.#uri = ""; }
  attributeChangedCallback() {
    if (!this.isConnected) return;
    const uri = (this.getAttribute("uri") || "").trim();
    if (uri !== this.#uri) { leave(this.#uri, this); this.connectedCallback(); } else this.show();
  }

  // What is known is shown as a shape, a colour, and in words.
  show() {
    const p = people.get(this.#uri), said = p?.said;
    const name = this.getAttribute("name") || said?.name || this.#uri.replace(/^\w+:/, "");
    const text = name + ": " + (said?.text || words[locale][p?.why || "unknown"]);
    this.#dot.dataset.p = said?.availability || "unknown";
    this.#label.textContent = name;
    this.#button.setAttribute("aria-label", text);
    this.#button.title = said?.note ? text + " (" + said.note + ")" : text;
    this.#menu.setAttribute("aria-label", name);
  }

  get #open() { return this.#menu.matches(":popover-open"); }
  #fill() {
    const uri = encodeURIComponent(this.#uri), said = people.get(this.#uri)?.said;
    const bare = encodeURIComponent(said?.uri || this.#uri);
    const item = (key, href) => make("a", { role: "menuitem", tabindex: "-1", href, ...(/^http/.test(href) && { target: "portico" }) }, words[locale][key]);
    this.#menu.replaceChildren(...[
      !said?.no_im && item("write", portal + "/open?uri=" + uri),
      said?.tel && item("call", "tel:" + said.tel),
      item("schedule", portal + "/calendar/new?with=" + bare),
      item("card", portal + "/contacts/" + bare),
    ].filter(Boolean));
  }
  #show(which) {
    if (!this.#open) {
      this.#fill();
      this.#menu.showPopover();
      const at = this.#button.getBoundingClientRect(), size = this.#menu.getBoundingClientRect();
      const under = at.bottom + size.height + 4 < innerHeight || at.top < size.height;
      this.#menu.style.left = Math.max(4, Math.min(at.left, innerWidth - size.width - 4)) + "px";
      this.#menu.style.top = (under ? at.bottom + 2 : at.top - size.height - 2) + "px";
    }
    [...this.#menu.children].at(which).focus();
  }
  #close(focus) {
    if (this.#open) this.#menu.hidePopover();
    if (focus) this.#button.focus();
  }
  #key(e) {
    const items = [...this.#menu.children], now = items.indexOf(this.shadowRoot.activeElement);
    const to = { ArrowDown: (now + 1) % items.length, ArrowUp: (now - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[e.key];
    if (to !== undefined) items[to].focus();
    else if (e.key === "Escape") this.#close(true);
    else if (e.key === "Tab") return this.#close(true);
    else if (e.key === " ") items[now]?.click();
    else return;
    e.preventDefault();
    e.stopPropagation();
  }
});
})();
