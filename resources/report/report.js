"use strict";
// Everything shown is made of text nodes and numbers: names from other people's folders are never read as HTML.

const report = JSON.parse(document.getElementById("report").textContent);
const images = report.images.map((row, index) => {
  const [name, truth, answer, probability, margin, entropy, rule, peaks, branches, width, height] = row;
  const right = truth < 0 || !report.known[truth] ? null : truth === answer;
  const others = Object.keys(branches).filter((branch) => branches[branch] !== answer);
  return { index, name, truth, answer, probability, margin, entropy, rule, peaks, branches, others, width, height, right,
    text: [name, report.classes[answer], report.classes[truth] ?? ""].join("\n").toLowerCase() };
});
const WHO = { joint: "Joint", O: "Original", D: "Discriminative", C: "Complementary" };
const COLOURS = { joint: "var(--joint)", O: "var(--o)", D: "var(--d)", C: "var(--c)" };
const palette = bytes(report.palette), diverging = bytes(report.diverging);
const byId = (id) => document.getElementById(id);

function make(tag, attributes, ...children) {
  const svg = ["svg", "circle", "line", "path", "rect"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
const mark = (branch) => make("span", { class: `mark ${branch.toLowerCase()}`, "aria-hidden": "true" });
const barOf = (share, colour) =>
  make("span", { class: "bar-track" }, make("i", { style: { width: `${100 * share}%`, background: colour } }));

function percent(share) {
  if (share >= 0.9995 && share < 1) return "> 99.9 %";
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}
function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
// In the middle, because the end of a file's name tells most.
function shortened(name) {
  const letters = [...name];
  return letters.length > 20 ? `${letters.slice(0, 7).join("")}…${letters.slice(-11).join("")}` : name;
}
function symbol(text) {
  const pieces = text.split(/_(.)/);
  return pieces.map((piece, at) => (at % 2 ? make("sub", null, piece) : piece));
}

// What an image shows stands further down in the file, and may still be on its way.
const parts = new Map();
function part(index) {
  if (!parts.has(index)) {
    const holder = byId(`part-${index}`);
    if (!holder || (document.readyState === "loading" && !holder.nextSibling)) return null;
    if (parts.size > 300) parts.delete(parts.keys().next().value);
    parts.set(index, JSON.parse(holder.textContent));
  }
  return parts.get(index);
}
const source = (data) => `data:image/webp;base64,${data}`;

// Figures

function figureCards() {
  const cards = byId("cards");
  const labelled = report.labelled;
  const first = make("section", { class: "card" }, make("h2", null, labelled ? "Accuracy" : "Images"));
  if (labelled) {
    const [low, high] = report.interval;
    first.append(
      make("p", { class: "figure long" }, report.accuracy),
      make("div", { class: "interval", "aria-hidden": "true" },
        make("i", { style: { left: `${100 * low}%`, width: `${100 * (high - low)}%` } }),
        make("b", { style: { left: `${(100 * report.right) / labelled}%` } })),
      make("p", null, `${report.right} of ${labelled} images correct`),
      make("p", { class: report.seen.fair ? "quiet small" : "note" }, report.seen.sentence),
      make("p", { class: "quiet small end" },
        "In brackets the 95 % interval: the range to expect from other images of this kind."
        + (labelled < images.length ? ` ${images.length - labelled} images have no label, or one that the model does not know.` : "")));
    if (report.unknown_labels) first.append(make("p", { class: "note" }, report.unknown_labels));
  } else {
    first.append(make("p", { class: "figure" }, String(images.length)),
      report.unknown_labels
        ? make("p", { class: "note" }, report.unknown_labels)
        : make("p", { class: "quiet end" }, "No labels: accuracy cannot be computed."));
  }
  const rows = make("div", { class: "branches" });
  for (const [who, share, text] of report.branches)
    rows.append(mark(who), make("span", null, WHO[who]), make("b", null, text), barOf(share, COLOURS[who]));
  cards.append(first, make("section", { class: "card" }, make("h2", null, labelled ? "Accuracy by branch" : "Agreement"), rows,
    make("p", { class: "quiet small end" }, labelled
      ? "Each branch alone. The model's prediction is the joint one."
      : "Share of images on which a branch alone agrees with the joint prediction.")));
  if (labelled) cards.append(confusionCard());
  cards.classList.toggle("three", !labelled);
  cards.append(classCard());
}

function confusionCard() {
  const card = make("section", { class: "card" }, make("h2", null, "Most confused classes"));
  if (!report.confusions.length) {
    card.append(make("p", { class: "quiet" }, "No image is predicted as another class."));
    return card;
  }
  const list = make("div", { class: "scroll" });
  for (const [truth, answer, count] of report.confusions)
    list.append(make("button", { class: "pick", type: "button", "data-pair": `${truth},${answer}`, "aria-pressed": "false",
      onclick: () => choosePair(truth, answer) },
      make("span", { class: "pair" }, make("span", null, report.classes[truth],
        make("span", { class: "quiet" }, " predicted as "), report.classes[answer]), make("b", null, String(count)))));
  card.append(list);
  return card;
}

function classCard() {
  const columns = report.labelled
    ? [["Class", ""], ["Images", "n"], ["Recall", "n"], ["", "n"]]
    : [["Class", ""], ["Predicted images", "n"]];
  const body = make("tbody");
  const ways = [(row) => report.classes[row[0]].toLowerCase(), (row) => row[1], (row) => (row[1] ? row[2] / row[1] : 2)];
  let order = [0, 1];
  const fill = () => {
    const rows = [...report.by_class].sort((one, other) => {
      const [a, b] = [ways[order[0]](one), ways[order[0]](other)];
      return order[1] * (a < b ? -1 : a > b ? 1 : 0);
    });
    body.replaceChildren(...rows.map(([index, count, right, text]) => make("tr", null,
      make("td", null, make("button", { class: "pick", type: "button", "data-class": index,
        "aria-pressed": String(filters.class === index), onclick: () => chooseClass(index) }, report.classes[index])),
      make("td", { class: "n" }, String(count)),
      ...(report.labelled
        ? [make("td", { class: "n" }, text),
          make("td", { class: "n" }, count ? barOf(right / count, "var(--joint)") : "")]
        : []))));
  };
  const head = columns.map(([title, kind], at) => make("th", { class: kind, scope: "col" }, title
    ? make("button", { type: "button", title: "Sort", onclick: () => {
      order = [at, order[0] === at ? -order[1] : 1];
      fill();
    } }, title) : ""));
  fill();
  return make("section", { class: "card" }, make("h2", null, "Classes"),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Classes" },
      make("table", null, make("thead", null, make("tr", null, ...head)), body)));
}

function leftOut() {
  if (!report.left_out.length) return;
  const count = report.left_out.length;
  byId("left-out").append(make("details", { class: "note" },
    make("summary", null, `${count} ${count === 1 ? "image was" : "images were"} left out`),
    make("ul", null, ...report.left_out.map(([name, reason]) => make("li", null, make("b", null, name), `: ${reason}`)))));
}

// Filters

const filters = { text: "", class: -1, pair: null, right: "all", disagree: false, margin: 1, sort: "order" };
const SORTS = [
  ["order", "As in the folder", (a, b) => a.index - b.index],
  ["margin", "Smallest margin first", (a, b) => a.margin - b.margin],
  ["entropy", "Most uncertain first (H)", (a, b) => b.entropy - a.entropy],
  ["probability", "Highest confidence first", (a, b) => b.probability - a.probability],
  ["disagree", "Most disagreement first", (a, b) => b.others.length - a.others.length || a.margin - b.margin],
  ["class", "By class", (a, b) => (a.truth < 0 ? a.answer : a.truth) - (b.truth < 0 ? b.answer : b.truth)],
  ["name", "By name", (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)],
];

function filterBar() {
  const form = byId("filters");
  const used = new Set(images.flatMap((image) => [image.truth, image.answer]));
  form.append(
    make("input", { type: "search", name: "text", placeholder: "File or class ( / )", "aria-label": "Text in file or class",
      spellcheck: "false", autocomplete: "off" }),
    make("select", { name: "class", "aria-label": "Class" }, make("option", { value: -1 }, "All classes"),
      ...report.classes.map((name, index) => (used.has(index) ? make("option", { value: index }, name) : null))));
  if (report.labelled)
    form.append(make("span", { class: "segments", role: "radiogroup", "aria-label": "Correct or wrong" },
      ...[["all", "All"], ["right", "Correct"], ["wrong", "Wrong"]].map(([value, title]) => make("label", null,
        make("input", { type: "radio", name: "right", value, checked: value === "all" }), title))));
  form.append(
    make("label", { class: "tick" }, make("input", { type: "checkbox", name: "disagree" }), "Branches disagree"),
    make("label", null, "Margin ≤", make("input", { type: "range", name: "margin", min: 1, max: 100, value: 100 }),
      make("output", null, "100 %")),
    make("label", null, "Sort", make("select", { name: "sort" },
      ...SORTS.map(([value, title]) => make("option", { value }, title)))),
    make("label", { class: "tick" }, make("input", { type: "checkbox", name: "marks", checked: true }), "Peaks"),
    make("button", { type: "reset", class: "plain" }, "Clear"));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", readFilters);
  form.addEventListener("reset", () => setTimeout(() => { filters.pair = null; readFilters(); }));
}

function readFilters() {
  const form = byId("filters").elements;
  const before = filters.class;
  filters.text = form.text.value.trim().toLowerCase();
  filters.class = Number(form.class.value);
  filters.right = form.right ? form.right.value : "all";
  filters.disagree = form.disagree.checked;
  filters.margin = Number(form.margin.value) / 100;
  filters.sort = form.sort.value;
  if (filters.class !== before) filters.pair = null;
  form.margin.nextElementSibling.textContent = `${form.margin.value} %`;
  byId("grid").classList.toggle("no-marks", !form.marks.checked);
  showImages();
}
function chooseClass(index) {
  byId("filters").elements.class.value = filters.class === index ? -1 : index;
  readFilters();
}
function choosePair(truth, answer) {
  const same = filters.pair && filters.pair[0] === truth && filters.pair[1] === answer;
  byId("filters").elements.class.value = -1;
  readFilters();
  filters.pair = same ? null : [truth, answer];
  showImages();
}

function passes(image) {
  return (!filters.text || image.text.includes(filters.text))
    && (filters.class < 0 || image.truth === filters.class || image.answer === filters.class)
    && (!filters.pair || (image.truth === filters.pair[0] && image.answer === filters.pair[1]))
    && (filters.right === "all" || image.right === (filters.right === "right"))
    && (!filters.disagree || image.others.length > 0)
    && (filters.margin >= 1 || image.margin <= filters.margin);
}

// Images

let shown = images;
const tiles = new Map();
const looker = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting && fillTile(entry.target)) looker.unobserve(entry.target);
}, { rootMargin: "600px" });

