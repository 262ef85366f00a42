// The result of the current clip: video, timeline, sliders, intervals, pictures, numbers, downloads.

import * as api from "./api.js";
import {$, el, fail, say} from "./dom.js";
import {drawSummary, drawTables, KINDS} from "./summary.js";
import {nearest, Timeline} from "./timeline.js";
import {drawAnnotation, setUpVideo, showVideo} from "./video.js";

const RESCORE_MS = 250;
const PICTURES = {
  arrows: "Arrows show where the skin moved from onset to apex; their length is stated in the picture.",
  flow: "The same motion as colours: hue is direction, white is rest.",
  strain: "How much the skin is stretched or sheared.",
};
const SAVES = {"report.html": "Report with film", "intervals.csv": "Intervals (CSV)", "intervals.eaf": "Intervals (ELAN)", "frames.csv": "Frames (CSV)", "timeline.png": "Timeline picture", "moment.mp4": "Film of the moment", "score.json": "Score (JSON)"};
const STRENGTH_UNITS = {micro: "%", macro: "%", head: "°"};  // of the inter-ocular distance; of the eyes otherwise
const dark = matchMedia("(prefers-color-scheme: dark)");
let clip = null, result = null, timeline = null, picture = "arrows", waiting = null, n_requests = 0;

export function setUpResult(settings, refresh) {
  timeline = new Timeline($("timeline"), seek, chooseInterval);
  setUpVideo(time => result && timeline.at(time), refresh);
  $("bundle").replaceChildren(...settings.bundles.map(name => el("option", {value: name}, name)));
  dark.addEventListener("change", () => result && drawPicture());
  $("bundle-row").hidden = settings.bundles.length < 2;
  $("bundle").addEventListener("change", () => rescore(result.score.onset, result.score.apex, $("bundle").value));
  $("choices").replaceChildren(...Object.keys(PICTURES).map(name => el("button", {type: "button", "data-picture": name, onclick: () => { picture = name; drawPicture(); }}, name)));
  for (const name of ["onset", "apex"]) {
    $(name).addEventListener("input", () => moved(name));
    $(name).addEventListener("keydown", event => stepSlider(event, name));
  }
}

export function hideResult() {
  $("result").hidden = true;
  clip = result = null;
  showVideo(null);
}

/** Show the result of `entry`, a clip in the server's list; fetches it only if it is new. */
export async function showResult(entry) {
  const known = clip?.key === entry.key && clip.analysis === entry.analysis;
  if (!known || clip.version !== entry.version) accept(await api.result(entry.key), !known);
  showVideo(entry);
  if (drawAnnotation(entry)) save($("annotate"), "annotated.mp4", "Annotated video");
}

function accept(answer, isNew) {
  clip = answer;
  result = answer.result;
  $("result").hidden = false;
  $("bundle").value = clip.bundle;
  $("face").replaceChildren(...Array.from({length: Math.max(result.n_faces, clip.face)}, (_, i) => el("option", {value: i + 1}, i ? `${i + 1}` : "1, the largest")));
  $("face").value = clip.face;
  $("face-row").hidden = result.n_faces < 2 && clip.face < 2;
  timeline.show(result);
  if (isNew) {
    drawIntervals();
    const {times} = result.curve;
    for (const name of ["onset", "apex"]) { $(name).min = times[0]; $(name).max = times.at(-1); }
  }
  for (const name of ["onset", "apex"]) setSlider(name, result.curve.numbers.indexOf(result.score[name]));
  drawMoment();
  drawSummary(result);
  drawTables(result);
  drawPicture();
  for (const name of ["onset", "apex"]) $(`${name}-face`).src = address(`${name}.png`);
  $("film").poster = address("moment.png");
  $("film").src = address("moment.mp4") + "&show";
  $("downloads").replaceChildren(...Object.entries(SAVES).filter(([name]) => clip.files.includes(name)).map(([name, text]) => el("button", {class: "button", onclick: event => save(event.target, name, text)}, text)));
}

function address(name) { return `/api/clips/${clip.key}/files/${name}?version=${clip.version}`; }

