// SPDX-License-Identifier: GPL-2.0-only
//
// What the page is about, and how elements are made. Text goes in as text, never as markup.
"use strict";
document.documentElement.classList.add("scripted");

const data = JSON.parse(document.getElementById("data").textContent);

/** A text of the data; "" for none. */
const text = (index) => (index === undefined || index === null || index < 0 ? "" : data.texts[index]);

/** An element with attributes and children; those that are null or false are left out. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  return filled(element, attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child instanceof Node || (typeof child === "string" && child !== "")));
  return element;
}

/** The events of a trace as objects. */
function eventsOf(trace) {
  return (data.traces[trace] || []).map(([kind, line, where, callee, detail, thread, block], number) => ({
    number, line, kind: text(kind), function: text(where), callee: text(callee), detail: text(detail),
    thread: text(thread), block: text(block),
  }));
}

/** The lines of a file that a scenario ran; null where nobody looked. */
function linesRun(executed, file) {
  if (executed === undefined || executed === null) return null;
  const lines = new Set();
  for (const part of data.executed[executed]) {
    if (part.file !== file) continue;
    for (let i = 0; i < part.ranges.length; i += 2) {
      for (let line = part.ranges[i]; line <= part.ranges[i + 1]; line++) lines.add(line);
    }
  }
  return lines;
}

const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Tells those who do not see the page what changed on it. */
function say(what) {
  document.getElementById("said").textContent = what;
}
