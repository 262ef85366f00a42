// The player and the annotated video, which is also played if the browser cannot play the file itself.

import * as api from "./api.js";
import {$, fail} from "./dom.js";

let clip = null, shown = null, unplayable = false, wanted = null, refresh = null;

/** Set up; `moved(seconds)` follows the player, `refreshPage()` asks the server for the state of its clips. */
export function setUpVideo(moved, refreshPage) {
  refresh = refreshPage;
  const follow = () => { moved($("video").currentTime); if (!$("video").paused && !$("video").ended) requestAnimationFrame(follow); };
  for (const event of ["timeupdate", "seeked", "play"]) $("video").addEventListener(event, follow);
  $("annotate").addEventListener("click", () => { wanted = clip.key; draw(); });
  $("video").addEventListener("error", () => {
    if (!clip || !shown?.endsWith("/video") || unplayable) return;
    unplayable = true;
    $("video-note").textContent = "This browser cannot play the file; a copy that it can play is being drawn.";
    draw();
  });
}

function draw() {
  api.drawVideo(clip.key).then(refresh).catch(error => fail(error.message));
}

/** Show the progress of the annotated video; returns true once, when a requested one is ready. */
export function drawAnnotation(entry) {
  const {state, n_done, n_total, message} = entry.video ?? {}, drawing = ["waiting", "working"].includes(state);
  $("annotate-progress").hidden = !drawing;
  $("annotate").disabled = drawing;
  if (n_total) { $("annotate-progress").max = n_total; $("annotate-progress").value = n_done; }
  if (state === "failed") fail(message);
  const ready = state === "done" && wanted === entry.key;
  if (ready || state === "failed") wanted = null;
  return ready;
}

/** Show the video of a clip in the server's list, or none. */
export function showVideo(entry) {
  const isNew = entry?.key !== clip?.key;
  if (isNew) { unplayable = entry?.blur ?? false; $("video-note").textContent = ""; }
  clip = entry;
  if (isNew && entry?.blur && entry.video?.state !== "done") {
    $("video-note").textContent = "The mesh of the face is being drawn; the recording is not shown (--blur).";
    draw();
  }
  const source = !entry ? null : unplayable && entry.video?.state === "done" ? `/api/clips/${entry.key}/files/annotated.mp4?show` : `/api/clips/${entry.key}/video`;
  if (source === shown || (unplayable && entry?.video?.state !== "done")) return;
  shown = source;
  if (unplayable) $("video-note").textContent = entry.blur ? "The mesh of the face; the recording is not shown (--blur)." : "A copy that this browser can play.";
  if (source) $("video").src = source; else { $("video").removeAttribute("src"); $("video").load(); }
}
