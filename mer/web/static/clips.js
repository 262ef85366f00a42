// The list of clips: those of the server, and uploads of this tab. Rows are updated in place, so that focus stays.

import {$, el} from "./dom.js";

const rows = new Map();

export function drawClips(clips, uploads, current, go) {
  const wanted = [
    ...clips.map(clip => ({id: clip.key, name: clip.name, href: `/clip/${clip.key}`, key: clip.key, ...describeState(clip)})),
    ...uploads.map(upload => ({id: upload.id, name: upload.name, text: upload.error ?? `sending, ${Math.round(100 * upload.sent)} %`, bad: Boolean(upload.error)})),
  ];
  for (const [id, row] of rows) if (!wanted.some(one => one.id === id)) { row.remove(); rows.delete(id); }
  for (const one of wanted) {
    if (!rows.has(one.id)) {
      const row = el("li", {}, el("a", one.href ? {href: one.href} : {}, one.name, el("span")));
      if (one.key) row.firstChild.addEventListener("click", event => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        go(one.key);
      });
      rows.set(one.id, row);
      $("clips").append(row);
    }
    const link = rows.get(one.id).firstChild, text = link.querySelector("span");
    if (text.textContent !== one.text) text.textContent = one.text;
    text.className = one.bad ? "bad" : "";
    if (one.key === current && current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  $("side").hidden = !wanted.length;
}

function describeState(clip) {
  switch (clip.state) {
    case "waiting": return {text: clip.ahead ? `waiting, ${clip.ahead} ahead` : "waiting"};
    case "working": return {text: clip.n_total ? `${Math.min(100, Math.round(100 * clip.n_done / clip.n_total))} %` : `${clip.n_done} frames`};
    case "failed": return {text: "no result", bad: true};
    case "cancelled": return {text: "cancelled"};
    default: return {text: "done"};
  }
}
