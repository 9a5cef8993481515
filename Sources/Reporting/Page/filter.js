// SPDX-License-Identifier: GPL-2.0-only
//
// Which findings are shown: by function, property, kind and words.

const form = document.getElementById("filter");
const kinds = ["new", "old", "finding", "note", "assumed"];

/** What is filtered: findings of checks, rows of a comparison. */
const shown = (data.compared ? data.compared.rows : data.findings).map((it, number) => ({
  element: document.getElementById(`${data.compared ? "r" : "f"}${number}`),
  function: text(it.function), property: text(it.property), kind: it.kind, it,
}));

/** All words of a finding, put together when somebody first looks for some. */
const wordsOf = (each) => {
  const it = each.it;
  each.words ??= [it.property, it.function, it.file, it.message, it.sentence, it.cause, it.scenario, it.assumes, ...(it.also || []), ...(it.scenarios || [])]
    .map(text).join(" ").toLowerCase() + (it.line ? `:${it.line}` : "");
  return each.words;
};

function options(select, values) {
  for (const value of values) select.append(h("option", { value }, value));
  select.closest("label").hidden = values.length < 2;
}

function filter() {
  const words = document.getElementById("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [where, property, kind] = ["function", "property", "kind"].map((name) => document.getElementById(`filter-${name}`).value);
  let count = 0;
  for (const it of shown) {
    const passes =
      (!where || it.function === where) && (!property || it.property === property) && (!kind || it.kind === kind) &&
      (words.length === 0 || words.every((word) => wordsOf(it).includes(word)));
    if (it.element.hidden === passes) it.element.hidden = !passes;
    if (passes) count++;
    else if (data.compared) document.getElementById(`cell-${it.element.id.slice(1)}`)?.remove();
  }
  const isFiltered = count < shown.length;
  for (const cause of document.querySelectorAll(".cause")) cause.hidden = !cause.querySelector(":scope > .finding:not([hidden])");
  document.getElementById("none").hidden = count > 0;
  for (const step of document.querySelectorAll(".step")) {
    const has = step.querySelector(".finding:not([hidden])") !== null;
    step.hidden = isFiltered && !has;
    if (isFiltered && has) step.open = true;
  }
  const heading = document.querySelectorAll(".matrix .heading");
  for (const row of heading) {
    let next = row.nextElementSibling;
    while (next && next.hidden) next = next.nextElementSibling;
    row.hidden = !next || next.matches(".heading");
  }
  tell(count);
}

function tell(count) {
  document.getElementById("filter-count").textContent =
    count === shown.length ? counted(count, "finding") : `${count} of ${counted(shown.length, "finding")}`;
}

if (form) {
  const sorted = (name) => [...new Set(shown.map((it) => it[name]))].sort();
  options(document.getElementById("filter-function"), sorted("function"));
  options(document.getElementById("filter-property"), sorted("property"));
  options(document.getElementById("filter-kind"), kinds.filter((kind) => shown.some((it) => it.kind === kind)));
  // Where there is one list, the filter stands in front of it.
  const list = document.querySelector(".matrix")?.closest(".scroll") ||
    (document.querySelector(".step") ? null : document.querySelector(".list"));
  if (list) list.before(form);
  let pending;
  const soon = () => {
    clearTimeout(pending);
    if (shown.length < 1000) filter();
    else pending = setTimeout(filter, 120);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  tell(shown.length);
}
