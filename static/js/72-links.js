// Links to people from anywhere: the browser is asked to open them here, one kind at a time.
all("[data-links]").forEach((button) => {
  const said = byId("links-said");
  button.hidden = false;
  button.addEventListener("click", () => {
    let outcome = "asked";
    try { navigator.registerProtocolHandler(button.dataset.links, location.origin + "/open?uri=%s"); } catch { outcome = navigator.registerProtocolHandler ? "refused" : "cannot"; }
    said.textContent = said.dataset[outcome].replace("{name}", button.dataset.links);
  });
});
