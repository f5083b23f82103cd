// The message that was looked for is brought into view and is where a keyboard goes on.
const sought = document.querySelector(".transcript .is-found");
if (sought) { sought.scrollIntoView({ block: "center" }); sought.focus({ preventScroll: true }); }
