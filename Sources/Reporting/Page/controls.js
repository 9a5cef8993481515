// SPDX-License-Identifier: GPL-2.0-only
//
// Light and dark, keys, and what is opened for print.

// MARK: light and dark

const themes = ["system", "light", "dark"];

function theme(name) {
  const root = document.documentElement;
  if (name === "system") delete root.dataset.theme;
  else root.dataset.theme = name;
  document.getElementById("theme-name").textContent = name;
}

function nextTheme() {
  const name = themes[(themes.indexOf(document.documentElement.dataset.theme || "system") + 1) % themes.length];
  theme(name);
  try {
    localStorage.setItem("kshim-theme", name);
  } catch {
    // A page from a file may have no store: the choice is for this time.
  }
}

try {
  const kept = localStorage.getItem("kshim-theme");
  if (themes.includes(kept)) theme(kept);
} catch {
  // As above.
}
document.getElementById("theme").addEventListener("click", nextTheme);

// MARK: keys

const dialog = document.getElementById("keys");
document.getElementById("keys-open").addEventListener("click", () => dialog.showModal());

const isSeen = (element) => {
  if (element.closest("[hidden]")) return false;
  const outer = element.matches("summary") ? element.parentElement.parentElement : element;
  return !outer.closest("details:not([open])");
};

/** Moves the focus to the next item that is seen, or the one before. */
function move(by) {
  const items = [...document.querySelectorAll(".item, .matrix .cell")];
  let at = items.indexOf(document.activeElement);
  if (at < 0) {
    // From within an opened item, or from the top.
    const holder = document.activeElement?.closest("details")?.querySelector(":scope > summary");
    at = items.indexOf(holder);
    if (at < 0) at = by > 0 ? -1 : items.length;
  }
  for (at += by; at >= 0 && at < items.length; at += by) {
    if (!isSeen(items[at])) continue;
    items[at].focus();
    items[at].scrollIntoView({ block: "nearest" });
    return;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || dialog.open) return;
  const field = document.getElementById("filter-text");
  if (event.target.matches("input, select, textarea")) {
    if (event.target !== field) return;
    if (event.key === "Escape") {
      field.value = "";
      filter();
    } else if (event.key === "ArrowDown" || event.key === "Enter") {
      const handles = shown.map((it) => it.element.querySelector("summary, .cell"));
      handles.find((handle) => handle && isSeen(handle))?.focus();
    } else return;
    event.preventDefault();
    return;
  }
  const onItem = event.target.matches(".item, .matrix .cell");
  if (event.key === "/" && field) field.focus();
  else if (event.key === "j" || (event.key === "ArrowDown" && onItem)) move(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && onItem)) move(-1);
  else if (event.key === "t") nextTheme();
  else if (event.key === "?") dialog.showModal();
  else return;
  event.preventDefault();
});

// MARK: opening

/** Opens what an address names, and all around it. */
function open(id) {
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let each = target; each; each = each.parentElement?.closest("details")) {
    if (each instanceof HTMLDetailsElement) each.open = true;
  }
  target.scrollIntoView();
  target.querySelector("summary")?.focus();
}

addEventListener("hashchange", () => open(location.hash.slice(1)));
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) open(link.getAttribute("href").slice(1));
});
if (location.hash) open(location.hash.slice(1));
else if (!document.querySelector(".step")) {
  const first = document.querySelector(".finding");
  if (first) first.open = true;
}

// MARK: print

/** So many findings are printed in full; of more, a line each. */
const printed = 200;
let reopened = [];

function beforePrint() {
  if (reopened.length > 0) return;
  let count = 0;
  // What is opened brings more that opens.
  for (let all = closed(); all.length > 0; all = closed()) {
    for (const each of all) {
      if (each.matches(".finding") && ++count > printed) each.classList.add("unprinted");
      else {
        each.open = true;
        fill(each);
      }
      reopened.push(each);
    }
  }
}

const closed = () =>
  [...document.querySelectorAll("details:not([open]):not(.unprinted)")].filter((each) => !each.closest("[hidden]"));

function afterPrint() {
  for (const each of reopened) {
    each.open = false;
    each.classList.remove("unprinted");
  }
  reopened = [];
}

matchMedia("print").addEventListener("change", (event) => (event.matches ? beforePrint() : afterPrint()));
addEventListener("beforeprint", beforePrint);
addEventListener("afterprint", afterPrint);
