// The motion curve with intervals, the scored moment and the video's position; a slider for pointer and keys.

import {el} from "./dom.js";

const LEFT = 76, RIGHT = 16, TOP = 44, PLOT = 130, GAP = 6, LANE = 18, AXIS = 40;
const MARK_WIDTH = 34;  // px, of the word at a mark
const LANES = {micro: ["micro"], macro: ["macro"], eyes: ["blink", "eyes_closed"], head: ["head"]};
const STEPS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600];

export class Timeline {
  /** box: the element to draw in; seek(s): called when the user chooses a time; choose(interval): when one is clicked. */
  constructor(box, seek, choose) {
    Object.assign(this, {box, seek, choose, position: 0});
    box.style.setProperty("--plot-left", `${LEFT}px`);
    box.parentElement.style.setProperty("--plot-left", `${LEFT}px`);
    box.parentElement.style.setProperty("--plot-right", `${RIGHT}px`);
    this.svg = el("svg", {role: "slider", tabindex: 0, "aria-label": "Position in the clip, on its motion curve"});
    box.replaceChildren(this.svg);
    this.svg.addEventListener("pointerdown", event => { this.svg.setPointerCapture(event.pointerId); this.seekAt(event); });
    this.svg.addEventListener("pointermove", event => event.buttons & 1 && this.seekAt(event));
    this.svg.addEventListener("keydown", event => this.key(event));
    new ResizeObserver(() => this.result && this.draw()).observe(box);
  }

  show(result) {
    this.result = result;
    const {times} = result.curve;
    [this.first, this.last] = [times[0], Math.max(times.at(-1), times[0] + 1e-3)];
    this.draw();
  }

  x(time) { return LEFT + (time - this.first) / (this.last - this.first) * (this.width - LEFT - RIGHT); }

  seekAt(event) {
    const fraction = (event.clientX - this.svg.getBoundingClientRect().left - LEFT) / (this.width - LEFT - RIGHT);
    this.seek(this.first + Math.min(Math.max(fraction, 0), 1) * (this.last - this.first));
  }

  key(event) {
    const {times} = this.result.curve, here = nearest(times, this.position);
    const to = {ArrowRight: here + 1, ArrowUp: here + 1, ArrowLeft: here - 1, ArrowDown: here - 1, PageUp: here + 10, PageDown: here - 10, Home: 0, End: times.length - 1}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.seek(times[Math.min(Math.max(to, 0), times.length - 1)]);
  }

  draw() {
    this.width = Math.max(this.box.clientWidth, 240);
    const {curve, intervals} = this.result;
    const lanes = Object.entries(LANES).filter(([, kinds]) => intervals.some(one => kinds.includes(one.kind)));
    const bottom = TOP + PLOT, height = bottom + GAP + lanes.length * LANE + AXIS, floor = height - AXIS;
    const top = niceTop(curve.strength.reduce((a, b) => Math.max(a, b), 0.1));
    const y = value => bottom - value / top * PLOT;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.svg.setAttribute("height", height);
    this.svg.setAttribute("aria-valuemin", this.first);
    this.svg.setAttribute("aria-valuemax", this.last);
    const parts = [text(LEFT - 66, 15, "motion, % of the inter-ocular distance")];
    for (const value of [0, top / 2, top]) parts.push(line(LEFT, y(value), this.width - RIGHT, y(value), "grid"), text(LEFT - 6, y(value) + 4, Number(value.toPrecision(3)), "end"));
    const step = STEPS_S.find(s => (this.last - this.first) / s <= (this.width - LEFT - RIGHT) / 64) ?? 7200;
    for (let k = Math.ceil(this.first / step - 1e-9); k * step <= this.last + 1e-9; k++) parts.push(line(this.x(k * step), floor, this.x(k * step), floor + 4, "grid"), text(this.x(k * step), floor + 16, Number((k * step).toFixed(3)), "middle"));
    parts.push(text((LEFT + this.width - RIGHT) / 2, height - 7, "time, s", "middle"));
    lanes.forEach(([name, kinds], row) => {
      parts.push(text(LEFT - 6, bottom + GAP + row * LANE + 14, name, "end"));
      for (const one of intervals.filter(i => kinds.includes(i.kind))) parts.push(...this.interval(one, bottom + GAP + row * LANE + 4, bottom));
    });
    parts.push(el("path", {class: "curve", d: this.path(curve, y)}));
    this.marks = {onset: [line(0, TOP - 4, 0, floor, "mark"), text(0, TOP - 6, "onset", "end", "mark-name")], apex: [line(0, TOP - 4, 0, floor, "mark"), text(0, TOP - 6, "apex", "start", "mark-name")]};
    this.playhead = line(0, TOP - 4, 0, floor, "playhead");
    parts.push(...this.marks.onset, ...this.marks.apex, this.playhead);
    this.svg.replaceChildren(...parts);
    if (this.moment) this.mark(...this.moment);
    this.at(this.position);
  }

