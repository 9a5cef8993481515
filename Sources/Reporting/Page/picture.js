// SPDX-License-Identifier: GPL-2.0-only
//
// A picture of memory: tables in columns, the root's first, and arrows from entries to what they point
// to. Sizes are in the picture's own units, one a pixel where it is not scaled.

const letter = 7.3;
const rowHeight = 20;
const gap = 44;
let pictures = 0;

function svg(tag, attributes, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** Words in lines of at most so many letters. */
function wrapped(words, most) {
  const lines = [];
  let line = "";
  for (const word of words.split(" ")) {
    if (line && line.length + word.length + 1 > most) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return line ? [...lines, line] : lines;
}

const range = (entry) =>
  entry.through === undefined || entry.through === null ? `${entry.index}` : `${entry.index}–${entry.through}`;

/** The rows of a box: text, how they look, and the entry that an arrow leaves from. */
function rowsOf(box) {
  const rows = [];
  if (box.wrong) for (const line of wrapped(`✕ ${box.wrong}`, 34)) rows.push({ line, kind: "off" });
  for (const entry of box.entries) {
    rows.push({ line: `${range(entry)}  ${entry.text}`, kind: entry.wrong ? "entry off" : "entry", entry });
    if (entry.wrong) for (const line of wrapped(`✕ ${entry.wrong}`, 34)) rows.push({ line, kind: "off" });
  }
  return rows;
}

const titleOf = (box) => (box.name ? `${box.kind}  ${box.name}` : box.kind);

/** The picture in words, a line for each thing; what is compared and read aloud. */
function inWords(picture) {
  const boxes = new Map(picture.boxes.map((box) => [box.id, box]));
  const lines = [`${picture.start}${picture.root ? "" : ", which leads to nothing that is shown"}`];
  for (const box of picture.boxes) {
    lines.push(`${titleOf(box)}${box.wrong ? `: wrong: ${box.wrong}` : ""}`);
    for (const entry of box.entries) {
      const target = boxes.get(entry.target);
      lines.push(`${box.kind}${box.name ? ` ${box.name}` : ""}, entry ${range(entry)}: ${entry.text}` +
        (target ? `, to ${target.kind}${target.name ? ` ${target.name}` : ""}` : "") +
        (entry.wrong ? `: wrong: ${entry.wrong}` : ""));
    }
  }
  return [...lines, ...picture.wrong.map((words) => `Wrong: ${words}`)];
}

/** Where each box stands. */
function laidOut(picture) {
  const placed = new Map();
  const columns = [...new Set(picture.boxes.map((box) => box.column))].sort((a, b) => a - b);
  let x = 10;
  let height = 60;
  for (const column of columns) {
    // Beside what it starts from no box stands, but where that leads to it.
    const isBeside = x < picture.start.length * letter + (picture.root ? 30 : 150);
    let y = column === columns[0] || isBeside ? 62 : 10;
    let width = 0;
    for (const box of picture.boxes.filter((each) => each.column === column)) {
      const rows = rowsOf(box);
      const most = Math.max(titleOf(box).length, ...rows.map((row) => row.line.length));
      const place = { box, rows, x, y, width: most * letter + 20, height: (rows.length + 1) * rowHeight + 10 };
      placed.set(box.id, place);
      width = Math.max(width, place.width);
      y += place.height + 18;
    }
    for (const place of placed.values()) if (place.box.column === column) place.width = width;
    x += width + gap;
    height = Math.max(height, y);
  }
  return { placed, width: Math.max(x - gap + 12, picture.start.length * letter + 150), height };
}

function arrow(from, to, isOff, marker) {
  const isBack = to.x <= from.x;
  const bend = isBack ? 60 : Math.max(24, (to.x - from.x) / 2);
  return svg("path", {
    class: isOff ? "arrow off" : "arrow", "marker-end": `url(#${marker}${isOff ? "-off" : ""})`,
    d: `M ${from.x} ${from.y} C ${from.x + bend} ${from.y}, ${to.x - bend} ${to.y}, ${to.x - 3} ${to.y}`,
  });
}

function marker(id, isOff) {
  return svg("marker", {
    id, viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "7", markerHeight: "7", orient: "auto",
  }, svg("path", { d: "M 0 0 L 8 4 L 0 8 z", class: isOff ? "head off" : "head" }));
}

/** The picture as SVG; gone: lines of ``inWords`` that the other picture has not. */
function drawn(picture, name, changed) {
  const number = ++pictures;
  const { placed, width, height } = laidOut(picture);
  const words = inWords(picture);
  const id = `picture-${number}`;
  const start = svg("g", { class: "start" },
    svg("rect", { x: 10, y: 10, width: picture.start.length * letter + 16, height: rowHeight + 8 }),
    svg("text", { x: 18, y: 28 }, picture.start));
  const arrows = [];
  const root = placed.get(picture.root);
  if (!root) arrows.push(svg("text", { x: picture.start.length * letter + 36, y: 28, class: "entry" }, "names no table"));
  else if (root.x === 10 && root.y === 62) {
    arrows.push(svg("path", { class: "arrow", "marker-end": `url(#${id})`, d: "M 34 38 V 59" }));
  } else {
    const from = { x: picture.start.length * letter + 26, y: 24 };
    arrows.push(arrow(from, { x: root.x, y: root.y + 14 }, false, id));
  }
  const boxes = [...placed.values()].map((place) => {
    const group = svg("g", { class: place.box.wrong ? "box off" : "box", "data-box": place.box.id },
      svg("rect", { x: place.x, y: place.y, width: place.width, height: place.height }),
      svg("path", { class: "rule", d: `M ${place.x} ${place.y + rowHeight + 6} h ${place.width}` }),
      svg("text", { class: "title", x: place.x + 10, y: place.y + 18 }, titleOf(place.box)));
    let y = place.y + rowHeight + 6;
    for (const row of place.rows) {
      const entry = row.entry;
      if (entry) {
        const isNew = changed && changed.has(`${place.box.id} ${range(entry)} ${entry.text} ${entry.target}`);
        if (isNew) group.append(svg("rect", { class: "changed", x: place.x + 3, y: y + 2, width: place.width - 6, height: rowHeight - 2 }));
      }
      group.append(svg("text", { class: row.kind, x: place.x + 10, y: y + 16 }, row.line));
      const target = entry && placed.get(entry.target);
      if (target) {
        arrows.push(arrow({ x: place.x + place.width, y: y + 12 }, { x: target.x, y: target.y + 14 }, Boolean(entry.wrong), id));
      }
      y += rowHeight;
    }
    return group;
  });
  const notes = picture.wrong.flatMap((sentence) => wrapped(`✕ ${sentence}`, 90));
  const total = height + notes.length * rowHeight + 10;
  const wide = Math.max(width, ...notes.map((note) => note.length * letter + 20));
  return svg("svg", {
    class: wide > 560 ? "picture wide" : "picture", role: "img", "aria-labelledby": `${id}-title ${id}-words`,
    viewBox: `0 0 ${Math.ceil(wide)} ${total}`, width: Math.ceil(wide), height: total,
  },
    svg("title", { id: `${id}-title` }, `${name}: what the processor walks`),
    svg("desc", { id: `${id}-words` }, words.join(". ")),
    svg("defs", {}, marker(id, false), marker(`${id}-off`, true)),
    start, arrows, boxes,
    notes.map((note, index) => svg("text", { class: "off", x: 10, y: height + 14 + index * rowHeight }, note)));
}

const entriesOf = (picture) =>
  new Set(picture.boxes.flatMap((box) => box.entries.map((entry) => `${box.id} ${range(entry)} ${entry.text} ${entry.target}`)));

/** A picture, and before it the base's where there is one. */
function pictureView(after, before, change) {
  const figure = (picture, name, other) => {
    const known = other && entriesOf(other);
    const changed = known && new Set([...entriesOf(picture)].filter((each) => !known.has(each)));
    return h("figure", {},
      h("figcaption", {}, name, changed && changed.size > 0 && h("span", { class: "legend" }, "  ", h("span", { class: "swatch" }), " differs")),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${name}, picture` }, drawn(picture, name, changed)),
      h("details", { class: "words" }, h("summary", {}, "In words"),
        h("ul", {}, inWords(picture).map((line) => h("li", {}, line)))));
  };
  return h("div", { class: "panel pictures" },
    h("h4", {}, "Memory behind the scenario"),
    h("div", { class: "beside" },
      before && figure(before, `before the ${change}`, after),
      figure(after, before ? `after the ${change}` : "as it is", before)));
}