function drawPicture() {
  $("motion").hidden = !result.score.regions.length;  // the two faces do not compare
  if ($("motion").hidden) return;
  for (const button of $("choices").children) button.setAttribute("aria-pressed", button.dataset.picture === picture);
  $("picture").src = address(`${picture}${dark.matches ? "-dark" : ""}.png`);
  $("picture").alt = `Motion from onset to apex as ${picture}. Most: ${result.score.regions[0].name}.`;
  $("picture-caption").textContent = PICTURES[picture];
}

function drawIntervals() {
  $("intervals").replaceChildren(...result.intervals.map(one => el("tr", {},
    el("td", {}, el("i", {class: `dot ${one.kind}`}), el("button", {"aria-label": `Show the ${KINDS[one.kind] ?? one.kind} at ${one.onset_s.toFixed(2)} seconds`, onclick: () => chooseInterval(one)}, KINDS[one.kind] ?? one.kind)),
    ...["onset_s", "apex_s", "offset_s"].map(name => el("td", {class: "n"}, one[name].toFixed(2))),
    el("td", {class: "n"}, `${one.strength.toFixed(1)} ${STRENGTH_UNITS[one.kind] ?? "% closed"}`),
    el("td", {}, one.label || "–"))));
  $("no-intervals").hidden = result.intervals.length > 0;
  $("intervals").closest("table").hidden = !result.intervals.length;
}

function chooseInterval(one) {
  seek(one.onset_s);
  rescore(one.onset, one.apex);
}

function seek(time) {
  $("video").currentTime = Math.max(time, 0) + 1e-3;  // a little into the frame, so that it and not the one before is shown
  timeline.at(time);
}

// Sliders run over time, so that they line up with the axis; keys go from frame to frame.
const position = name => nearest(result.curve.times, Number($(name).value));

function setSlider(name, index) {
  const {times, numbers} = result.curve;
  $(name).value = times[index];
  $(name).setAttribute("aria-valuetext", `frame ${numbers[index]}, ${times[index].toFixed(3)} seconds`);
}

function stepSlider(event, name) {
  const step = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10}[event.key];
  if (!step) return;
  event.preventDefault();
  $(name).value = result.curve.times[Math.min(Math.max(position(name) + step, 0), result.curve.times.length - 1)];
  moved(name);
}

function moved(name) {
  setSlider(name, position(name));
  drawMoment();
  seek(result.curve.times[position(name)]);
  clearTimeout(waiting);
  const [onset, apex] = ["onset", "apex"].map(one => result.curve.numbers[position(one)]);
  waiting = setTimeout(() => rescore(onset, apex), RESCORE_MS);
}

function drawMoment() {
  const {times, numbers} = result.curve, [onset, apex] = ["onset", "apex"].map(position);
  timeline.mark(times[onset], times[apex]);
  $("moment").textContent = `Onset: frame ${numbers[onset]}, ${times[onset].toFixed(3)} s. Apex: frame ${numbers[apex]}, ${times[apex].toFixed(3)} s.`;
  [...$("intervals").children].forEach((row, i) => {
    if (result.intervals[i].apex === numbers[apex]) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  });
}

async function rescore(onset, apex, bundle = clip.bundle) {
  const key = clip.key, request = ++n_requests;
  if (onset === apex) return fail("Onset and apex must be two different frames.");
  $("result").setAttribute("aria-busy", "true");
  try {
    const answer = await api.score(key, onset, apex, bundle);
    if (request !== n_requests || clip?.key !== key) return;  // the user has moved on
    fail("");
    accept(answer, false);
    say(`Scored from frame ${result.score.onset} to frame ${result.score.apex}.`);
  } catch (error) { if (request === n_requests) fail(error.message); }
  if (request === n_requests) $("result").removeAttribute("aria-busy");
}

/** Save a file; creating it takes some seconds, so announce it. */
async function save(button, name, text) {
  button.setAttribute("aria-busy", "true");
  say(`Preparing: ${text}.`);
  try {
    const {content, saved} = await api.file(address(name));
    const link = el("a", {href: URL.createObjectURL(content), download: saved});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    say(`Saved: ${saved}.`);
  } catch (error) { fail(error.message); }
  button.removeAttribute("aria-busy");
}
