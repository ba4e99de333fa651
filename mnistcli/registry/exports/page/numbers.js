"use strict";
/* From a drawing to an answer, without anything of a browser.

   Each function does what Python's of about the same name does; the tests compare their answers.
   A grid is {height, width, data}, its numbers row by row. Ink is 0 for paper and 1 for a stroke. */

const SIDE = 28, BOX = 20, CENTRE = 14;

// A drawing has so many pixels a side: as many as pictures are searched with, so none is left out.
const CANVAS = 160, PEN_RADIUS = 6;
// Of a picture: how wide a stroke may be, for its longer side, and what stands out from the paper,
// of which so many times its noise.
const PAPER_REACH = 1 / 6, LEAST_CONTRAST = 24, NOISE = 0.15, MIN_SIGNAL_TO_NOISE = 6;

const f32 = Math.fround;
const clip = (value, low, high) => Math.min(Math.max(value, low), high);
const sum = (values) => values.reduce((total, each) => total + each, 0);
const indexOfMax = (values) => values.indexOf(values.reduce((a, b) => Math.max(a, b)));

/** Return the product of a vector with as many numbers of another, from one of them on. */
function product(vector, others, first = 0) {
  let total = 0;
  for (let i = 0; i < vector.length; i++) total += vector[i] * others[first + i];
  return total;
}

/** Round as Python does: halves to even. */
function rounded(value) {
  const up = Math.floor(value + 0.5);
  return up - value === 0.5 && up % 2 ? up - 1 : up;
}

function grid(height, width, at, kind = Float32Array) {
  const data = new kind(height * width);
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) data[i] = at(y, x);
  return { height, width, data };
}

function transposed({ height, width, data }) {
  const out = new data.constructor(data.length);
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++) out[x * height + y] = data[i++];
  return { height: width, width: height, data: out };
}

const mapped = (a, change) => ({ ...a, data: a.data.map(change) });
const levelAt = (a, y, x) => (y < 0 || x < 0 || y >= a.height || x >= a.width ? 0 : a.data[y * a.width + x]);


/* --- the drawing ---------------------------------------------------------------------------- */

/** Keep a point so far from the border that no ink touches it. */
function onCanvas([x, y]) {
  const margin = PEN_RADIUS + 2;
  return [clip(x, margin, CANVAS - margin), clip(y, margin, CANVAS - margin)];
}

/** Draw strokes, lists of points [x, y], with a round pen; levels from 0 to 255. */
function drawn(strokes) {
  const canvas = grid(CANVAS, CANVAS, () => 0, Uint8Array);
  for (const stroke of strokes) {
    stroke.forEach((point, i) => drawLine(canvas, stroke[Math.max(0, i - 1)], point));
  }
  return canvas;
}

function drawLine(canvas, [x0, y0], [x1, y1]) {
  const dx = x1 - x0, dy = y1 - y0, squared = Math.max(dx * dx + dy * dy, 1e-12);
  const reach = PEN_RADIUS + 1;
  for (let y = Math.floor(Math.min(y0, y1) - reach); y <= Math.max(y0, y1) + reach; y++) {
    for (let x = Math.floor(Math.min(x0, x1) - reach); x <= Math.max(x0, x1) + reach; x++) {
      const along = clip(((x + 0.5 - x0) * dx + (y + 0.5 - y0) * dy) / squared, 0, 1);
      const distance = Math.hypot(x + 0.5 - x0 - along * dx, y + 0.5 - y0 - along * dy);
      const level = Math.round(255 * clip(PEN_RADIUS + 0.5 - distance, 0, 1)), at = y * CANVAS + x;
      if (level > canvas.data[at]) canvas.data[at] = level;
    }
  }
}


/** Return what stands out from the paper of a picture, be it light or dark; levels from 0 to 255. */
function inkOf(grey) {
  const { height, width, data } = grey, reach = Math.ceil(PAPER_REACH * Math.max(height, width));
  const rim = data.filter((_, at) => at < width || at >= data.length - width || at % width % (width - 1) === 0);
  const [low, high] = [Math.min, Math.max].map((most) => data.reduce((a, b) => most(a, b)));
  const isLight = 2 * rim.sort()[rim.length >> 1] > low + high, negative = (a) => mapped(a, (level) => -level);
  const light = isLight ? grey : negative(grey);
  const closed = (a, far) => negative(windowMax(negative(windowMax(a, far)), far));
  // Paper that darkens towards the border goes on: windows that no stroke fills may stick out.
  const far = 2 * reach, inside = (at, side) => clip(at - far, 0, side - 1);
  const outer = closed(grid(height + 2 * far, width + 2 * far, (y, x) => (
    light.data[inside(y, height) * width + inside(x, width)]
  )), far);
  const inner = closed(light, reach);
  const ink = grid(height, width, (y, x) => {
    const at = y * width + x, paper = outer.data[(y + far) * outer.width + x + far];
    return Math.min(inner.data[at], paper) - light.data[at];
  });
  const strongest = ink.data.reduce((a, b) => Math.max(a, b));
  // Neighbours share their shading: what they differ by, where most do, is noise.
  const steps = ink.data.map((level, at) => (at % width ? Math.abs(level - ink.data[at - 1]) : 0)).sort();
  const noise = 1.05 * steps[steps.length >> 1];
  if (strongest < Math.max(LEAST_CONTRAST, MIN_SIGNAL_TO_NOISE * noise)) throw new NoDigit("blank");
  return mapped(ink, (level) => (level < NOISE * strongest ? 0 : 255 * level / strongest));
}


/* --- conforming: mnistcli/conforming, as much of it as a clean canvas needs ------------------ */

