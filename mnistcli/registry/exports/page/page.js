"use strict";
/* What one sees and touches. Words of a model are set as text, never as markup. */

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("model").textContent), WORDS = JSON.parse(byId("words").textContent);
const model = openModel(data), NAMES = data.class_names, SCALE = byId("canvas").width / CANVAS;
const PICTURE = 3 * SIDE, STEP = 4;
// Of somebody's picture: the pixels of its longer side, and how bright its colours are.
const LONGEST = 480, GREY = [0.299, 0.587, 0.114];

let language = navigator.languages.map((each) => each.slice(0, 2)).find((each) => each in WORDS) || "en";
let strokes = [], canvas = drawn([]), pen = null, isDown = false, pointer = null;
// What the model sees, or the word that says why it sees nothing.
let image = null, problem = "blank", isWaiting = false;
// A picture, with where it lies on the canvas; and how many have been taken, or drawn over.
let picture = null, nTaken = 0;
const kept = [];

/** Return a word of the language with values in it. */
function say(word, values = {}) {
  return WORDS[language][word].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const number = (value) => value.toLocaleString(
  language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
// As elsewhere, never 100 % for less than all, or 0 % for some.
const percent = (share) => (share && share < 0.0005 ? "< " : "")
  + (share % 1 ? Math.min(Math.max(share, 0.001), 0.999) : share).toLocaleString(
    language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });


/* --- drawing -------------------------------------------------------------------------------- */

function start(point) {
  if (!strokes.length) canvas = drawn([]), picture = null;
  nTaken++;
  strokes.push([]);
  goOn(point);
}

function goOn(point) {
  const stroke = strokes.at(-1), here = onCanvas(point);
  drawLine(canvas, stroke.at(-1) || here, here);
  stroke.push(here);
  changed();
}

/** Have strokes, and nothing else, on the canvas. */
function reset(those = []) {
  strokes = those, canvas = drawn(those), picture = null;
  isDown = isWaiting = false, pointer = null;
  nTaken++;
}

function replaceStrokes(those) {
  reset(those);
  changed();
  look();
  tell();
}

/** Answer with the next picture on the screen, once for all that moved until then. */
function changed() {
  paintCanvas();
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => { if (isWaiting) look(); });
}

function paintCanvas() {
  const context = byId("canvas").getContext("2d");
  context.clearRect(0, 0, SCALE * CANVAS, SCALE * CANVAS);
  if (picture) context.drawImage(...picture);
  context.strokeStyle = context.fillStyle = getComputedStyle(byId("canvas")).color;
  context.lineWidth = 2 * SCALE * PEN_RADIUS;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    stroke.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](SCALE * x, SCALE * y));
    if (stroke.length === 1) context.lineTo(SCALE * stroke[0][0], SCALE * stroke[0][1]);
    context.stroke();
  }
  if (!pen) return;
  context.beginPath();
  context.arc(SCALE * pen[0], SCALE * pen[1], SCALE * (PEN_RADIUS + 2), 0, 2 * Math.PI);
  context.lineWidth = SCALE;
  context.strokeStyle = getComputedStyle(byId("canvas")).getPropertyValue(isDown ? "--for" : "--against");
  context.stroke();
}

function pointOf(event) {
  const box = byId("canvas").getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * CANVAS, (event.clientY - box.top) / box.height * CANVAS];
}

byId("canvas").addEventListener("pointerdown", (event) => {
  if (pointer !== null || event.button !== 0) return;
  event.preventDefault();
  event.target.focus({ preventScroll: true });
  event.target.setPointerCapture(event.pointerId);
  pointer = event.pointerId, pen = null, isDown = false;
  start(pointOf(event));
});

byId("canvas").addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  const moves = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const each of moves.length ? moves : [event]) goOn(pointOf(each));
});

for (const end of ["pointerup", "pointercancel"]) {
  byId("canvas").addEventListener(end, (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    look();
    tell();
  });
}

// Or the browser takes strokes for taps, looks for double ones and a magnifier to show.
byId("canvas").addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });

