// SPDX-License-Identifier: GPL-2.0-only
//
// Revisions beside each other: traces in two columns, and what a cell of the matrix opens.

const marks = { "|": "differs", "<": "only in the older", ">": "only in the newer" };

/** Two traces, rows that differ marked. */
function difference(group) {
  const [old, now] = [eventsOf(group.oldTrace), eventsOf(group.newTrace)];
  const labels = data.compared.labels.map(text);
  const cell = (event) =>
    event
      ? [h("span", { class: "number" }, event.line ? String(event.line) : ""), " ",
         event.thread && h("span", { class: "thread" }, event.thread, " "),
         h("span", { class: "event-kind" }, event.kind), " ", wording(event)]
      : "";
  const same = group.oldScenario === group.newScenario;
  return h("div", { class: "difference" },
    h("dl", { class: "facts" },
      same
        ? [h("dt", {}, "Scenario"), h("dd", {}, h("code", {}, text(group.newScenario)))]
        : [[group.old, group.oldScenario], [group.new, group.newScenario]].map(([label, scenario]) =>
            [h("dt", {}, labels[label]), h("dd", {}, h("code", {}, text(scenario)))]),
      group.line > 0 && [h("dt", {}, "They part at"), h("dd", {}, `${text(group.file)}:${group.line}`)]),
    group.rows.every((row) => row.mark === " ") &&
      h("p", { class: "hint same" }, "Both traces are the same: what is left behind in memory differs."),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Both traces" },
      h("table", { class: "two" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, labels[group.old]), h("th", { scope: "col" }, h("span", { class: "unseen" }, "how they differ")), h("th", { scope: "col" }, labels[group.new]))),
        h("tbody", {}, group.rows.map((row) =>
          h("tr", { class: row.mark === " " ? "same" : "differs" },
            h("td", {}, cell(old[row.old])),
            h("td", { class: "mark" }, row.mark !== " " && h("span", { role: "img", "aria-label": marks[row.mark] }, row.mark)),
            h("td", {}, cell(now[row.new]))))))));
}

/** What is called in a scenario. */
const called = (scenario) => text(scenario).split(":")[0];

/** The differences that a cell is about: those of its scenario, else those that part at its line; else those
    of the same call, which are only near. */
function groupsOf(row, column) {
  const status = row.statuses[column];
  const scenarios = new Set([row.scenarios[column], row.scenarios[column - 1]].filter((index) => text(index)));
  const near = data.compared.groups.filter((group) =>
    status === "there" ? group.new === column || group.old === column : group.new === column);
  const exact = near.filter((group) => scenarios.has(group.oldScenario) || scenarios.has(group.newScenario));
  if (exact.length > 0) return { groups: exact, isOwn: true };
  const here = near.filter((group) => group.line > 0 && group.line === row.lines[column]);
  if (here.length > 0) return { groups: here, isOwn: true };
  const calls = new Set([...scenarios].map(called));
  return { groups: near.filter((group) => calls.has(called(group.newScenario))).slice(0, 3), isOwn: false };
}

function cellPanel(row, column) {
  const label = text(data.compared.labels[column]);
  const status = row.statuses[column];
  const line = row.lines[column];
  const { groups, isOwn } = groupsOf(row, column);
  const facts = [
    ["Revision", `${label}: ${status}`],
    line > 0 && ["Place", `${text(data.compared.file)}:${line}`],
    text(row.scenarios[column]) && ["Scenario", h("code", {}, text(row.scenarios[column]))],
    ["In", `${text(row.function)}()`],
    ["Message", text(row.message)],
  ].filter(Boolean);
  return h("div", { class: "cell-panel" },
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    !isOwn && h("p", { class: "hint" },
      `No difference between neighbours begins with this scenario or at this line${groups.length > 0 ? "; of the same call:" : "."}`),
    groups.map((group) => [h("h4", {}, text(group.sentence)), difference(group)]));
}

/** Opens and closes what a cell is about, in a row below it. */
function toggleCell(button) {
  const row = button.closest("tr");
  const id = `cell-${button.dataset.row}`;
  const isOpen = button.getAttribute("aria-expanded") === "true";
  for (const each of row.querySelectorAll(".cell")) {
    each.setAttribute("aria-expanded", "false");
    each.removeAttribute("aria-controls");
  }
  document.getElementById(id)?.remove();
  if (isOpen) return;
  button.setAttribute("aria-expanded", "true");
  button.setAttribute("aria-controls", id);
  row.after(
    h("tr", { class: "opened-cell", id },
      h("td", { colspan: data.compared.labels.length + 1 },
        cellPanel(data.compared.rows[button.dataset.row], Number(button.dataset.column)))));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.cell");
  if (button) toggleCell(button);
});
