// SPDX-License-Identifier: GPL-2.0-only
//
// The kernel's text with line numbers, signs beside it and messages beneath its lines.

const lastLine = (source) => source.first + source.lines.length - 1;
const holds = (source, line) => line >= source.first && line <= lastLine(source);

/** Whether a source has an event's line: a line of another file may have the same number. */
const shows = (source, event) =>
  event.line > 0 && holds(source, event.line) &&
  (source.function === undefined || text(source.function) === event.function);

/** Splits a line into code and comment; isOpen: whether a comment began in a line above. */
function parts(line, isOpen) {
  const result = [];
  let rest = line;
  while (rest !== "") {
    if (isOpen) {
      const end = rest.indexOf("*/");
      const length = end < 0 ? rest.length : end + 2;
      result.push(["comment", rest.slice(0, length)]);
      rest = rest.slice(length);
      isOpen = end < 0;
      continue;
    }
    const found = /\/\*|\/\/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/.exec(rest);
    if (!found) {
      result.push(["code", rest]);
      break;
    }
    if (found.index > 0) result.push(["code", rest.slice(0, found.index)]);
    rest = rest.slice(found.index);
    if (found[0] === "//") {
      result.push(["comment", rest]);
      break;
    }
    if (found[0] === "/*") {
      isOpen = true;
      continue;
    }
    result.push(["string", found[0]]);
    rest = rest.slice(found[0].length);
  }
  return [result, isOpen];
}

/** The elements of each line of a source. */
function codeOf(source) {
  let isOpen = false;
  return source.lines.map((index) => {
    let pieces;
    [pieces, isOpen] = parts(text(index), isOpen);
    return pieces.map(([kind, piece]) => (kind === "code" ? piece : h("span", { class: kind }, piece)));
  });
}

/**
 * The source of a finding.
 *
 * run: the lines that were run, or null; wrong: the line where it goes wrong, and message what is said
 * of it; marked: lines that events are of, with what to do when one is chosen.
 */
function sourceView(source, { run, wrong, message, marked, choose }) {
  const body = h("tbody");
  codeOf(source).forEach((pieces, index) => {
    const line = source.first + index;
    const events = marked.get(line);
    const isRun = run !== null && run.has(line);
    const isWrong = line === wrong;
    const sign = isWrong ? "✕" : isRun ? "●" : "";
    const said = isWrong ? "goes wrong here" : isRun ? "run" : null;
    const number = events
      ? h("button", {
          type: "button", class: "line", "aria-label": `line ${line}, ${counted(events.length, "event")}`,
          onclick: () => choose(events[0]),
        }, String(line))
      : String(line);
    body.append(
      h("tr", {
        "data-line": line,
        class: [isRun && "run", run !== null && !isRun && "not-run", isWrong && "wrong", events && "has-events"]
          .filter(Boolean).join(" "),
        onclick: events ? (event) => !event.target.closest("button") && choose(events[0]) : null,
      },
        h("td", { class: "sign" }, sign && h("span", { role: "img", "aria-label": said }, sign)),
        h("td", { class: "number" }, number),
        h("td", { class: "code" }, pieces)));
    if (isWrong) {
      const indent = /^\s*/.exec(text(source.lines[index]))[0];
      body.append(
        h("tr", { class: "message" }, h("td"), h("td"),
          h("td", { class: "code" }, indent, h("strong", {}, `^ ${message}`))));
    }
  });
  const name = source.function === undefined || source.function === null ? "source" : `${text(source.function)}()`;
  return h("div", { class: "source scroll", tabindex: "0", role: "region", "aria-label": `${name} in ${text(source.file)}` },
    h("table", { class: "lines", role: "presentation" }, body));
}

/** What the signs of a source mean. */
function signs(run, hasEvents) {
  return h("p", { class: "legend" },
    run !== null && [h("span", { class: "sign-run" }, "●"), " run in this scenario  "],
    h("span", { class: "sign-wrong" }, "✕"), " where it goes wrong  ",
    hasEvents && [h("span", { class: "sign-event" }, "12"), " has events: choose one to find the other"]);
}