function status(image) {
  if (image.right === null) return null;
  return image.right ? make("span", { class: "good", title: "correct" }, "✓") : make("span", { class: "bad", title: "wrong" }, "✗");
}

function tileOf(image) {
  if (!tiles.has(image.index)) {
    const answer = report.classes[image.answer];
    const truth = image.right === false ? report.classes[image.truth] : "";
    const said = image.others.map((branch) => `${branch}: ${report.classes[image.branches[branch]]}`).join(" · ");
    const label = `${answer}, ${percent(image.probability)}${truth ? `, wrong: true class ${truth}` : ""}; ${image.name}`;
    const tile = make("button", { class: "tile", type: "button", "data-index": image.index, "aria-label": label,
      onclick: () => openDetail(image.index) },
      make("span", { class: "pic" }),
      make("span", { class: "text" },
        make("span", { class: "line" }, status(image), make("b", { class: "name", title: answer }, answer)),
        truth ? make("span", { class: "line small bad" }, make("span", { class: "name", title: truth }, `true class: ${truth}`)) : null,
        said ? make("span", { class: "line small quiet" }, make("span", { class: "name", title: said }, said)) : null,
        make("span", { class: "line small quiet" }, make("span", null, percent(image.probability)),
          make("span", { class: "name", title: image.name }, `· ${shortened(image.name.split("/").pop())}`))));
    tiles.set(image.index, tile);
    looker.observe(tile);
  }
  return tiles.get(image.index);
}