const FAINTEST_INK = 0.05, DARK = 0.4, SPECK = 0.02;
const REACH = 0.12, SMALL_REACH = 0.25, DIGIT_HEIGHT = 0.35, SEVERAL = 4;
const HALF_AREA = 0.4, HALF_HEIGHT = 0.8, HALF_BESIDE = 0.6, HALF_WIDTH = 1.3;
const HALF_REACH = [0.16, 0.27], LEAST_HALF = 0.5;
const STACK_REACH = 0.3, STACK_HEIGHT = 1.35, STACKED_PAIR = [0.25, 0.6];
const FILLED_SQUARE = 0.62, WIDEST_DIGIT = 2.5, ONE_STROKE = 1.1;
const FINE = 4 * BOX, HAIRLINE = 1.15, HAIRLINE_TARGET = 1.65, HAIRLINE_LEVEL = 0.35;
const MARKER = 4.4, MARKER_TARGET = 3.2;
const SHARP_EDGE = 0.95, SHARPENING = 0.85;
const PHASES = [0, 0.125, -0.125, 0.25, -0.25, 0.375, -0.375, 0.5];

/** What no digit can be found in; its message is a word of the dictionary. */
class NoDigit extends Error {}

/** Bring a drawing of one digit into the form of MNIST: 784 levels; raise NoDigit without one. */
function conform(canvas) {
  const ink = mapped({ ...canvas, data: new Float32Array(canvas.data) }, (level) => level / 255);
  const found = piecesOf(mapped(ink, (level) => level > FAINTEST_INK));
  weigh(found, ink);
  const most = Math.max(...found.pieces.map((piece) => piece.mass));
  const kept = found.pieces.filter((piece) => piece.mass >= SPECK * most && piece.peak >= DARK);
  if (!kept.length) throw new NoDigit("blank");
  const groups = grouped(found, kept).filter((group) => !isFilled(found, group, ink));
  if (!groups.length) throw new NoDigit("filled");
  if (groups.length > 1 || areTouching(found, groups[0])) throw new NoDigit("several");
  const digit = withReadableStrokes(cutOut(ink, maskOf(found, groups[0].members)));
  const small = scaledToBox(digit), strongest = small.data.reduce((a, b) => Math.max(a, b));
  return centred(mapped(small, (level) => rounded(255 / strongest * level)));
}

/** Find the 8-connected pieces of a mask: the number of its piece for each pixel, and their boxes. */
function piecesOf(mask) {
  const { height, width } = mask, labels = new Int32Array(height * width).fill(-1), pieces = [];
  for (let first = 0; first < labels.length; first++) {
    if (!mask.data[first] || labels[first] >= 0) continue;
    const index = pieces.length, inside = [first];
    const piece = { index, first, top: height, bottom: 0, left: width, right: 0, area: 0 };
    labels[first] = index;
    while (inside.length) {
      const at = inside.pop(), y = Math.floor(at / width), x = at % width;
      piece.area += 1;
      piece.top = Math.min(piece.top, y), piece.bottom = Math.max(piece.bottom, y + 1);
      piece.left = Math.min(piece.left, x), piece.right = Math.max(piece.right, x + 1);
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          if (mask.data[v * width + u] && labels[v * width + u] < 0) {
            labels[v * width + u] = index;
            inside.push(v * width + u);
          }
        }
      }
    }
    pieces.push(piece);
  }
  return { height, width, labels, pieces };
}

function weigh(found, ink) {
  for (const piece of found.pieces) piece.mass = piece.peak = 0;
  found.labels.forEach((label, at) => {
    if (label < 0) return;
    const piece = found.pieces[label];
    piece.mass += ink.data[at];
    piece.peak = Math.max(piece.peak, ink.data[at]);
  });
}

function maskOf(found, members) {
  return { ...found, data: found.labels.map((label) => (members.includes(label) ? 1 : 0)) };
}

const heightOf = (box) => box.bottom - box.top;
const widthOf = (box) => box.right - box.left;
const longestOf = (box) => Math.max(heightOf(box), widthOf(box));

function joined(a, b) {
  return {
    top: Math.min(a.top, b.top), bottom: Math.max(a.bottom, b.bottom),
    left: Math.min(a.left, b.left), right: Math.max(a.right, b.right),
    area: a.area + b.area, members: [...a.members, ...b.members],
  };
}

/** Join pieces that are close or lie as the parts of a digit do. */
function grouped(found, kept) {
  const alone = kept.map((piece) => ({ ...piece, members: [piece.index] }));
  if (alone.length === 1) return alone;
  const usual = usualHeight(kept);
  let groups = joinedIfClose(found, alone, Math.max(1, rounded(REACH / 2 * usual)));
  if (groups.length >= SEVERAL) {
    const isHigh = (group) => heightOf(group) > STACK_HEIGHT * usual;
    const parts = (group) => alone.filter((piece) => group.members.includes(piece.index));
    groups = groups.flatMap((group) => (isHigh(group) ? parts(group) : [group]));
  }
  const isLarge = (group) => heightOf(group) >= DIGIT_HEIGHT * usual;
  const large = joinedParts(groups.filter(isLarge), usual);
  const small = groups.filter((group) => !isLarge(group)).sort((a, b) => b.area - a.area);
  for (const each of small) {
    const far = large.map((other) => Math.max(...gap(each, other)));
    const nearest = far.indexOf(Math.min(...far)), [across] = gap(each, large[nearest]);
    const isDash = widthOf(each) > 2 * heightOf(each) && across < 0;
    if (far[nearest] < SMALL_REACH * usual && (across <= 0 || large.length === 1 || isDash)) {
      large[nearest] = joined(large[nearest], each);
    }
  }
  return large;
}

/** Return the height that half of the ink reaches or exceeds. */
function usualHeight(pieces) {
  const ordered = [...pieces].sort((a, b) => heightOf(a) - heightOf(b));
  let rest = sum(pieces.map((piece) => piece.area)) / 2;
  return heightOf(ordered.find((piece) => (rest -= piece.area) <= 0));
}

