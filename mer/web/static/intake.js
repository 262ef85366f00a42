// New clips: dropped anywhere, chosen, the example, or recorded.

import * as api from "./api.js";
import {$, el, fail, megabytes, say} from "./dom.js";

let settings = null, page = null, uploads = [], n_uploads = 0;

/** Set up with the server's settings and the functions of the page: `go`, `refresh`, `setUploads`. */
export function setUpIntake(given, functions) {
  settings = given;
  page = functions;
  $("limits").textContent = `mp4, mov, mkv, avi, webm and others; up to ${megabytes(given.max_bytes)} each`;
  $("promise").textContent = `A clip is deleted ${Math.round(given.keep_s / 60) || "less than 1"} minutes after its analysis, when you close it, and when the server ends.`;
  $("bundle-new").replaceChildren(...given.bundles.map(name => el("option", {value: name}, name)));
  $("bundle-new-row").hidden = given.bundles.length < 2;

  $("file").addEventListener("change", () => { openIntake([...$("file").files]); $("file").value = ""; });
  $("example").addEventListener("click", addExample);

  let depth = 0;  // dragenter and dragleave come for every element that is crossed
  const shown = on => { depth = on ? depth : 0; $("overlay").hidden = !on; };
  const holdsFiles = event => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", event => { if (holdsFiles(event)) { depth += 1; shown(true); } });
  addEventListener("dragleave", event => { if (holdsFiles(event) && --depth <= 0) shown(false); });
  addEventListener("dragover", event => { if (holdsFiles(event)) event.preventDefault(); });
  addEventListener("drop", event => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    shown(false);
    openIntake([...event.dataTransfer.files]);
  });
}

/** Send files, one after another, and go to the first that the server takes. */
export async function openIntake(files) {
  fail("");
  const problems = [];
  let first = true;
  const accepted = files.filter(file => { const problem = refuse(file); if (problem) problems.push(problem); return !problem; });
  const waiting = accepted.map(file => ({id: `upload-${n_uploads++}`, name: file.name, sent: 0, file}));
  uploads.push(...waiting);
  for (const upload of waiting) {
    try {
      say(`Sending ${upload.name}.`);
      const clip = await api.upload(upload.file, upload.name, $("bundle-new").value, sent => { upload.sent = sent; page.setUploads(uploads); });
      uploads = uploads.filter(one => one !== upload);
      page.setUploads(uploads);
      if (first) await page.go(clip.key); else await page.refresh();
      first = false;
    } catch (error) {
      problems.push(`${upload.name}: ${error.message}`);
      uploads = uploads.filter(one => one !== upload);
      page.setUploads(uploads);
    }
  }
  say("");
  if (problems.length) fail(problems.join(" "));
}

function refuse(file) {
  if (file.size === 0) return `${file.name}: this file is empty (0 bytes). Copy it again from the camera or the disk that it came from.`;
  if (file.size > settings.max_bytes) return `${file.name}: a clip may have up to ${megabytes(settings.max_bytes)}; this one has ${megabytes(file.size)}. Cut it, or use mer spot on the command line.`;
  return null;
}

async function addExample() {
  $("example").disabled = true;
  fail("");
  try { await page.go((await api.example($("bundle-new").value)).key); }
  catch (error) { fail(error.message); }
  $("example").disabled = false;
}
