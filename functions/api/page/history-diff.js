// @ts-check
/** What is different between two evaluations of a DR. */
import { html, nothing, verdict } from "./parts.js";
import { t } from "./texts.js";

/** @typedef {import("./api.js").Schemas["Evaluation"]} Evaluation */
/** @typedef {import("./api.js").Schemas["StepVerdict"]} Row */
/** @typedef {{ step: string, label: string, number: number, before: Row | null, after: Row | null }} Difference */

/** The steps whose outcome, score or photo is another one. @param {Evaluation} earlier @param {Evaluation} later @returns {Difference[]} */
export function differences(earlier, later) {
  const before = new Map(earlier.steps.map((row) => [row.step, row]));
  const after = new Map(later.steps.map((row) => [row.step, row]));
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((step) => {
      const [old, now] = [before.get(step) ?? null, after.get(step) ?? null];
      const named = now ?? old;
      return { step, label: named?.label ?? step, number: named?.number ?? 0, before: old, after: now };
    })
    .filter(({ before: old, after: now }) => !isSame(earlier, old, later, now))
    .sort((a, b) => a.number - b.number);
}

/** @param {Evaluation} earlier @param {Row | null} old @param {Evaluation} later @param {Row | null} now */
function isSame(earlier, old, later, now) {
  if (!old || !now) return old === now;
  return old.outcome === now.outcome && (old.score ?? null) === (now.score ?? null) && photoOf(earlier, old) === photoOf(later, now);
}

/** A photo's name and content. @param {Evaluation} evaluation @param {Row} row */
const photoOf = (evaluation, row) => evaluation.photos.find((photo) => photo.name === row.photo)?.photo_id ?? null;

/** @param {Evaluation} earlier @param {Evaluation} later */
export function differenceTable(earlier, later) {
  const rows = differences(earlier, later);
  const side = (/** @type {Row | null} */ row) =>
    row
      ? html`${verdict(row.outcome)} ${row.score == null ? nothing : t.review.outOf(row.score)} <span class="quiet">${row.photo ?? ""}</span>`
      : html`<span class="quiet">${t.history.notAsked}</span>`;
  return html`
    <p>${t.history.verdictChanged}: ${verdict(earlier.reviewed_verdict ?? earlier.verdict)} → ${verdict(later.reviewed_verdict ?? later.verdict)}</p>
    ${rows.length === 0
      ? html`<p>${t.history.same}</p>`
      : html`<div class="scroll" tabindex="0" role="region" aria-label=${t.history.compare}><table>
          <thead><tr><th scope="col">${t.history.step}</th><th scope="col">${t.history.before}</th><th scope="col">${t.history.after}</th></tr></thead>
          <tbody>${rows.map((row) => html`<tr>
            <th scope="row">${row.number}. ${row.label}</th><td>${side(row.before)}</td><td>${side(row.after)}</td>
          </tr>`)}</tbody>
        </table></div>`}`;
}
