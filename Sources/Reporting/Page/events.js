// SPDX-License-Identifier: GPL-2.0-only
//
// What happens in a scenario: a time line, what was allocated, and what was decided.

/** Whether an event is an answer that is not the ordinary one. */
const fails = (event) =>
  ["WARN", "BUG", "fault", "hang", "overflow", "deadlock", "assert", "index", "sleep"].includes(event.kind) ||
  (["alloc", "call"].includes(event.kind) && /^= (NULL|-E[A-Z0-9]+)$/.test(event.detail)) ||
  (event.kind === "free" && /never set|never allocated|already|another allocator/.test(event.detail));

const wording = (event) =>
  event.kind === "enter"
    ? `${event.function}()${event.detail ? ` ${event.detail}` : ""}`
    : [event.callee, event.detail].filter(Boolean).join(" ");

/** The time line; with two threads, each has a lane. isShown: whether a source has an event's
    line; choose: what to do when one is chosen, null where nothing is to be done. */
function timeline(events, choose, isShown) {
  const threads = [...new Set(events.map((event) => event.thread).filter(Boolean))];
  const isShared = threads.length > 1;
  const list = h("ol", { class: isShared ? "events lanes" : "events" });
  const within = new Map();
  for (const event of events) {
    const lane = threads.indexOf(event.thread);
    const before = within.get(event.thread);
    within.set(event.thread, event.function);
    const isElsewhere = event.kind !== "enter" && before !== event.function;
    const isFailing = fails(event);
    list.append(
      h("li", { class: `event ${lane > 0 ? "second" : "first"}` },
        h(choose ? "button" : "div", {
          ...(choose && {
            type: "button", "data-event": event.number, "data-line": isShown(event) ? event.line : null,
            "aria-pressed": "false", onclick: () => choose(event.number),
          }),
          class: ["act", isFailing && "fails", event.kind === "enter" && "enter", event.kind === "return" && "return"]
            .filter(Boolean).join(" "),
        },
          h("span", { class: "number" }, event.line ? String(event.line) : ""),
          h("span", { class: "what" },
            isShared && h("span", { class: "thread" }, event.thread, " "),
            isElsewhere && h("span", { class: "where" }, `in ${event.function}() `),
            h("span", { class: "event-kind" }, event.kind), " ", wording(event),
            isFailing && h("span", { class: "sign-wrong", role: "img", "aria-label": ", not the ordinary answer" }, " ✕")))));
  }
  return h("div", { class: "timeline", ...(!choose && { tabindex: "0", role: "region", "aria-label": "events" }) },
    isShared && h("div", { class: "lane-names", "aria-hidden": "true" }, threads.map((name) => h("span", {}, name))),
    list);
}

/** What was allocated and by whom it was freed; null where nothing was. */
function allocations(events) {
  const rows = [];
  for (const event of events) {
    if (!event.block) continue;
    const line = event.line ? ` (line ${event.line})` : "";
    if (event.kind === "alloc") {
      rows.push({ block: event.block, by: `${event.callee} in ${event.function}()${line}`, freed: [] });
    } else if (event.kind === "free") {
      let row = rows.findLast((each) => each.block === event.block);
      if (!row) {
        row = { block: event.block, by: "", freed: [] };
        rows.push(row);
      }
      row.freed.push(`${event.callee || "free"} in ${event.function}()${line}`);
    }
  }
  if (rows.length === 0) return null;
  return h("div", { class: "panel" },
    h("h4", {}, "Allocated and freed"),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Allocated and freed" },
      h("table", { class: "allocations" },
        h("thead", {}, h("tr", {}, ["what", "allocated by", "freed by"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((row) =>
          h("tr", {},
            h("th", { scope: "row" }, h("code", {}, row.block)),
            h("td", {}, row.by || h("strong", { class: "off" }, "nobody in this scenario")),
            h("td", {}, row.freed.length === 0
              ? h("span", { class: "kept" }, "not freed in this scenario")
              : row.freed.map((freed, index) =>
                  h("div", {}, index > 0 && h("strong", { class: "off" }, "again: "), freed)))))))));
}

/** The path of decisions: what was asked and answered, what failed, what was returned. */
function decisions(events) {
  const told = [];
  for (const event of events) {
    const line = event.line ? ` (line ${event.line})` : "";
    if (event.kind === "input") told.push(["input", `${event.callee} ${event.detail}`, line]);
    else if (["alloc", "call"].includes(event.kind) && fails(event)) {
      told.push(["fails", `${event.callee} ${event.detail}`, line]);
    } else if (event.kind === "return") {
      told.push(["returns", `${event.function}()${event.detail ? ` returns ${event.detail}` : " returns"}`, line]);
    }
  }
  if (told.length === 0) return null;
  return h("div", { class: "panel" },
    h("h4", {}, "Decisions"),
    h("ol", { class: "decisions" }, told.map(([kind, words, line]) =>
      h("li", { class: kind }, h("span", { class: "event-kind" }, kind), " ", h("code", {}, words), h("span", { class: "extent" }, line)))));
}
