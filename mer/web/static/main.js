// The page's address selects the clip. Polls the server for the state of its clips and redraws what changed.

import * as api from "./api.js";
import {$, fail, say} from "./dom.js";
import {drawClips} from "./clips.js";
import {openIntake, setUpIntake} from "./intake.js";
import {setUpRecorder} from "./record.js";
import {hideResult, setUpResult, showResult} from "./result.js";

const FAST_MS = 400, SLOW_MS = 3000;
let clips = [], uploads = [], timer = null, n_requests = 0;

const currentKey = () => location.pathname.match(/^\/clip\/([\w-]+)$/)?.[1] ?? null;
const current = () => clips.find(clip => clip.key === currentKey());

/** Go to a clip, or to the start page for null; the address changes, so that a reload and a bookmark find it again. */
async function go(key, replace = false) {
  history[replace ? "replaceState" : "pushState"](null, "", key ? `/clip/${key}` : "/");
  fail("");
  say("");
  hideResult();
  await refresh();
  $("title").focus();
}

/** Fetch the state of the clips once, and draw. */
async function refresh() {
  clearTimeout(timer);
  const request = ++n_requests;
  try {
    const answer = await api.clips();
    if (request !== n_requests) return;  // a later request has been sent; this answer may be older than the page's address
    clips = answer;
    if ($("error").dataset.server) { fail(""); delete $("error").dataset.server; }
    await draw();
  } catch (error) {
    fail(error.message);
    $("error").dataset.server = "1";
  }
  const busy = clips.some(clip => ["waiting", "working"].includes(clip.state) || ["waiting", "working"].includes(clip.video?.state));
  timer = setTimeout(refresh, busy && !document.hidden ? FAST_MS : SLOW_MS);
}

/** Uploads of this tab, shown among the clips until the server has them. */
function setUploads(list) {
  uploads = list;
  drawClips(clips, uploads, currentKey(), go);
}

async function draw() {
  const clip = current(), key = currentKey();
  drawClips(clips, uploads, key, go);
  $("intake").hidden = key !== null;
  $("working").hidden = !clip || clip.state === "done";
  $("ending").hidden = clip?.state !== "done";
  document.title = clip ? `${clip.name} – mer` : "mer";
  if (key === null) setTitle("What does this face do?");
  else if (!clip) {
    setTitle("This clip is gone");
    fail("It was closed, it expired, or the server was restarted. Drop it again.");
    hideResult();
  } else {
    setTitle(clip.name);
    drawStage(clip);
    if (clip.state === "done") await showResult(clip);
    drawExpiry(clip);
  }
}

function setTitle(text) {
  if ($("title").textContent !== text) $("title").textContent = text;
}

function drawStage(clip) {
  const active = ["waiting", "working"].includes(clip.state);
  $("progress").hidden = $("cancel").hidden = !active;
  document.querySelector("#working .close").hidden = active;
  $("again").hidden = clip.state !== "cancelled";
  if (clip.state === "waiting") $("stage").textContent = clip.ahead ? `Waiting: ${clip.ahead} ahead of it in the queue.` : "Waiting for the models to load.";
  if (clip.state === "working") $("stage").textContent = clip.n_done ? `Tracking the face: frame ${clip.n_done}${clip.n_total ? ` of ${clip.n_total}` : ""}.` : "Starting.";
  if (clip.state === "cancelled") $("stage").textContent = "Cancelled.";
  if (clip.state === "failed") { $("stage").textContent = ""; fail(clip.message); }
  if (clip.n_total && clip.n_done) { $("progress").max = clip.n_total; $("progress").value = Math.min(clip.n_done, clip.n_total); }
  else $("progress").removeAttribute("value");
}

function drawExpiry(clip) {
  if (clip.expires_in_s === null) return;
  const at = new Date(Date.now() + 1000 * clip.expires_in_s).toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"});
  const text = `The clip and everything made from it are deleted at ${at}, when you close it here, and when the server ends.`;
  if ($("expiry").textContent !== text) $("expiry").textContent = text;
}

async function closeClip() {
  const clip = current();
  if (!clip) return;
  await api.close(clip.key).catch(error => error instanceof api.Gone ? null : fail(error.message));
  await go(null);
  say(`${clip.name} and everything made from it were deleted.`);
}

async function analyse(face) {
  await api.analyse(currentKey(), face).catch(error => fail(error.message));
  hideResult();
  await refresh();
  $("title").focus();
}

for (const button of document.querySelectorAll(".close")) button.addEventListener("click", closeClip);
$("cancel").addEventListener("click", async () => { await api.cancel(currentKey()).catch(error => fail(error.message)); await refresh(); });
$("again").addEventListener("click", () => analyse(1));
$("face").addEventListener("change", () => analyse(Number($("face").value)));
document.addEventListener("visibilitychange", () => document.hidden || refresh());
addEventListener("popstate", () => { fail(""); say(""); hideResult(); refresh(); });
document.querySelectorAll('a[href="/"]').forEach(link => link.addEventListener("click", event => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(null);
}));

const settings = await api.settings().catch(error => { fail(error.message); return {bundles: [], max_bytes: 5e8, keep_s: 1800}; });
setUpIntake(settings, {go, refresh, setUploads});
setUpRecorder(openIntake);
setUpResult(settings, refresh);
await refresh();
