// Thin sessions: pictures that are asked for, the offer of one, and what to do when another kind of session holds now.

// The link that stands for a picture becomes the picture, and leads to it as before.
document.addEventListener("click", (e) => {
  const link = e.target.closest("a[data-picture]");
  if (!link || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  e.preventDefault();
  const [width, height] = link.dataset.size.split("x");
  const image = new Image(+width, +height);
  image.alt = link.dataset.picture;
  image.src = link.href;
  link.replaceChildren(image);
  link.className = "picture";
  link.removeAttribute("data-picture");
});

// A browser tells its script what it does not tell the server.
const thinOffer = byId("thin-offer");
if (thinOffer?.hidden && (navigator.connection?.saveData || matchMedia("(update: slow), (prefers-reduced-data: reduce)").matches)) thinOffer.hidden = false;

// A page that is read again and comes as one of the other kind is loaded anew, unless something is typed in it that would be lost;
// what is typed in a conversation is kept.
const halfTyped = () => all("form:not(#composer) :is(textarea, input:not([type=hidden], [type=checkbox], [type=radio], [type=search]))").some((field) => field.value !== field.defaultValue && typedInto.has(field));
const otherSession = (fresh) => {
  const other = fresh.documentElement.dataset.session !== document.documentElement.dataset.session;
  if (other && !halfTyped()) { location.reload(); return true; }
  return false;
};