function joinedIfClose(found, alone, reach) {
  const near = piecesOf(windowMax(maskOf(found, alone.flatMap((piece) => piece.members)), reach));
  const groups = [];
  for (const piece of alone) {
    const at = near.labels[piece.first];
    groups[at] = groups[at] ? joined(groups[at], piece) : piece;
  }
  return groups;
}

/** Return how far apart two are across and down; negative where they overlap. */
function gap(a, b) {
  const across = Math.max(a.left, b.left) - Math.min(a.right, b.right);
  return [across, Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom)];
}

/** Join groups of pieces that are one digit whose strokes are broken. */
function joinedParts(groups, usual) {
  const left = [...groups].sort((a, b) => a.area - b.area), done = [];
  while (left.length) {
    const part = left.shift(), isPair = left.length + done.length === 1;
    const i = left.findIndex((other) => areParts(part, other, usual, isPair));
    if (i < 0) done.push(part);
    else left[i] = joined(part, left[i]);
  }
  return done;
}

function areParts(light, heavy, usual, isPair) {
  const [across, down] = gap(light, heavy), both = joined(light, heavy);
  const height = heightOf(both), width = widthOf(both), [narrow, wide] = STACKED_PAIR;
  if (width > HALF_WIDTH * height) return false;
  if (-2 * across >= Math.min(widthOf(light), widthOf(heavy))) {
    if (isPair && !(narrow * height <= width && width <= wide * height)) return true;
    const highest = Math.max(usual, heightOf(heavy), heightOf(light));
    return down < STACK_REACH * usual && height <= STACK_HEIGHT * highest;
  }
  return across < HALF_REACH[Number(isPair)] * usual
    && light.area < HALF_AREA * heavy.area
    && heightOf(light) < HALF_HEIGHT * heightOf(heavy)
    && heightOf(light) > LEAST_HALF * heightOf(heavy)
    && -down > heightOf(light) * HALF_BESIDE;
}

/** Tell a blot from strokes by the largest square in it. */
function isFilled(found, group, ink) {
  const longest = longestOf(group);
  if (group.area < FILLED_SQUARE ** 2 * longest ** 2) return false;
  const mask = maskOf(found, group.members), sides = new Float32Array(mask.data.length);
  let largest = 0;
  mask.data.forEach((is, at) => {
    if (!is || ink.data[at] <= 0.5) return;
    const before = [sides[at - 1], sides[at - mask.width], sides[at - mask.width - 1]];
    sides[at] = 1 + Math.min(...before);
    largest = Math.max(largest, sides[at]);
  });
  return largest > FILLED_SQUARE * longest;
}

/** Tell several digits that touch from one, and from a stroke from left to right. */
function areTouching(found, group) {
  if (widthOf(group) <= WIDEST_DIGIT * heightOf(group)) return false;
  const mask = maskOf(found, group.members);
  const starts = mask.data.filter((is, at) => is && !(at >= mask.width && mask.data[at - mask.width]));
  const n = Math.max(1, rounded(widthOf(group) / heightOf(group) / 0.9));
  return starts.length > ONE_STROKE * widthOf(group) && n > 1;
}

/** Cut strokes and their surroundings out, with the box of the strokes to a fraction of a pixel. */
function cutOut(ink, strokes) {
  const { top, bottom, left, right } = joinedBox(piecesOf(strokes).pieces);
  const pixel = Math.max(bottom - top, right - left) / BOX, reach = Math.max(1, rounded(pixel));
  const y0 = Math.max(0, top - 2 * reach), x0 = Math.max(0, left - 2 * reach);
  const height = Math.min(ink.height, bottom + 2 * reach) - y0;
  const width = Math.min(ink.width, right + 2 * reach) - x0;
  const near = (a) => grid(height, width, (y, x) => a.data[(y0 + y) * a.width + x0 + x]);
  const inked = near(ink), own = near(strokes), zone = windowMax(own, reach);
  const box = halfLevelBox(mapped(inked, (level, i) => own.data[i] * level), pixel);
  return { ink: mapped(inked, (level, i) => zone.data[i] * level), box };
}

function joinedBox(pieces) {
  return pieces.map((piece) => ({ ...piece, members: [] })).reduce(joined);
}

/** Find where ink begins and ends: where it has half the level that it has a little further in. */
function halfLevelBox(strokes, pixel) {
  const rows = profileOf(strokes), columns = profileOf(transposed(strokes));
  const end = (profile) => profile.length - halfLevelStart([...profile].reverse(), pixel);
  return {
    top: halfLevelStart(rows, pixel), bottom: end(rows),
    left: halfLevelStart(columns, pixel), right: end(columns),
  };
}

function profileOf({ height, width, data }) {
  return Array.from({ length: height }, (_, y) => Math.max(...data.subarray(y * width, (y + 1) * width)));
}

function halfLevelStart(profile, pixel) {
  const start = profile.findIndex((level) => level > FAINTEST_INK);
  const level = Math.max(...profile.slice(start, start + Math.max(1, rounded(pixel)))) / 2;
  const i = profile.findIndex((each, at) => at >= start && each >= level);
  const before = i ? profile[i - 1] : 0;
  return i - 0.5 + (level - before) / (profile[i] - before);
}

/** Widen a hairline that would vanish at 20 pixels, thin a marker that would fill the loops. */
function withReadableStrokes(digit) {
  const [width, edgeWidth] = widths(digit);
  if (HAIRLINE <= width && width <= MARKER) return { ...digit, edgeWidth };
  const isHairline = width < HAIRLINE, share = (isHairline ? HAIRLINE_TARGET : MARKER_TARGET) / BOX;
  const side = 8 * BOX, fine = fineOf(digit, side);
  const strongest = Math.max(...profileOf(fine)) * (isHairline ? HAIRLINE_LEVEL : 1);
  const radius = rounded((share * side - 8 * width) / (2 * (1 - share))), pad = Math.abs(radius) + 1;
  let ink = grid(fine.height + 2 * pad, fine.width + 2 * pad, (y, x) =>
    clip(levelAt(fine, y - pad, x - pad) / strongest, 0, 1));
  if (radius > 0) ink = grown(ink, radius);
  else ink = mapped(grown(mapped(ink, (level) => -level), -radius), (level) => -level);
  const changed = { ink, box: halfLevelBox(ink, side / BOX) };
  return { ...changed, edgeWidth: widths(changed)[1] };
}

