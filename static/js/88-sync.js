// Panes that no event tells of, as figures and logs, are read again every so often while somebody looks at the page. How
// often stands on the pane, and may change with what it shows: a run that has ended is read once more and then no longer.
const rereadPanes = () => {
  const panes = all("[data-every]").filter((pane) => +pane.dataset.every > 0);
  if (!panes.length) return;
  setTimeout(() => {
    if (document.visibilityState === "visible" && !document.activeElement?.closest("[data-every] :is(input, select, textarea)")) refresh(panes.map((pane) => pane.closest("[data-pane]").id));
    rereadPanes();
  }, Math.max(thin ? unhurried : 0, Math.min(...panes.map((pane) => +pane.dataset.every))));
};
rereadPanes();