function fillTile(tile) {
  const image = images[Number(tile.dataset.index)];
  const data = part(image.index);
  if (!data) return false;
  tile.firstElementChild.replaceChildren(
    make("img", { alt: "", decoding: "async", src: source(data.image) }), marks(image, data.peaks, 1.7));
  return true;
}

function marks(image, peaks, factor) {
  const { width, height } = image;
  const size = factor * Math.min(Math.sqrt(width * height), 3 * Math.min(width, height));
  const edge = size * 0.0035;
  const drawing = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (const [x, y, response, inD, inC] of [...peaks].sort((one, other) => other[2] - one[2])) {
    const place = { cx: x * width, cy: y * height };
    const radius = size * (0.0095 + 0.0175 * response);
    const disc = Math.min(inD, inC) > 0 ? radius * (1 - 0.42 * inC) * Math.sqrt(inD) : radius;
    const ring = Math.max(edge, 0.42 * radius * inC);
    if (inC > 0.005) drawing.append(
      make("circle", { ...place, r: radius, fill: "none", stroke: "#fff", "stroke-width": ring + 2 * edge }),
      make("circle", { ...place, r: radius, fill: "none", stroke: "#0072b2", "stroke-width": ring }));
    if (inD > 0.005) drawing.append(
      make("circle", { ...place, r: disc, fill: "#d55e00", stroke: "#fff", "stroke-width": edge }));
    if (inC <= 0.005 && inD <= 0.005) for (const turn of [1, -1]) for (const [colour, thick] of [["#fff", 4], ["#7a828e", 2]])
      drawing.append(make("line", { x1: place.cx - radius, y1: place.cy - turn * radius, x2: place.cx + radius,
        y2: place.cy + turn * radius, stroke: colour, "stroke-width": thick * edge }));
  }
  return drawing;
}