/** Return the maximum over an octagon: over a square, and then over what crosses add. */
function grown(ink, radius) {
  const square = rounded(0.6 * radius), { height, width } = ink;
  let { data } = windowMax(ink, square);
  for (let i = square; i < radius; i++) {
    const before = data;
    data = before.slice();
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        if (y > 0 && before[at - width] > data[at]) data[at] = before[at - width];
        if (y < height - 1 && before[at + width] > data[at]) data[at] = before[at + width];
        if (x > 0 && before[at - 1] > data[at]) data[at] = before[at - 1];
        if (x < width - 1 && before[at + 1] > data[at]) data[at] = before[at + 1];
      }
    }
  }
  return { height, width, data };
}

/** Return the maximum over a square window that reaches so far to every side. */
function windowMax(a, reach) {
  const down = ({ height, width, data }) => {
    for (let done = 0, step; done < reach; done += step) {
      step = Math.min(2 * done + 1, reach - done);  // windows that meet make a larger one
      const from = data;
      data = from.slice();
      for (let y = 0, at = 0; y < height; y++) {
        const above = Math.max(y - step, 0) * width, below = Math.min(y + step, height - 1) * width;
        for (let x = 0; x < width; x++, at++) {
          const level = Math.max(from[above + x], from[below + x]);
          if (level > data[at]) data[at] = level;
        }
      }
    }
    return { height, width, data };
  };
  return transposed(down(transposed(down(a))));
}

/** Estimate the mean width of strokes, and that of their edges, in MNIST's pixels. */
function widths(digit) {
  const ink = fineOf(digit, FINE);
  let outline = 0;
  for (let y = -1; y < ink.height; y++) {
    for (let x = -1; x < ink.width; x++) {
      const here = levelAt(ink, y, x);
      outline += Math.hypot(levelAt(ink, y + 1, x) - here, levelAt(ink, y, x + 1) - here);
    }
  }
  outline *= FINE / BOX;
  return [2 * sum(ink.data) / outline, 6 * sum(ink.data.map((v) => v * (1 - v))) / outline];
}

/** Resample a digit so that its longest side has so many pixels. */
function fineOf({ ink, box }, longest) {
  const size = (side) => Math.max(1, rounded(side * longest / longestOf(box)));
  const rows = averaged(ink, box.top, box.bottom, size(heightOf(box)));
  const columns = averaged(transposed(rows), box.left, box.right, size(widthOf(box)));
  return mapped(transposed(columns), (level) => clip(level, 0, 1));
}

/** Average rows from one place to another down to n; edges are rounded as Python's are. */
function averaged({ height, width, data }, start, stop, n) {
  const step = f32((stop - start) / n), out = grid(n, width, () => 0);
  for (let i = 0; i < n; i++) {
    const low = f32(f32(start) + f32(step * i)), high = f32(f32(start) + f32(step * (i + 1)));
    for (let y = Math.max(0, Math.floor(low)); y < Math.min(height, high); y++) {
      const share = f32(Math.min(high, y + 1) - Math.max(low, y)) * n / (stop - start);
      for (let x = 0; x < width; x++) out.data[i * width + x] += share * data[y * width + x];
    }
  }
  return out;
}

/** Average a digit down to 20x20 so that its longest side fills the box, as sharply as it goes. */
function scaledToBox({ ink, box, edgeWidth }) {
  const isScaled = Math.abs(longestOf(box) - BOX) > 0.5;
  const gain = isScaled ? SHARPENING * Math.max(0, edgeWidth - SHARP_EDGE) : 0;
  const half = longestOf(box) / 2, isTall = heightOf(box) >= widthOf(box);
  let y = (box.top + box.bottom) / 2, x = (box.left + box.right) / 2;
  if (!isTall) [ink, y, x] = [transposed(ink), x, y];
  const room = half - Math.min(heightOf(box), widthOf(box)) / 2;
  const rows = transposed(averaged(ink, y - half, y + half, BOX));
  const choices = PHASES.map((phase) => {
    const at = x + clip(phase * 2 * half / BOX, -room, room);
    const small = transposed(averaged(rows, at - half, at + half, BOX));
    return grid(BOX, BOX, (v, u) => {
      const level = levelAt(small, v, u);
      const near = levelAt(small, v - 1, u) + levelAt(small, v + 1, u) + levelAt(small, v, u - 1)
        + levelAt(small, v, u + 1);
      return clip(level + gain * (level - near / 4), 0, 1);
    });
  });
  const best = choices[indexOfMax(choices.map((choice, i) =>
    sum(choice.data.map((level) => level * level)) * 1.001 ** -i))];
  return isTall ? best : transposed(best);
}

/** Paste into 28x28 so that the centre of mass rounds to (14, 14). */
function centred(small) {
  const { top, bottom, left, right } = joinedBox(piecesOf(small).pieces);
  const inside = grid(bottom - top, right - left, (y, x) => levelAt(small, top + y, left + x));
  const offset = (a) => {
    const mass = profileOf(mapped(a, (level) => level)).map((_, y) =>
      sum(a.data.subarray(y * a.width, (y + 1) * a.width)));
    const centre = sum(mass.map((each, y) => each * y)) / sum(mass);
    return clip(Math.ceil(CENTRE - 0.5 - centre), 0, SIDE - a.height);
  };
  const down = offset(inside), across = offset(transposed(inside));
  return grid(SIDE, SIDE, (y, x) => levelAt(inside, y - down, x - across), Uint8Array).data;
}


