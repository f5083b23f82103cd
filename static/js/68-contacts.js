// Contacts: cards on top of the page, and a list that is arranged by dragging and by keys.
const cardPlace = byId("person-card");
const contactList = byId("contact-list");
let cardOf = "";

// A card is a part of its own page. It stays up to date as long as it is open.
const fillCard = () => whileRead(async (order) => {
  const of = cardOf;
  const answer = await fetch("/contacts/" + encodeURIComponent(of), { headers: { "HX-Request": "true", Accept: "text/html" }, cache: "no-store" });
  if (answer.redirected) { ended(); return; }
  const text = await answer.text();
  if (of !== cardOf) return;
  if (!answer.ok) { byId("problem").innerHTML = text; return; }
  const card = document.createElement("template");
  card.innerHTML = text;
  meanwhile(order, card.content);
  htmx.swap({ sourceElement: cardPlace, target: cardPlace, swap: "innerMorph", text: card.innerHTML, transition: false });
});
const openCard = async (link) => {
  cardOf = link.dataset.card;
  try { await fillCard(); } catch { location.assign(link.href); return; }
  cardPlace.setAttribute("aria-label", link.getAttribute("aria-label") || link.textContent);
  if (!cardPlace.matches(":popover-open")) cardPlace.showPopover({ source: link });
  cardPlace.querySelector("a, button")?.focus();
  watchPeople();
};
const refreshPane = apply.refresh;
apply.refresh = (part) => {
  refreshPane(part);
  if (part.dataset.to === "card-contact" && cardPlace?.matches(":popover-open")) fillCard().catch(() => { /* the next news tries again */ });
};
cardPlace?.addEventListener("stale", () => { if (cardPlace.matches(":popover-open")) fillCard().catch(() => { /* the next news tries again */ }); });
document.addEventListener("click", (e) => {
  if (!cardPlace || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  const line = e.target.closest(".avatar")?.closest("li.contact");
  const link = e.target.closest("[data-card]") || line?.querySelector("[data-card]");
  if (!link) return;
  e.preventDefault();
  openCard(link);
});

// What a form of the list would send.
const sendForm = async (path, values) => {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams(values) });
    if (answer.status === 204) { byId("problem").replaceChildren(); return true; }
    byId("problem").innerHTML = answer.ok ? "" : await answer.text();
    if (answer.redirected) ended();
  } catch { announce(texts["contact-move-failed"]); }
  return false;
};
const lineName = (line) => line.querySelector(".name b").textContent;
const moveTo = async (line, section, copy) => {
  const { uri, group } = line.dataset, to = section.dataset.name, name = lineName(line);
  const favourite = section.dataset.kind === "favourites";
  if (!favourite && group === to && line.closest("section") === section) return;
  after = { uri, group: to, kind: section.dataset.kind, focus: line.contains(document.activeElement) };
  if (await sendForm("/contacts/move", { uri, from: group, to, copy: copy ? "on" : "", favourite: favourite ? "on" : "" })) {
    announce(texts["contact-moved"].replace("{name}", name).replace("{group}", section.getAttribute("aria-label")));
  } else after = null;
};

// A contact that was moved by keys has the focus again where it came to stand, unless that went elsewhere meanwhile.
let after = null;
if (contactList) new MutationObserver(() => {
  const at = document.activeElement;
  if (at !== body && at.closest("li.contact")?.dataset.uri !== after?.uri) after = null;
  if (!after?.focus) return;
  const line = all("li.contact", contactList).find((l) => l.dataset.uri === after.uri && l.dataset.group === after.group && l.closest("section").dataset.kind === after.kind);
  if (!line) return;
  after = null;
  line.querySelector("a").focus();
}).observe(contactList, { childList: true, subtree: true });

let dragged = null;
const dropPlace = (e) => dragged && e.target.closest?.("[data-takes]");
const noDrop = () => all(".drop-here", contactList).forEach((s) => s.classList.remove("drop-here"));
contactList?.addEventListener("dragstart", (e) => {
  dragged = e.target.closest?.("li.contact[draggable=true]");
  if (!dragged) return;
  e.dataTransfer.setData("text/plain", dragged.dataset.uri.replace(/^sip:/, ""));
  e.dataTransfer.effectAllowed = "copyMove";
});
contactList?.addEventListener("dragover", (e) => {
  const section = dropPlace(e);
  noDrop();
  if (!section) return;
  e.preventDefault();
  e.dataTransfer.dropEffect = e.ctrlKey || e.altKey ? "copy" : "move";
  section.classList.add("drop-here");
});
contactList?.addEventListener("drop", (e) => {
  const section = dropPlace(e);
  if (!section) return;
  e.preventDefault();
  moveTo(dragged, section, e.ctrlKey || e.altKey);
});
contactList?.addEventListener("dragend", () => { dragged = null; noDrop(); });

// Arrows go from contact to contact, with Shift they carry one into the next group, with Ctrl and Shift a copy of it.
contactList?.addEventListener("keydown", (e) => {
  const line = e.target.closest("li.contact"), step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (!line || !step || e.altKey || e.metaKey) return;
  if (e.shiftKey && line.draggable) {
    const sections = all("[data-takes]", contactList), at = sections.indexOf(line.closest("section"));
    const to = sections[at + step];
    if (to) moveTo(line, to, e.ctrlKey);
  } else if (!e.shiftKey) {
    const lines = all("li.contact", contactList), to = lines[lines.indexOf(line) + step];
    to?.querySelector("a").focus();
  }
  e.preventDefault();
});

// A distribution group is unfolded by the page's own address, so that it stays so when the page is read again.
contactList?.addEventListener("click", (e) => {
  const link = e.target.closest("a[data-expand]");
  if (!link || e.defaultPrevented || e.ctrlKey || e.metaKey || e.shiftKey) return;
  e.preventDefault();
  history.replaceState(null, "", link.href);
  refresh(["contact-list"]);
});
document.addEventListener("change", (e) => { if (e.target.matches("[data-submits]")) e.target.form.requestSubmit(); });
