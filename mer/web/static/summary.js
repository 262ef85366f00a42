// The sentences and tables of a score.

import {$, el} from "./dom.js";

export const KINDS = {micro: "micro-expression", macro: "macro-expression", blink: "blink", eyes_closed: "long eye closure", head: "head movement"};

export function drawSummary({score}) {
  const most = score.regions[0], when = score.onset_s === null ? "" : score.onset < score.apex ? `, from ${score.onset_s.toFixed(2)} to ${score.apex_s.toFixed(2)} s` : ` at ${score.apex_s.toFixed(2)} s, compared with ${score.onset_s.toFixed(2)} s`;
  const units = score.units.filter(unit => unit.evidence >= 0.005);  // 0 % otherwise
  $("headline").textContent = most ? `${capital(most.name)}: ${most.motion.toFixed(1)} % of the inter-ocular distance${when}.` : "The two frames do not compare.";
  $("units").replaceChildren(...units.map(unit => el("li", {}, `${unit.words}, ${Math.round(100 * unit.evidence)} %`)));
  $("units").hidden = !units.length;
  $("label").textContent = score.label ? `${capital(score.label)}, with probability ${Math.max(...Object.values(score.probabilities)).toFixed(2)}.` : `No label: ${score.reason}.`;
  $("bars").replaceChildren(...Object.entries(score.probabilities).sort((a, b) => b[1] - a[1]).flatMap(([label, p]) => [el("span", {}, label), bar(p), el("span", {}, p.toFixed(2))]));
  $("bars").hidden = !score.label;  // bars without a label would suggest one
  $("evidence").textContent = `Evidence for labels: ${score.evidence}.`;
  $("evidence").hidden = !score.label;
  $("synthetic").hidden = !score.synthetic;
}

export function drawTables({score}) {
  const most = Math.max(...score.regions.map(region => region.motion), 1e-6);
  $("regions").replaceChildren(...score.regions.map(region => el("tr", {},
    el("td", {}, region.name),
    el("td", {}, el("span", {class: "value"}, region.motion.toFixed(2)), bar(region.motion / most)),
    ...[region.strain.toFixed(1), `${Math.round(100 * (region.decision ?? 0))} %`].map(value => el("td", {class: "n"}, value)))));
  $("regions").closest(".scroll").hidden = !score.regions.length;
  $("warnings").replaceChildren(...score.warnings.map(warning => el("li", {}, warning)));
  $("warnings").hidden = !score.warnings.length;
  $("no-warnings").hidden = score.warnings.length > 0;
  $("trust").closest("section").hidden = !score.warnings.length && !score.label;  // otherwise the reason above is enough
}

function bar(fraction) {
  const fill = el("i");
  fill.style.width = `${100 * fraction}%`;
  return el("span", {class: "bar"}, fill);
}

const capital = text => text[0].toUpperCase() + text.slice(1);