/* --- features: mnistcli/features -------------------------------------------------------------
   A stage takes what was seen so far, at first an image, and the settings of the model. It returns
   the features, the picture that they were taken of, of how many places a side, at which place a
   pixel is, across or down, and a function that takes weights of the features to what there is of
   them at each place. */

const STAGES = {
  pixels: (seen) => seen,
  deskew: (seen) => asTheyAre(straightened(seen.features).map(rounded)),
  patches,
  scattering,
  arrangements,
  expansion,
};

function asTheyAre(image) {
  return {
    features: image, picture: image, side: SIDE, placeAt: Math.floor,
    atPlaces: (weights) => weights.map((weight, i) => weight * image[i]),
  };
}

const STEEPEST = 1.5, STANDARD_WIDTH = 7.1, STANDARD_HEIGHT = 10;
const WIDTHS = [0.3, 1.2], HEIGHTS = [0.5, 1.1];
const THRESHOLD = 0.4, STRIDE = 2, SQUARE = 8, NEARNESS = 2, PAPER = 0.05;
const N_DIRECTIONS = 6, N_SCALES = 3, FRAME = 32, MARGIN = 2, WAVES = 12, WAVELET_WIDTH = 0.8;
const CODE_SIDE = 3, CODE_POINTS = 4, CODE_THRESHOLD = 0.3;

/** Where the ink of an image is: means, variances and covariance of its coordinates. */
function moments(image) {
  const total = (value) => {
    let all = 0;
    image.forEach((level, i) => { if (level) all += level * value(i % SIDE, Math.floor(i / SIDE)); });
    return all;
  };
  const ink = Math.max(total(() => 1), 1);
  const meanX = f32(total((x) => x) / ink), meanY = f32(total((_, y) => y) / ink);
  return {
    meanX, meanY,
    varX: f32(total((x) => (x - meanX) ** 2) / ink),
    covXY: f32(total((x, y) => (x - meanX) * (y - meanY)) / ink),
    varY: f32(total((_, y) => (y - meanY) ** 2) / ink),
  };
}

const slantOf = (at) => clip(f32(at.covXY / Math.max(at.varY, 0.5)), -STEEPEST, STEEPEST);

/** Interpolate an image at places that a function gives for each pixel; outside there is no ink. */
function sampled(image, placeOf) {
  const level = (x, y) => (x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : image[y * SIDE + x]);
  return Float32Array.from(image, (_, i) => {
    const place = placeOf(i % SIDE, Math.floor(i / SIDE));
    const x = f32(clip(place.x, -1, SIDE) + 1), y = f32(clip(place.y, -1, SIDE) + 1);
    const left = Math.floor(x), top = Math.floor(y), right = x - left, low = y - top;
    const row = (v) => f32(
      f32(level(left - 1, v) * f32(1 - right)) + f32(level(left, v) * right));
    return f32(row(top - 1) * f32(1 - low)) + f32(row(top) * low);
  });
}

/** Shear an image along its rows until its ink stands upright. */
function straightened(image) {
  const at = moments(image), slant = slantOf(at);
  return sampled(image, (x, y) => ({ x: f32(x + f32(slant * f32(y - at.meanY))), y }));
}

/** Straighten, centre, bring closer to a standard size. */
function normalised(image) {
  const at = moments(image), slant = slantOf(at), middle = (SIDE - 1) / 2;
  const halfWay = (variance, standard, limits) =>
    clip(f32(Math.sqrt(f32(f32(Math.sqrt(Math.max(variance, 0.5))) / f32(standard)))), ...limits.map(f32));
  const straight = f32(at.varX - f32(slant * f32(f32(2 * at.covXY) - f32(slant * at.varY))));
  const width = halfWay(straight, STANDARD_WIDTH, WIDTHS);
  const height = halfWay(at.varY, STANDARD_HEIGHT, HEIGHTS);
  return sampled(image, (x, y) => {
    const down = f32(height * (y - middle));
    return { x: f32(f32(at.meanX + f32(width * (x - middle))) + f32(slant * down)), y: f32(at.meanY + down) };
  });
}

/** How much of which typical patch is near each of 6 x 6 points, as bytes. */
function patches({ features: image }, { sides, n_points: nPoints, arrays }) {
  const picture = normalised(image), ink = picture.map((level) => level / 255);
  const found = sides.flatMap((side) => likeness(ink, side, arrays[`filters${side}`], nPoints));
  const features = Uint8Array.from(found, (each, i) =>
    Math.min(f32(f32(f32(each) * arrays.factors[i]) + 0.5), 255));
  const nFilters = features.length / sides.length / nPoints ** 2;
  const pointOf = (i) => Math.floor(i / nFilters) % nPoints ** 2;
  return nearPoints(features, picture, nPoints, pointOf);
}

/** What is seen of a picture near points, by the point of each feature. */
function nearPoints(features, picture, nPoints, pointOf) {
  const atPlaces = (weights) => {
    const places = new Float64Array(nPoints ** 2);
    weights.forEach((weight, i) => { places[pointOf(i)] += weight * features[i]; });
    return places;
  };
  // The middle squares of the first and last point are 4 pixels from the border.
  const step = (SIDE - SQUARE) / (nPoints - 1);
  const placeAt = (pixel) => clip(Math.round((pixel - SQUARE / 2) / step), 0, nPoints - 1);
  return { features, picture, side: nPoints, placeAt, atPlaces };
}