// The data set's box and key points, and an open diamond around each peak outside the box.
function annotations(image, data) {
  const { width, height } = image;
  const size = Math.min(Math.sqrt(width * height), 3 * Math.min(width, height));
  const edge = size * 0.0035;
  const drawing = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const stroked = (tag, shape, colour, thick) => drawing.append(
    make(tag, { ...shape, fill: "none", stroke: "#000", "stroke-opacity": 0.55, "stroke-width": thick + 1.6 * edge }),
    make(tag, { ...shape, fill: "none", stroke: colour, "stroke-width": thick }));
  if (data.box) {
    const [x, y, wide, high] = data.box;
    stroked("rect", { x: x * width, y: y * height, width: wide * width, height: high * height }, "#ffd27a", 1.6 * edge);
  }
  for (const [x, y] of data.parts) drawing.append(make("circle", { cx: x * width, cy: y * height, r: size * 0.0095,
    fill: "#ffd27a", stroke: "#000", "stroke-width": edge }));
  data.peaks.forEach(([x, y, response], at) => {
    if (!data.outside[at]) return;
    const [cx, cy, r] = [x * width, y * height, 1.35 * size * (0.0095 + 0.0175 * response) + 4 * edge];
    stroked("path", { d: `M${cx} ${cy - r}L${cx + r} ${cy}L${cx} ${cy + r}L${cx - r} ${cy}Z` }, "#fff", 1.6 * edge);
  });
  return drawing;
}

function showImages() {
  shown = images.filter(passes).sort(SORTS.find(([value]) => value === filters.sort)[2]);
  byId("grid").replaceChildren(...shown.map(tileOf));
  const wrong = shown.filter((image) => image.right === false).length;
  byId("count").textContent = shown.length
    ? `${shown.length} of ${images.length} images${report.labelled ? `, ${wrong} of them wrong` : ""}`
    : "No image matches. Clear shows all images again.";
  for (const button of document.querySelectorAll(".pick[data-class]"))
    button.setAttribute("aria-pressed", String(Number(button.dataset.class) === filters.class));
  for (const button of document.querySelectorAll(".pick[data-pair]"))
    button.setAttribute("aria-pressed", String(button.dataset.pair === String(filters.pair)));
}

// One image

const detail = byId("detail");
let opened = -1;

