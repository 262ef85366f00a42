// The player: the file as it was sent, or a drawn copy with the face box, intervals and curve; also where the browser cannot play the file.

import * as api from "./api.js";
import {$, fail} from "./dom.js";

let clip = null, shown = null, unplayable = false;

export function setUpVideo(moved) {
  const follow = () => { moved($("video").currentTime); if (!$("video").paused && !$("video").ended) requestAnimationFrame(follow); };
  for (const event of ["timeupdate", "seeked", "play"]) $("video").addEventListener(event, follow);
  $("video").addEventListener("error", () => {
    if (!clip || !shown?.endsWith("/video") || unplayable) return;
    unplayable = true;
    $("video-note").textContent = "This browser cannot play the file; a copy that it can play is being drawn.";
    api.drawVideo(clip.key).catch(error => fail(error.message));
  });
}

/** Show the video of a clip as the server lists it, or none. */
export function showVideo(told) {
  if (told?.key !== clip?.key) { unplayable = false; $("video-note").textContent = ""; }
  clip = told;
  const source = !told ? null : unplayable && told.video?.state === "done" ? `/api/clips/${told.key}/files/annotated.mp4?show` : `/api/clips/${told.key}/video`;
  if (source === shown || (unplayable && told?.video?.state !== "done")) return;
  shown = source;
  if (unplayable) $("video-note").textContent = "A copy that this browser can play.";
  if (source) $("video").src = source; else { $("video").removeAttribute("src"); $("video").load(); }
}