/** Look at a picture that somebody chose, dropped or pasted, in place of a drawing. */
async function take(file) {
  const turn = ++nTaken, found = await createImageBitmap(file).catch(() => null);
  if (turn !== nTaken) return;  // another came meanwhile, or something was drawn
  if (!found) {
    show(null, "no-picture");
    return tell();
  }
  const scale = Math.min(1, LONGEST / Math.max(found.width, found.height));
  const [width, height] = [found.width, found.height].map((side) => Math.max(1, Math.round(scale * side)));
  const context = make("canvas", { width, height }).getContext("2d");
  context.fillStyle = "#fff", context.imageSmoothingQuality = "high";
  context.fillRect(0, 0, width, height);
  context.drawImage(found, 0, 0, width, height);
  reset();
  canvas = greyOf(context.getImageData(0, 0, width, height));
  const larger = SCALE * CANVAS / Math.max(width, height), [w, h] = [larger * width, larger * height];
  picture = [context.canvas, (SCALE * CANVAS - w) / 2, (SCALE * CANVAS - h) / 2, w, h];
  paintCanvas();
  look(() => inkOf(canvas));
  if (problem === "blank") show(null, "no-ink");
  tell();
}

/** Return the luminance of colours, or the channel in which the ink stands out where it does not. */
function greyOf({ width, height, data: colours }) {
  const mixed = (shares) => grid(height, width, (y, x) => (
    sum(shares.map((share, i) => share * colours[4 * (y * width + x) + i]))));
  const contrast = ({ data: levels }) => levels.reduce((most, each) => Math.max(most, each), 0)
    - levels.reduce((least, each) => Math.min(least, each), 255);
  const grey = mixed(GREY), usual = contrast(grey);
  if (usual > 127) return grey;
  const channels = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(mixed), contrasts = channels.map(contrast);
  const clearest = indexOfMax(contrasts);
  return contrasts[clearest] > 2 * usual ? channels[clearest] : grey;
}

byId("picture").addEventListener("click", (event) => { event.target.value = ""; });
byId("picture").addEventListener("change", (event) => take(event.target.files[0]));
addEventListener("dragover", (event) => event.preventDefault());
for (const [kind, dataOf] of [["drop", (event) => event.dataTransfer], ["paste", (event) => event.clipboardData]]) {
  addEventListener(kind, (event) => {
    const [file] = dataOf(event).files;
    if (!file) return;
    event.preventDefault();
    take(file);
  });
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

byId("canvas").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in MOVES) {
    const [x, y] = pen || [CANVAS / 2, CANVAS / 4], [right, down] = MOVES[event.key];
    pen = onCanvas([x + STEP * right, y + STEP * down]);
    if (isDown) goOn(pen);
    else paintCanvas();
  } else if (event.key === " ") {
    pen = pen || [CANVAS / 2, CANVAS / 4], isDown = !isDown;
    if (isDown) start(pen);
    else paintCanvas(), look(), tell();
  } else if (event.key === "Backspace") replaceStrokes(strokes.slice(0, -1));
  else if (event.key === "Delete") replaceStrokes([]);
  else if (/^[0-9]$/.test(event.key)) keep(event.key);
  else return;
  event.preventDefault();
});

byId("undo").addEventListener("click", () => replaceStrokes(strokes.slice(0, -1)));
byId("clear").addEventListener("click", () => replaceStrokes([]));


/* --- the answer, and why ---------------------------------------------------------------------- */

/** Conform what is drawn, or the ink of a picture, and answer. */
function look(inkOn = () => canvas) {
  isWaiting = false;
  try {
    show(conform(inkOn()));
  } catch (error) {
    if (!(error instanceof NoDigit)) throw error;
    show(null, error.message);
  }
}

/** Show an image of 784 levels, what it is taken for, and why; or the word that says why there is none. */
function show(levels, why = "") {
  image = levels, problem = why;
  const seen = model.look(levels || new Uint8Array(SIDE * SIDE));
  const p = levels ? model.probabilities(model.linearScores(seen)) : NAMES.map(() => 0);
  const order = NAMES.map((_, k) => k).sort((a, b) => p[b] - p[a] || a - b);
  byId("answer").textContent = levels ? `${NAMES[order[0]]} · ${percent(p[order[0]])}` : say(problem);
  [...byId("bars").children].forEach((row, k) => {
    row.className = levels && k === order[0] ? "best" : "";
    row.querySelector("i").style.width = `${100 * p[k]}%`;
    row.querySelector(".percent").textContent = levels ? percent(p[k]) : "–";
  });
  paint(byId("seen"), SIDE, (at) => [255, 255, 255, levels ? levels[at] : 0]);
  explain(seen, order, Boolean(levels));
  for (const button of byId("labels").children) button.disabled = !levels;
}

/** Say the answer to those who listen, once a stroke is finished. */
function tell() {
  byId("spoken").textContent = byId("answer").textContent;
}