function openDetail(index) {
  const image = images[index], data = part(index);
  if (!data) return;
  opened = index;
  const at = shown.indexOf(image);
  const step = (by, words, sign) => make("button", { class: "plain", type: "button", "aria-label": words, title: words,
    disabled: !shown[at + by], onclick: () => openDetail(shown[at + by].index) }, sign);
  const verdict = image.right === null ? null : make("span", { class: `status ${image.right ? "good" : "bad"}` },
    image.right ? "✓ correct" : `✗ true class: ${report.classes[image.truth]}`);
  const side = make("div", { class: "side" }, ...Object.entries(data.scores).map(([who, best]) => scores(image, who, best)),
    make("dl", { class: "facts small" }, ...[
      ["Margin to the second", percent(image.margin)], ["Entropy of O", `${image.entropy.toFixed(3)} nats`],
      ["Rule of Eq. 3", image.rule], ["Peaks", String(image.peaks)], ["Original", `${image.width} × ${image.height} px`],
    ].flatMap(([term, value]) => [make("dt", { class: "quiet" }, term), make("dd", null, value)])),
    make("p", { class: "quiet small end" }, `${data.view_text} ${data.accuracy} `,
      data.warning ? make("span", { class: "caution" }, data.warning) : ""));
  detail.replaceChildren(
    make("div", { class: "head" },
      make("div", null,
        make("h2", { id: "detail-name" }, report.classes[image.answer], " ",
          make("span", { class: "number" }, percent(image.probability)), " ", verdict),
        make("p", { class: "where" }, image.name), make("p", { class: "quiet" }, data.rule)),
      make("nav", { "aria-label": "Images" }, make("span", { class: "quiet small" }, `${at + 1} of ${shown.length}`),
        step(-1, "Previous image (left arrow)", "←"), step(1, "Next image (right arrow)", "→"),
        make("button", { class: "plain", type: "button", title: "Close (Esc)", onclick: () => detail.close() }, "Close"))),
    make("div", { class: "body", tabindex: "-1" }, make("div", { class: "room" }, make("div", { class: "panes" },
      pane(image, data, "Peaks", "T_d, T_c", "", null), mapPane(image, data, "Discriminative map", "Q_d", "D", "d"),
      branchPane(image, data, "Discriminative image", "D", "D", data.d),
      mapPane(image, data, "Response map", "R", "", "r"), mapPane(image, data, "Complementary map", "Q_c", "C", "c"),
      branchPane(image, data, "Complementary image", "C", "C", data.c)), why(image, data), hiddenPlaces(image, data)), side));
  detail.style.setProperty("--aspect", String(image.width / image.height));
  if (!detail.open) detail.showModal();
  detail.querySelector(".body").focus();
}

// What contributes to the predicted class over its rival: where it is read, and what is relied on where places were hidden.
function why(image, data) {
  if (!data.why) return null;
  const { question, unit, rows, most, total, total_label: totalLabel, sentence, ticks } = data.why;
  const measured = rows.some((row) => row.relied !== null);
  const spot = make("svg", { viewBox: `0 0 ${image.width} ${image.height}`, "aria-hidden": "true" });
  const light = (place) => spot.replaceChildren(...(place ? [["#000", 0.016], ["#fff", 0.008]].map(([colour, thick]) =>
    make("circle", { cx: place[0] * image.width, cy: place[1] * image.height, r: 0.04 * Math.max(image.width, image.height),
      fill: "none", stroke: colour, "stroke-width": thick * Math.max(image.width, image.height) })) : []));
  const bar = (value, kind) => make("span", { class: "signed" }, make("i", { class: `${kind} ${value < 0 ? "against" : "for"}`,
    style: { left: `${50 + 50 * Math.min(value / most, 0)}%`, width: `${50 * Math.abs(value) / most}%` } }));
  const line = (row) => make("tr", { title: row.details, onmouseenter: () => light(row.place), onmouseleave: () => light(null) },
    make("td", null, row.label), make("td", { class: "n" }, row.text), make("td", null, bar(row.value, "read"),
      row.relied === null ? null : bar(row.relied, "relied")),
    ...(measured ? [make("td", { class: row.clear ? "n" : "n quiet" }, row.relied === null ? "–" : row.relied_text)] : []));
  const map = levelCanvas(bytes(data.why.map), data.why.cells, diverging);
  return make("section", { class: "why" },
    make("h3", null, `Why ${question.replace(" over ", " rather than ")}`),
    make("p", { class: "quiet small" }, "Where the logits are read, which is not yet what the model relies on. ", sentence),
    make("div", { class: "why-body" },
      figure("Contributions", unit, "", picture(image, data, "map", make("div", { class: "whole" }, map), spot),
        [scale(ticks, diverging)]),
      make("table", { class: "small" }, make("thead", null, make("tr", null, make("th", { scope: "col" }, "Place"),
        make("th", { class: "n", scope: "col" }, "Read, logits"), make("th", null, ""),
        ...(measured ? [make("th", { class: "n", scope: "col", title: "How much more is lost when the place is hidden than with random "
          + "places of its size; grey: not more than with 95 % of them" }, "Relied on")] : []))),
      make("tbody", null, ...rows.map(line), make("tr", { class: "total" }, make("td", null, totalLabel),
        make("td", { class: "n" }, total), make("td", null, ""), ...(measured ? [make("td", null, "")] : []))))));
}

