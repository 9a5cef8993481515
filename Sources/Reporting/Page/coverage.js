// SPDX-License-Identifier: GPL-2.0-only
//
// A function line by line, with how often the search ran each.

/** `1 234 567` as `1.2M`: as wide as a column is. */
function short(count) {
  if (count < 10000) return String(count);
  if (count < 1e6) return `${Math.floor(count / 1000)}k`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)}M` : `${(count / 1e9).toFixed(1)}G`;
}

/** What is told of a line's conditions; "" where each went both ways. */
function oneSided(branches) {
  const never = branches.filter(([, taken]) => taken === 0).length;
  const always = branches.filter(([, taken, not]) => taken > 0 && not === 0).length;
  return [
    never > 0 && (branches.length > 1 ? `${never} of ${branches.length} conditions never true` : "never true"),
    always > 0 && (branches.length > 1 ? `${always} of ${branches.length} conditions never false` : "never false"),
  ].filter(Boolean).join(", ");
}

function coverage(source) {
  const branches = new Map();
  for (const branch of source.branches || []) {
    branches.set(branch[0], [...(branches.get(branch[0]) || []), branch]);
  }
  const body = h("tbody", {}, codeOf(source).map((pieces, index) => {
    const line = source.first + index;
    const count = source.counts[index];
    const isCode = count !== null && count !== undefined;
    const said = isCode && count > 0 ? oneSided(branches.get(line) || []) : "";
    return h("tr", { "data-line": line, class: !isCode ? "no-code" : count === 0 ? "never" : "run" },
      h("td", { class: "sign" }, isCode && count === 0 && h("span", { role: "img", "aria-label": "never run" }, "○")),
      h("td", { class: "count", title: isCode ? `${count} times` : null }, isCode ? short(count) : ""),
      h("td", { class: "number" }, String(line)),
      h("td", { class: "code" }, pieces, said && h("span", { class: "one-sided" }, `  ◐ ${said}`)));
  }));
  return h("div", {},
    h("p", { class: "legend" }, h("span", { class: "sign-never" }, "○"), " never run  ",
      source.branches && ["◐ a condition that went one way only"]),
    h("div", { class: "source coverage scroll", tabindex: "0", role: "region", "aria-label": `coverage of ${text(source.function)}()` },
      h("table", { class: "lines", role: "presentation" }, body)));
}