function explain(seen, order, isThere) {
  const chosen = (id, usual) => (byId(id).value === "" ? usual : Number(byId(id).value));
  const k = chosen("for", order[0]);
  const other = chosen("against", order.find((each) => each !== k));
  const { places, intercept, score } = model.explain(seen, k, other === k ? (k + 1) % NAMES.length : other);
  const largest = places.reduce((most, each) => Math.max(most, Math.abs(each)), 1e-12);
  const [red, blue, ink] = ["--for", "--against", "--quiet"].map(colour);
  paint(byId("reasons"), PICTURE, (at) => {
    const x = at % PICTURE, y = Math.floor(at / PICTURE);
    const level = seen.picture[Math.floor(y / 3) * SIDE + Math.floor(x / 3)] / 255;
    const value = places[seen.placeAt(y / 3) * seen.side + seen.placeAt(x / 3)] / largest;
    if (!isThere) return [0, 0, 0, 0];
    const strength = Math.abs(value) ** 0.6, over = value > 0 ? red : blue;
    const alpha = seen.side === SIDE ? Math.max(0.35 * level, strength) : 0.5 * (level + strength);
    return [...ink.map((each, i) => each + (over[i] - each) * strength), 255 * alpha];
  });
  const isPair = data.is_pairwise && NAMES.length > 2;
  const word = seen.isBent ? "sentence-bent" : isPair ? "sentence-pair" : "sentence";
  const times = Math.exp(Math.min(score, 700));
  byId("sentence").textContent = isThere ? say(word, {
    k: NAMES[k], other: NAMES[other === k ? (k + 1) % NAMES.length : other],
    times: times.toLocaleString(language, { maximumSignificantDigits: 3 }),
    score: number(score), start: number(intercept), reasons: number(score - intercept),
  }) : "";
}

/** Return a colour of the style sheet as [red, green, blue]. */
function colour(name) {
  const digits = getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1);
  return [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16));
}

/** Fill a square canvas with [red, green, blue, alpha] for each of its pixels. */
function paint(element, side, colourAt) {
  if (element.width !== side) element.width = element.height = side;
  const pixels = new ImageData(side, side);
  for (let at = 0; at < side * side; at++) pixels.data.set(colourAt(at), 4 * at);
  element.getContext("2d").putImageData(pixels, 0, 0);
}

for (const id of ["for", "against"]) byId(id).addEventListener("change", () => show(image, problem));


/* --- collecting ------------------------------------------------------------------------------ */

function keep(label) {
  if (!image) return;
  const group = data.groups.findIndex((digits) => digits.includes(label));
  const p = model.probabilities(model.linearScores(model.look(image)));
  kept.push({ label, image, isKnown: group >= 0, isRight: group === indexOfMax(p) });
  replaceStrokes([]);
  listKept();
  byId("canvas").focus({ preventScroll: true });
}

function listKept() {
  byId("kept").replaceChildren(...kept.map((each) => {
    const picture = make("canvas", { ariaHidden: "true" });
    paint(picture, SIDE, (at) => [255, 255, 255, each.image[at]]);
    const button = make("button", { ariaLabel: say("remove", { digit: each.label }) }, picture,
      make("span", { textContent: `${each.label} ×` }));
    button.addEventListener("click", () => {
      kept.splice(kept.indexOf(each), 1);
      listKept();
    });
    return button;
  }));
  const known = kept.filter((each) => each.isKnown);
  byId("count").textContent = say(kept.length ? "count" : "count-none",
    { n: kept.length, known: known.length, right: known.filter((each) => each.isRight).length });
  byId("download").disabled = !kept.length;
}

/** Write kept digits as Kaggle does: a label and 784 pixels in each row. */
function csv() {
  const head = ["label", ...Array.from({ length: SIDE * SIDE }, (_, i) => `pixel${i}`)];
  return [head, ...kept.map(({ label, image: levels }) => [label, ...levels])].map((row) => `${row}\n`).join("");
}