// What hiding the strongest peaks does, beside random places of the same size.
function hiddenPlaces(image, data) {
  if (!data.hidden) return null;
  const { error, how, places } = data.hidden;
  return make("section", { class: "hidden-places" },
    make("h3", null, "Hidden places"), make("p", { class: "quiet small" }, error ? `None: ${error}` : how),
    make("div", { class: "hidden-row" }, ...places.map(({ place, round, image: pixels, lines }) => {
      const [x, y, wide, high] = [place[0] * image.width, place[1] * image.height, place[2] * image.width, place[3] * image.height];
      const edge = Math.max(image.width, image.height) * 0.006;
      const drawing = make("svg", { viewBox: `0 0 ${image.width} ${image.height}`, "aria-hidden": "true" });
      for (const [colour, thick, dashed] of [["#000", 2 * edge, false], ["#fff", edge, true]]) drawing.append(round
        ? make("circle", { cx: x, cy: y, r: wide / 2, fill: "none", stroke: colour, "stroke-width": thick,
          "stroke-dasharray": dashed && `${3 * edge} ${2 * edge}` })
        : make("rect", { x: x - wide / 2, y: y - high / 2, width: wide, height: high, fill: "none", stroke: colour,
          "stroke-width": thick, "stroke-dasharray": dashed && `${3 * edge} ${2 * edge}` }));
      return make("figure", null,
        make("div", { class: "pane open", style: { aspectRatio: `${image.width} / ${image.height}` } },
          make("img", { alt: "", src: source(pixels) }), drawing),
        make("figcaption", { class: "small" }, make("b", null, lines[0]),
          ...lines.slice(1).map((line) => make("span", { class: "quiet" }, line))));
    })));
}

function scores(image, who, best) {
  const block = make("div", { class: "scores small" },
    make("span", { class: "who" }, mark(who), `${WHO[who]} predicts`));
  for (const [name, probability] of best) {
    const right = image.right !== null && name === report.classes[image.truth];
    block.append(make("span", { class: "name", title: name }, right ? make("span", { class: "good" }, "✓ ") : "", name),
      make("span", { class: "n" }, percent(probability)), barOf(probability, COLOURS[who]));
  }
  return block;
}

function figure(title, sign, branch, content, below) {
  return make("figure", null, make("figcaption", null, branch ? mark(branch) : null, make("b", null, title),
    make("span", { class: "quiet" }, "(", ...symbol(sign), ")")), content, make("div", { class: "below small quiet" }, ...below));
}

const boxOf = ([x0, y0, x1, y1]) => ({
  left: `${100 * x0}%`, top: `${100 * y0}%`, width: `${100 * (x1 - x0)}%`, height: `${100 * (y1 - y0)}%` });

function picture(image, data, kind, ...layers) {
  const [x0, y0, x1, y1] = data.view;
  const all = x0 <= 0 && y0 <= 0 && x1 >= 1 && y1 >= 1;
  const box = boxOf(data.view);
  const content = make("div", { class: `pane ${kind}`, style: { aspectRatio: `${image.width} / ${image.height}` } },
    make("img", { alt: "", src: source(data.image) }));
  for (const layer of layers) {
    if (layer.tagName === "CANVAS") content.append(make("div", { class: "layer", style: boxOf(data.cells_view) }, layer));
    else content.append(layer);
  }
  if (all && kind !== "map") content.classList.add("open");
  if (!all) content.insertBefore(make("div", { class: "seen", style: box }), kind === "map" ? null : content.children[1]);
  return content;
}

function pane(image, data, title, sign, branch) {
  const count = (position) => data.peaks.filter((peak) => peak[position] > 0.005).length;
  const content = picture(image, data, "", annotations(image, data), marks(image, data.peaks, 1));
  const [x0, , , y1] = data.view;
  if (data.labels.length) content.append(make("span", { class: "view-label", style: { left: `${100 * x0}%`,
    [y1 < 0.93 ? "top" : "bottom"]: y1 < 0.93 ? `${100 * y1}%` : `${100 * (1 - y1)}%` } },
    make("span", { class: "long" }, data.labels[0]), make("span", { class: "short" }, data.labels[1])));
  const outside = data.outside.filter(Boolean).length;
  return figure(title, sign, branch, content, [
    make("span", { class: "key" }, mark("D"), make("span", null, `${count(3)} in `, ...symbol("T_d"))),
    make("span", { class: "key" }, mark("C"), make("span", null, `${count(4)} in `, ...symbol("T_c"))),
    data.box ? make("span", { class: "key", title: "outside the annotated box" }, make("span", { class: "diamond" }),
      make("span", null, `${outside} outside the box`)) : ""]);
}