/** Compare every second patch with filters, add up over squares, average near points. */
function likeness(ink, side, filters, nPoints) {
  const nPlaces = SIDE / STRIDE, reach = (side - 1) / 2, area = side * side;
  const nFilters = filters.length / area, places = new Float32Array(nPlaces ** 2 * nFilters);
  const patch = new Float32Array(area), picture = { height: SIDE, width: SIDE, data: ink };
  for (let place = 0; place < nPlaces ** 2; place++) {
    const top = STRIDE * Math.floor(place / nPlaces) - reach, left = STRIDE * (place % nPlaces) - reach;
    let total = 0, power = 0;
    for (let i = 0; i < area; i++) {
      const level = levelAt(picture, top + Math.floor(i / side), left + i % side);
      patch[i] = level, total += level, power += level * level;
    }
    if (!power) continue;
    const contrast = f32(Math.sqrt(Math.max(power - total * total / area, 0) + PAPER));
    for (let k = 0; k < nFilters; k++) {
      const like = f32(product(patch, filters, k * area));
      places[place * nFilters + k] = Math.max(f32(like / contrast) - THRESHOLD, 0);
    }
  }
  const across = SQUARE / STRIDE, nSquares = nPlaces - across + 1;
  const squares = pooled(places, nPlaces, nFilters, nSquares, (square) => [square, square + across - 1]);
  const step = (nSquares - 1) / (nPoints - 1), near = NEARNESS / STRIDE;
  const limits = (point) => [Math.max(0, Math.ceil(step * point - near)),
    Math.min(nSquares - 1, Math.floor(step * point + near))];
  return [...pooled(squares.map(Math.sqrt), nSquares, nFilters, nPoints, limits, true)];
}

/** Add up, or average, maps of shape (n, n, nFilters) over ranges of both axes: (m, m, nFilters). */
function pooled(maps, n, nFilters, m, rangeOf, isMean = false) {
  const out = new Float32Array(m * m * nFilters);
  for (let i = 0; i < m * m; i++) {
    const [top, bottom] = rangeOf(Math.floor(i / m)), [left, right] = rangeOf(i % m);
    const count = isMean ? (bottom - top + 1) * (right - left + 1) : 1;
    for (let k = 0; k < nFilters; k++) {
      let total = 0;
      for (let y = top; y <= bottom; y++) {
        for (let x = left; x <= right; x++) total += maps[(y * n + x) * nFilters + k];
      }
      out[i * nFilters + k] = total / count;
    }
  }
  return out;
}

/** Moduli of wavelets, once and twice, averaged near points, and their square roots as bytes. */
function scattering({ features: image }, { n_points: nPoints, arrays: { factors } }) {
  const picture = normalised(image), { frame, spectrum } = framed(picture);
  const maps = [[frame, FRAME]];
  for (let scale = 0; scale < N_SCALES; scale++) {
    const side = FRAME >> scale, strokes = moduli(spectrum, FRAME, scale);
    const changes = strokes.map((map) => fourier([map, new Float32Array(side ** 2)], side, -1));
    maps.push(...strokes.map((map) => [map, side]));
    for (let wider = scale + 1; wider < N_SCALES; wider++) {
      for (const each of changes) {
        maps.push(...moduli(each, side, wider).map((map) => [map, FRAME >> wider]));
      }
    }
  }
  const numbers = maps.flatMap(([map, side]) => averagesNear(map, side, nPoints)).map(Math.sqrt);
  const features = Uint8Array.from(numbers, (each, i) => Math.min(f32(f32(each * factors[i]) + 0.5), 255));
  return nearPoints(features, picture, nPoints, (i) => i % nPoints ** 2);
}

/** How like typical arrangements of strokes a digit is near points, as bytes. */
function arrangements({ features: image }, { n_codes: nCodes, arrays }) {
  const { axes, middle, codes, factors } = arrays, nAxes = middle.length;
  const picture = normalised(image), { spectrum } = framed(picture), side = FRAME / 2;
  const fine = moduli(spectrum, FRAME, 0).map((map) => Array.from({ length: side ** 2 }, (_, i) => {
    const at = 2 * Math.floor(i / side) * FRAME + 2 * (i % side);
    return (map[at] + map[at + 1] + map[at + FRAME] + map[at + FRAME + 1]) / 4;
  }));
  const maps = [...fine, ...moduli(spectrum, FRAME, 1)].map((map) => Array.from(map, Math.sqrt));
  const across = side - CODE_SIDE + 1, none = new Float32Array(side ** 2);
  const alike = Array.from({ length: nCodes }, () => none.slice());
  for (let place = 0; place < across ** 2; place++) {
    const first = Math.floor(place / across) * side + place % across;
    const strokes = maps.flatMap((map) => Array.from({ length: CODE_SIDE ** 2 }, (_, i) =>
      map[first + Math.floor(i / CODE_SIDE) * side + i % CODE_SIDE]));
    const along = Array.from(middle, (start, k) => product(strokes, axes, k * strokes.length) - start);
    const length = Math.sqrt(product(along, along) + PAPER);
    alike.forEach((map, code) => {
      map[first + side + 1] = Math.max(product(along, codes, code * nAxes) / length - CODE_THRESHOLD, 0);
    });
  }
  const averages = alike.map((map) => averagesNear(map, side, CODE_POINTS));
  const features = Uint8Array.from(factors, (factor, i) => Math.min(
    f32(f32(Math.sqrt(averages[i % nCodes][Math.floor(i / nCodes)]) * factor) + 0.5), 255));
  return nearPoints(features, picture, CODE_POINTS, (i) => Math.floor(i / nCodes));
}

/** A picture in the middle of paper, and its spectrum. */
function framed(picture) {
  const frame = grid(FRAME, FRAME, (y, x) =>
    levelAt({ height: SIDE, width: SIDE, data: picture }, y - MARGIN, x - MARGIN) / 255).data;
  return { frame, spectrum: fourier([frame, new Float32Array(FRAME ** 2)], FRAME, -1) };
}

