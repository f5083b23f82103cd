// What this page is: who reads it, which conversation is open, and the few helpers that everything uses.
const body = document.body;
const me = body.dataset.me || "";
const openConversation = body.dataset.conversation || "";
// A thin session draws over a slow line: it has no timer under twenty seconds while nothing happens.
const thin = document.documentElement.dataset.session === "thin";
const unhurried = 20000;
const texts = JSON.parse(document.getElementById("texts")?.textContent || "{}");
const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const log = openConversation ? byId("log-" + openConversation) : null;
const scroller = byId("log");

// Storage that may be full or forbidden: then nothing is kept, and the page still works.
const keep = {
  get(key, otherwise) {
    try { return JSON.parse(localStorage.getItem("portico:" + key)) ?? otherwise; } catch { return otherwise; }
  },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem("portico:" + key);
      else localStorage.setItem("portico:" + key, JSON.stringify(value));
      return true;
    } catch { return false; }
  },
  keys() {
    try { return Object.keys(localStorage).filter((key) => key.startsWith("portico:")); } catch { return []; }
  },
};

// Cookies that tell the server how this browser reads: its zone, and that it has script. Over TLS they are bound to this host.
const cookie = (name, value) => {
  const tls = location.protocol === "https:";
  document.cookie = `${tls ? "__Host-" : ""}${name}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=lax${tls ? "; secure" : ""}`;
};
cookie("portico-script", "1");
try { cookie("portico-zone", Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC"); } catch { /* no zone: the server's choice stands */ }

// The other tabs of this browser.
const channel = "BroadcastChannel" in window ? new BroadcastChannel("portico") : null;
const tellTabs = (what) => channel?.postMessage({ me, ...what });

const announce = (text) => { const place = byId("announce"); if (place) place.textContent = text; };
const inView = () => document.visibilityState === "visible" && document.hasFocus();

// An id that nobody has used: 128 random bits. crypto.randomUUID is missing where a portal has no TLS.
const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
