// @ts-check
/** How right it is, by what people decided; each number opens its cases. */
import { number, percent } from "./format.js";
import { empty, html, nothing } from "./parts.js";
import { t } from "./texts.js";

const BY = /** @type {const} */ (["step", "catalogue", "model", "prompt"]);
const MOST_NAMED = 8;

/**
 * @param {any} accuracy what `GET /accuracy` says
 * @param {string} by
 * @param {(by: string) => void} choose
 */
export function accuracy(accuracy, by, choose) {
  return html`<section class="card">
    <h2>${t.operator.right}</h2>
    <p class="quiet">${t.operator.rightOf(accuracy.reviewed, accuracy.evaluations)} ${accuracy.sampling?.estimated ?? ""}</p>
    <div class="choose" role="group" aria-label=${t.operator.by}>
      ${BY.map((one) => html`<button type="button" aria-pressed=${String(one === by)} @click=${() => choose(one)}>${t.operator.bys[one]}</button>`)}
    </div>
    ${accuracy.groups.length === 0 ? empty(t.operator.nobodyDecided, t.operator.nobodyDecidedHint) : table(accuracy.groups)}
  </section>`;
}

/** @param {any[]} groups */
const table = (groups) => html`<div class="wide" tabindex="0" role="region" aria-label=${t.operator.right}><table>
  <thead><tr>
    <th scope="col">${t.operator.group}</th>
    <th scope="col" class="number">${t.operator.decided}</th>
    <th scope="col" class="number">${t.operator.agreement}</th>
    <th scope="col">${t.operator.falsePasses}</th>
    <th scope="col">${t.operator.falseFails}</th>
    <th scope="col">${t.operator.corrected}</th>
  </tr></thead>
  <tbody>${groups.map(row)}</tbody>
</table></div>`;

/** @param {any} group */
const row = (group) => html`<tr>
  <th scope="row">${group.key}</th>
  <td class="number">${number(group.cases)}</td>
  <td class="number">${group.agreement
    ? html`${percent(group.agreement.share)} <span class="quiet">(${percent(group.agreement.low)}–${percent(group.agreement.high)})</span>`
    : "–"}</td>
  <td>${counted(group.false_passes, group.evaluations?.false_passes)}</td>
  <td>${counted(group.false_fails, group.evaluations?.false_fails)}</td>
  <td>${group.readings ? html`${number(group.readings_corrected)} / ${number(group.readings)} ${named(group.evaluations?.readings_corrected)}` : "–"}</td>
</tr>`;

/** @param {number} count @param {string[] | undefined} ids */
const counted = (count, ids) => html`${number(count)} ${named(ids)}`;

/** @param {string[] | undefined} ids */
function named(ids) {
  const shown = (ids ?? []).slice(0, MOST_NAMED);
  if (shown.length === 0) return nothing;
  return html`<span class="cases">${shown.map((id, index) => html`<a href="#/review/${id}" aria-label=${t.operator.openCase(index + 1)}>${index + 1}</a> `)}</span>`;
}