/** The discrete Fourier transform of n x n complex numbers; the inverse, too, divides by nothing. */
function fourier(numbers, n, sign) {
  const angles = Array.from({ length: n }, (_, k) => sign * 2 * Math.PI * k / n);
  const cos = angles.map(Math.cos), sin = angles.map(Math.sin);
  const ofRows = ([real, imaginary]) => {
    const out = [new Float64Array(n * n), new Float64Array(n * n)];
    for (let y = 0; y < n; y++) {
      for (let k = 0; k < n; k++) {
        let re = 0, im = 0;
        for (let x = 0; x < n; x++) {
          const a = real[y * n + x], b = imaginary[y * n + x], at = k * x % n;
          re += a * cos[at] - b * sin[at], im += a * sin[at] + b * cos[at];
        }
        out[0][k * n + y] = re, out[1][k * n + y] = im;
      }
    }
    return out;
  };
  return ofRows(ofRows(numbers));
}

/** Filter a map of so many places a side by each wavelet of a scale. */
function moduli([real, imaginary], side, scale) {
  const n = FRAME >> scale, waves = WAVES / 2 ** scale, modulo = (k) => (k % side + side) % side;
  const width = 2 * Math.PI / FRAME * WAVELET_WIDTH * 2 ** scale;
  return Array.from({ length: N_DIRECTIONS }, (_, direction) => {
    const angle = Math.PI / N_DIRECTIONS * direction, cos = Math.cos(angle), sin = Math.sin(angle);
    const window = [new Float64Array(n * n), new Float64Array(n * n)];
    for (let i = 0; i < n * n; i++) {
      const y = rounded(waves * sin) - n / 2 + Math.floor(i / n), x = rounded(waves * cos) - n / 2 + i % n;
      const along = cos * x + sin * y, across = cos * y - sin * x;
      const bell = (start) => Math.exp(-(width ** 2) / 2 * ((along - start) ** 2 + 4 * across ** 2));
      const level = bell(waves) - Math.exp(-(width ** 2) / 2 * waves ** 2) * bell(0);
      const at = modulo(y) * side + modulo(x);
      window[0][i] = real[at] * level / side ** 2, window[1][i] = imaginary[at] * level / side ** 2;
    }
    const [re, im] = fourier(window, n, 1);
    return re.map((each, i) => Math.hypot(each, im[i]));
  });
}

/** Average a map near every point by a bell. */
function averagesNear(map, side, nPoints) {
  const width = WAVELET_WIDTH * 2 ** (N_SCALES - 1), step = (SIDE - SQUARE) / (nPoints - 1);
  const weights = Array.from({ length: nPoints }, (_, point) => {
    const middle = MARGIN + (SQUARE - 1) / 2 + step * point;
    const bell = Array.from({ length: side }, (_, i) =>
      Math.exp(-((i * FRAME / side - middle) ** 2) / (2 * width ** 2)));
    return bell.map((each) => each / sum(bell));
  });
  const rows = weights.map((bell) => Array.from({ length: side }, (_, x) =>
    bell.reduce((total, weight, y) => total + weight * map[y * side + x], 0)));
  return rows.flatMap((row) => weights.map((bell) =>
    bell.reduce((total, weight, x) => total + weight * row[x], 0)));
}

const RAMP = 80, SQUARED = 25;

/** Ramps and squares of random mixtures of the principal directions of a first stage. */
function expansion(seen, settings) {
  const { n_relus: nRamps, n_directions: n, arrays: { directions, shift } } = settings;
  const m = nRamps + settings.n_squares, nColumns = directions.length / n;
  const { mixture, offset } = settings.mixed ||= mixed(n, m, nRamps);
  const z = shift.map((start, d) => f32(product(seen.features, directions, d * nColumns)) - start);
  const s = new Float64Array(m);
  for (let d = 0; d < n; d++) for (let j = 0; j < m; j++) s[j] += z[d] * mixture[d * m + j];
  const values = Float32Array.from(s, (each, j) =>
    (j < nRamps ? Math.max(f32(each) + offset[j], 0) : f32(each) ** 2));
  const slopes = values.map((value, j) =>
    (value <= 0 || value >= 255 ? 0 : j < nRamps ? 1 : 2 * s[j]));
  // To the first order: what a little more of each feature of the first stage changes.
  const atPlaces = (weights) => {
    const changes = weights.map((weight, j) => weight * slopes[j]), below = new Float64Array(nColumns);
    for (let d = 0; d < n; d++) {
      let change = 0;
      for (let j = 0; j < m; j++) change += mixture[d * m + j] * changes[j];
      for (let i = 0; i < nColumns; i++) below[i] += change * directions[d * nColumns + i];
    }
    return seen.atPlaces(below);
  };
  const features = Uint8Array.from(values, (value) => f32(Math.min(value, 255) + 0.5));
  return { ...seen, features, atPlaces, isBent: true };
}

/** What several chains of stages see, one after the other; the places are those of the first. */
function beside(parts) {
  if (parts.length === 1) return parts[0];
  const [first] = parts, starts = [0];
  for (const { features } of parts) starts.push(starts.at(-1) + features.length);
  const features = new Uint8Array(starts.at(-1));
  parts.forEach((part, k) => features.set(part.features, starts[k]));
  const atPlaces = (weights) => {
    const all = new Float64Array(first.side ** 2);
    parts.forEach((part, k) => {
      const own = part.atPlaces(weights.slice(starts[k], starts[k + 1])), counts = new Float64Array(own.length);
      const each = (visit) => {
        for (let y = 0; y < SIDE; y++) {
          for (let x = 0; x < SIDE; x++) {
            visit(...[part, first].map(({ placeAt, side }) => placeAt(y) * side + placeAt(x)));
          }
        }
      };
      each((place) => { counts[place] += 1; });
      each((place, target) => { all[target] += own[place] / counts[place]; });
    });
    return all;
  };
  return { ...first, features, atPlaces, isBent: parts.some((part) => part.isBent) };
}

