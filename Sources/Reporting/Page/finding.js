// SPDX-License-Identifier: GPL-2.0-only
//
// A finding when it is opened: its source, its events beside it, and all that is known of it.

/** A command and a button that copies it. */
function command(words) {
  const code = h("code", { tabindex: "0", role: "region", "aria-label": "command" }, words);
  const button = h("button", { type: "button", class: "copy", onclick: () => copy(words, code, button) }, "Copy");
  return h("div", { class: "command" }, code, button);
}

async function copy(words, code, button) {
  let isCopied = false;
  try {
    await navigator.clipboard.writeText(words);
    isCopied = true;
  } catch {
    // A page from a file may not: the words are chosen as by hand.
    const chosen = document.createRange();
    chosen.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(chosen);
    isCopied = document.execCommand("copy");
  }
  button.textContent = isCopied ? "Copied" : "Press Ctrl-C";
  say(isCopied ? "The command is copied." : "The command is selected: press Control C.");
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

/** The sources that a finding's scenario is about: its own first. */
function sourcesOf(finding, events) {
  const all = data.entries[finding.entry].sources.map((index) => data.sources[index]);
  const own = all.filter((source) => source.file === finding.file);
  const head =
    own.find((source) => source.function === finding.function && holds(source, finding.line)) ||
    own.find((source) => holds(source, finding.line));
  const others = own.filter((source) => source !== head && events.some((event) => shows(source, event)));
  return head ? [head, ...others] : others;
}

function finding(number) {
  const it = data.findings[number];
  const events = eventsOf(it.trace);
  const run = linesRun(it.executed, it.file);
  const sources = sourcesOf(it, events);
  const isShown = (event) => sources.some((source) => shows(source, event));
  const marked = new Map();
  for (const event of events.filter(isShown)) {
    if (!marked.has(event.line)) marked.set(event.line, []);
    marked.get(event.line).push(event.number);
  }
  const root = h("div", { class: "opened" });

  /** Shows an event and its line together. */
  const choose = (chosen) => {
    const event = events[chosen];
    for (const each of root.querySelectorAll(".chosen")) each.classList.remove("chosen");
    for (const each of root.querySelectorAll(".event button")) {
      const isChosen = Number(each.dataset.event) === chosen;
      each.setAttribute("aria-pressed", String(isChosen));
      each.classList.toggle("chosen", isChosen);
      if (isChosen) within(each.closest(".timeline"), each);
    }
    if (!isShown(event)) return;
    for (const row of root.querySelectorAll(`.source tr[data-line="${event.line}"]`)) {
      row.classList.add("chosen");
      const folded = row.closest("details.callee");
      if (folded) folded.open = true;
      within(row.closest(".source"), row);
    }
    say(`line ${event.line}: ${event.kind} ${wording(event)}`);
  };

  const view = (source) =>
    sourceView(source, { run, wrong: it.line, message: text(it.message), marked, choose });
  const code = h("div", { class: "code-side" },
    sources.length > 0
      ? [h("h4", {}, `${text(it.file)}`), view(sources[0]), signs(run, marked.size > 0),
         sources.slice(1).map((source) =>
           h("details", { class: "callee" },
             h("summary", {}, `${source.function == null ? "lines" : `${text(source.function)}(),`} ${source.first}–${lastLine(source)}`),
             view(source)))]
      : h("p", { class: "hint" }, "The source is not in this report."));
  const time = events.length > 0 &&
    h("div", { class: "time-side" }, h("h4", {}, "Events of the smallest scenario"), timeline(events, choose, isShown));
  root.append(h("div", { class: "sides" }, code, time));

  const facts = [];
  if (it.assumes != null) facts.push(["Assumes", text(it.assumes)]);
  if (it.also) facts.push(["Shown through", it.also.map(text).join(", ")]);
  if (text(it.scenario)) facts.push(["Scenario", h("code", {}, text(it.scenario))]);
  root.append(
    h("div", { class: "panels" },
      decisions(events) || "",
      allocations(events) || "",
      facts.length > 0 && h("div", { class: "panel" }, h("h4", {}, "About it"),
        h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])))));
  const picture = data.pictures[it.picture];
  if (picture) {
    const before = it.base ? data.pictures[it.base.picture] : undefined;
    root.append(pictureView(picture, before, data.entries[it.entry].change));
  }
  if (it.base && it.base.trace !== undefined && data.traces[it.base.trace].length > 0) {
    root.append(
      h("details", { class: "words base" },
        h("summary", {}, `The same scenario without the ${data.entries[it.entry].change}`),
        timeline(eventsOf(it.base.trace), null)));
  }
  if (it.replay != null) root.append(h("h4", {}, "Replay"), command(it.replay.map(text).join("")));
  return root;
}

/** Scrolls a box, not the page, so that something in it is seen. */
function within(box, element) {
  const outer = box.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  if (inner.top < outer.top || inner.bottom > outer.bottom) {
    box.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 3;
  }
}

/** Fills what was opened, once. */
function fill(details) {
  if (!details.matches(".finding, .covered, .group") || details.querySelector(":scope > .body")) return;
  const body = h("div", { class: "body" });
  details.append(body);
  if (details.matches(".finding")) {
    body.append(finding(Number(details.id.slice(1))));
    const wrong = body.querySelector(".source tr.wrong");
    if (wrong) within(wrong.closest(".source"), wrong);
  } else if (details.matches(".covered")) {
    body.append(coverage(data.sources[Number(details.dataset.source)]));
  } else {
    body.append(difference(data.compared.groups[Number(details.dataset.group)]));
  }
}

document.addEventListener("toggle", (event) => {
  if (event.target instanceof HTMLDetailsElement && event.target.open) fill(event.target);
}, true);