byId("download").addEventListener("click", () => {
  const address = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  make("a", { href: address, download: "digits.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  for (const each of kept) each.isSaved = true;
});

addEventListener("beforeunload", (event) => { if (kept.some((each) => !each.isSaved)) event.preventDefault(); });


/* --- examples, weights, words ----------------------------------------------------------------- */

function listExamples() {
  const truth = Number(byId("class").value);
  for (const [id, isRight] of [["right", true], ["wrong", false]]) {
    const those = data.examples.filter((each) => each.truth === truth && (each.answer === truth) === isRight);
    byId(id).replaceChildren(...those.map((each) => exampleButton(each)));
    if (!those.length) byId(id).replaceChildren(make("span", { textContent: say("none") }));
  }
  byId("examples").hidden = !data.examples.length;
}

/** Make a button that shows an example as if it had been drawn. */
function exampleButton({ truth, answer, image: source }) {
  const words = say("example", { truth: NAMES[truth], answer: NAMES[answer] });
  const shown = make("img", { src: source, alt: words, width: SIDE, height: SIDE });
  const caption = truth === answer ? NAMES[truth] : `${NAMES[truth]} → ${NAMES[answer]}`;
  const button = make("button", {}, shown, make("span", { textContent: caption, ariaHidden: "true" }));
  button.addEventListener("click", () => {
    const context = make("canvas", { width: SIDE, height: SIDE }).getContext("2d");
    context.drawImage(shown, 0, 0, SIDE, SIDE);
    const { data: colours } = context.getImageData(0, 0, SIDE, SIDE);
    reset();
    paintCanvas();
    show(Uint8Array.from({ length: SIDE * SIDE }, (_, i) => colours[4 * i]));
    tell();
    byId("canvas").scrollIntoView({ block: "start" });
  });
  return button;
}

/** Draw the weights of pixels, all on one scale, or the patches, each on its own. */
function listWeights() {
  const hasFilters = data.filters.length > 0, pictures = [];
  if (hasFilters) {
    for (const { side, ...array } of data.filters) {
      const all = decoded(array);
      for (let at = 0; at < all.length; at += side * side) {
        const values = all.subarray(at, at + side * side);
        pictures.push([values, side, say("patch", { n: pictures.length + 1 }), largestOf(values)]);
      }
    }
  } else {
    const largest = largestOf(model.arrays.coef), pairs = pairsOf(NAMES.length);
    for (let row = 0; row < model.nOutputs; row++) {
      const isPair = data.is_pairwise || NAMES.length === 2, [other, k] = isPair ? pairs[row] : [0, row];
      const words = say(isPair ? "weight-against" : "weight-for", { k: NAMES[k], other: NAMES[other] });
      pictures.push([model.weightsOf(row), SIDE, words, largest]);
    }
  }
  const [red, blue] = ["--for", "--against"].map(colour);
  byId("what").textContent = say(hasFilters ? "patches" : "weights");
  byId("weights").className = pictures.length > 10 ? "digits" : "digits few";
  byId("weights").replaceChildren(...pictures.map(([values, side, words, largest]) => {
    const picture = make("canvas", { role: "img", ariaLabel: words });
    paint(picture, side, (at) => [...(values[at] > 0 ? red : blue), 255 * Math.abs(values[at] / largest) ** 0.7]);
    return make("figure", {}, picture, hasFilters ? "" : make("span", { textContent: words }));
  }));
}

const largestOf = (values) => values.reduce((most, each) => Math.max(most, Math.abs(each)), 1e-300);

/** Write everything that is in a language. */
function translate() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  byId("task").textContent = say("task", { classes: NAMES.join(", ") });
  byId("seen").ariaLabel = say("sees");
  byId("reasons").ariaLabel = say("reasons");
  for (const [id, usual] of [["for", "the-answer"], ["against", "the-next"], ["class", null]]) {
    const before = byId(id).value, options = NAMES.map((name, k) => make("option", { value: k, textContent: name }));
    if (usual) options.unshift(make("option", { value: "", textContent: say(usual) }));
    byId(id).replaceChildren(...options);
    byId(id).value = before || options[0].value;
  }
  byId("labels").replaceChildren(...[..."0123456789"].map((digit) => {
    const button = make("button", { textContent: digit, ariaLabel: say("keep-as", { digit }) });
    button.addEventListener("click", () => keep(digit));
    return button;
  }));
  listKept();
  listExamples();
  listWeights();
  paintCanvas();
  show(image, problem);
}

byId("bars").append(...NAMES.map((name) => make("li", {}, make("span", { textContent: name }),
  make("span", { className: "bar" }, make("i")), make("span", { className: "percent" }))));
byId("language").append(...Object.entries(WORDS).map(([value, { name }]) => make("option", { value, textContent: name })));
byId("language").value = language;
byId("language").addEventListener("change", (event) => { language = event.target.value, translate(); });
byId("class").addEventListener("change", listExamples);
byId("card").textContent = JSON.stringify(data.card, null, 2);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", translate);
translate();
document.documentElement.dataset.ready = "";