function mapPane(image, data, title, sign, branch, which) {
  return figure(title, sign, branch, picture(image, data, "map", mapCanvas(data, which)), [scale(data.ticks[which], palette)]);
}

function scale(ticks, colours) {
  const ramp = make("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  paint(ramp, Float32Array.from({ length: 256 }, (_, at) => at), colours);
  return make("span", { class: "scale" }, ramp, ...ticks.map(([place, text]) =>
    make("span", { style: { left: `${100 * place}%`, transform: `translateX(${-100 * place}%)` } }, text)));
}

function branchPane(image, data, title, sign, branch, pixels) {
  const [x0, y0, x1, y1] = data.view;
  const content = make("div", { class: "pane", style: { aspectRatio: `${image.width} / ${image.height}` } });
  const wide = (x1 - x0) * image.width, high = (y1 - y0) * image.height;
  const fit = Math.min(image.width / wide, image.height / high);
  const width = (100 * fit * wide) / image.width, height = (100 * fit * high) / image.height;
  content.append(make("img", { alt: title, src: source(pixels), style: {
    width: `${width}%`, height: `${height}%`, left: `${(100 - width) / 2}%`, top: `${(100 - height) / 2}%` } }));
  return figure(title, sign, branch, content, ["what this branch sees"]);
}

function mapCanvas(data, which) {
  return levelCanvas(bytes(data.maps[which]), data.cells, palette);
}

function levelCanvas(levels, [rows, columns], colours) {
  const fine = Math.min(8, Math.max(1, Math.floor(512 / Math.max(rows, columns))));
  const width = (columns - 1) * fine, height = (rows - 1) * fine;
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = (y + 0.5) / fine, top = Math.floor(row), down = row - top;
    for (let x = 0; x < width; x++) {
      const column = (x + 0.5) / fine, left = Math.floor(column), along = column - left;
      const at = top * columns + left;
      const upper = levels[at] * (1 - along) + levels[at + 1] * along;
      const lower = levels[at + columns] * (1 - along) + levels[at + columns + 1] * along;
      values[y * width + x] = upper * (1 - down) + lower * down;
    }
  }
  const canvas = make("canvas", { width, height, style: { opacity: report.opacity } });
  paint(canvas, values, colours);
  return canvas;
}

function paint(canvas, values, colours) {
  const context = canvas.getContext("2d"), pixels = context.createImageData(canvas.width, canvas.height);
  for (let at = 0, to = 0; at < values.length; at++) {
    const colour = 3 * Math.round(values[at]);
    for (let channel = 0; channel < 3; channel++) pixels.data[to++] = colours[colour + channel];
    pixels.data[to++] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

// Keys, printing, and a file that is still coming in

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=checkbox]):not([type=radio]), select");
  if (detail.open) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const next = by && shown[shown.indexOf(images[opened]) + by];
    if (next) { event.preventDefault(); openDetail(next.index); }
  } else if (event.key === "/" && !typing) {
    event.preventDefault();
    byId("filters").elements.text.focus();
  } else if (event.target.matches(".tile") && event.key.startsWith("Arrow")) {
    const columns = getComputedStyle(byId("grid")).gridTemplateColumns.split(" ").length;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    const next = byId("grid").children[[...byId("grid").children].indexOf(event.target) + by];
    if (next) { event.preventDefault(); next.focus(); }
  }
});
detail.addEventListener("click", (event) => { if (event.target === detail) detail.close(); });
detail.addEventListener("close", () => tiles.get(opened)?.focus());
addEventListener("beforeprint", () => { for (const image of shown) fillTile(tileOf(image)); });
document.addEventListener("DOMContentLoaded", () => {
  for (const tile of tiles.values()) { looker.unobserve(tile); looker.observe(tile); }
});

figureCards();
leftOut();
filterBar();
showImages();