/** Return the random numbers that are the same everywhere, which no model holds. */
function mixed(n, m, nRamps) {
  const mixture = new Float32Array(n * m).map((_, i) => {
    const normal = f32((bytesOf(2 * i) + bytesOf(2 * i + 1) - 1020) / f32(209.02153));
    return normal * (i % m < nRamps ? RAMP : SQUARED ** 0.5);
  });
  const offset = new Float32Array(nRamps).map((_, j) => RAMP * (bitsOf(2 ** 31 + j) / 2 ** 32 - 0.5));
  return { mixture, offset };
}

function bytesOf(counter) {
  const bits = bitsOf(counter);
  return (bits & 255) + (bits >>> 8 & 255) + (bits >>> 16 & 255) + (bits >>> 24);
}

/** Return 32 bits that look random for a counter: the finaliser of MurmurHash3. */
function bitsOf(counter) {
  let bits = Math.imul(counter + 1, 0x9e3779b1);
  bits = Math.imul(bits ^ bits >>> 16, 0x85ebca6b);
  bits = Math.imul(bits ^ bits >>> 13, 0xc2b2ae35);
  return (bits ^ bits >>> 16) >>> 0;
}


/* --- the model: mnistcli/linear_model ---------------------------------------------------------- */

const LEAST_PROBABILITY = 1e-12;

function decoded({ dtype, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return dtype === "f8" ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
}

/** Make the model of the page's data: what it answers to an image of 784 levels, and why. */
function openModel(data) {
  const nClasses = data.class_names.length, chains = data.features.chains.map((kind) => kind.split("+"));
  const unknown = chains.flat().find((stage) => !(stage in STAGES));
  if (unknown) throw new Error(`this page does not know features of the kind ${unknown}`);
  const arrays = Object.fromEntries(
    Object.entries(data.arrays).map(([name, array]) => [name, decoded(array)]));
  const ofChain = (first) => Object.fromEntries(Object.entries(arrays)
    .filter(([name]) => name.startsWith(`${first}.`)).map(([name, array]) => [name.slice(first.length + 1), array]));
  const { coef, intercept } = arrays, nFeatures = coef.length / intercept.length;
  const settings = chains.map(([name]) => ({ ...data.features, arrays: chains.length > 1 ? ofChain(name) : arrays }));
  const look = (image) => beside(chains.map((stages, k) =>
    stages.reduce((seen, stage) => STAGES[stage](seen, settings[k]), asTheyAre(image))));
  const weightsOf = (row) => coef.subarray(row * nFeatures, (row + 1) * nFeatures);

  function linearScores({ features }) {
    return Array.from(intercept, (start, row) => start + data.scale * product(features, weightsOf(row)));
  }

  /** The probability of every class. */
  function probabilities(scores) {
    if (data.is_pairwise && nClasses > 2) return coupled(scores, nClasses);
    const all = nClasses === 2 ? [0, scores[0]] : scores, most = Math.max(...all);
    const powers = all.map((score) => Math.exp(score - most));
    return powers.map((power) => power / sum(powers));
  }

  /** Which rows speak for class k against another, each with its sign. */
  function rowsOf(k, other) {
    const sign = k > other ? 1 : -1;
    if (nClasses === 2) return [[0, sign]];
    if (!data.is_pairwise) return [[k, 1], [other, -1]];
    return [[pairsOf(nClasses).findIndex(([i, j]) => i === Math.min(k, other) && j === Math.max(k, other)), sign]];
  }

  /** The logarithm of how many times more probable class k is, taken apart by place. */
  function explain(seen, k, other) {
    const weights = new Float64Array(nFeatures), scores = linearScores(seen);
    let score = 0;
    for (const [row, sign] of rowsOf(k, other)) {
      score += sign * scores[row];
      weightsOf(row).forEach((weight, i) => { weights[i] += sign * data.scale * weight; });
    }
    const places = seen.atPlaces(weights);
    return { places, intercept: score - sum(places), score };
  }

  return { look, linearScores, probabilities, explain, weightsOf, rowsOf, arrays, nOutputs: intercept.length };
}

function pairsOf(nClasses) {
  const pairs = [];
  for (let i = 0; i < nClasses; i++) for (let j = i + 1; j < nClasses; j++) pairs.push([i, j]);
  return pairs;
}

/** Turn the scores of all pairs into probabilities of the classes (Wu, Lin and Weng 2004). */
function coupled(scores, n) {
  const r = Array.from({ length: n }, () => new Float64Array(n));
  pairsOf(n).forEach(([i, j], row) => {
    const second = clip(1 / (1 + Math.exp(-scores[row])), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY);
    const first = clip(1 / (1 + Math.exp(scores[row])), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY);
    r[i][j] = first, r[j][i] = second;
  });
  const system = r.map((of, i) => [
    ...Array.from(of, (each, j) => (i === j ? sum(r.map((row) => row[i] ** 2)) : -each * r[j][i])), 1, 0]);
  const p = solved([...system, [...Array(n).fill(1), 0, 1]]).slice(0, n);
  const positive = p.map((each) => Math.max(each, LEAST_PROBABILITY));
  return positive.map((each) => each / sum(positive));
}

/** Solve linear equations by elimination with pivots; a row holds its right side last. */
function solved(rows) {
  const n = rows.length, a = rows.map((row) => [...row]);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i][k]) > Math.abs(a[pivot][k])) pivot = i;
    [a[k], a[pivot]] = [a[pivot], a[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = a[i][k] / a[k][k];
      for (let j = k; j <= n; j++) a[i][j] -= factor * a[k][j];
    }
  }
  const x = Array(n).fill(0);
  for (let k = n - 1; k >= 0; k--) {
    x[k] = (a[k][n] - sum(x.map((value, j) => (j > k ? a[k][j] * value : 0)))) / a[k][k];
  }
  return x;
}