  interval(one, top, plotBottom) {
    const x = this.x(one.onset_s), width = Math.max(this.x(one.offset_s) - x, 3);
    const lane = el("rect", {class: one.kind, x, y: top, width, height: LANE - 6, rx: 3}, el("title", {}, `${one.kind}, ${one.onset_s.toFixed(2)} to ${one.offset_s.toFixed(2)} s`));
    lane.addEventListener("click", () => this.choose(one));
    const expression = ["micro", "macro"].includes(one.kind);
    return expression ? [el("rect", {class: `${one.kind} band`, x, y: TOP, width, height: plotBottom - TOP}), lane] : [lane];
  }

  /** The curve as a path: the strongest value of each pixel column, broken where the face was out of sight. */
  path({times, strength}, y) {
    const steps = times.slice(1).map((t, i) => t - times[i]).sort((a, b) => a - b), gap = 4 * (steps[steps.length >> 1] ?? 1);
    const columns = [];
    times.forEach((time, i) => {
      const x = Math.round(this.x(time) * 2) / 2, previous = columns.at(-1), broken = i > 0 && time - times[i - 1] > gap;
      if (previous?.x === x && !broken) previous.value = Math.max(previous.value, strength[i]);
      else columns.push({x, value: strength[i], broken: broken || i === 0});
    });
    return columns.map(({x, value, broken}) => `${broken ? "M" : "L"}${x} ${y(value).toFixed(1)}`).join("");
  }

  /** Move the marks of onset and apex, s. */
  mark(onset, apex) {
    this.moment = [onset, apex];
    for (const [name, time, side] of [["onset", onset, onset <= apex ? -1 : 1], ["apex", apex, onset <= apex ? 1 : -1]]) {
      const [rule, label] = this.marks[name], x = this.x(time);
      place(rule, x);
      label.setAttribute("x", side < 0 ? Math.max(x - 4, MARK_WIDTH) : Math.min(x + 4, this.width - MARK_WIDTH));
      label.setAttribute("text-anchor", side < 0 ? "end" : "start");
    }
  }

  /** Move the playhead, s. */
  at(time) {
    this.position = Math.min(Math.max(time, this.first), this.last);
    place(this.playhead, this.x(this.position));
    const {times, numbers} = this.result.curve;
    this.svg.setAttribute("aria-valuenow", this.position.toFixed(3));
    this.svg.setAttribute("aria-valuetext", `${this.position.toFixed(2)} s, frame ${numbers[nearest(times, this.position)]}`);
  }
}

/** Index of the time nearest to `time` in a rising list. */
export function nearest(times, time) {
  let low = 0, high = times.length - 1;
  while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] <= time) low = middle; else high = middle; }
  return time - times[low] <= times[high] - time ? low : high;
}

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 6, 8, 10].map(step => step * power).find(top => top >= value);
}
function line(x1, y1, x2, y2, name) { return el("line", {x1, y1, x2, y2, class: name}); }
function place(rule, x) { rule.setAttribute("x1", x); rule.setAttribute("x2", x); }
function text(x, y, content, anchor, name) { return el("text", {x, y, "text-anchor": anchor, class: name}, String(content)); }
