// @ts-check
/** How right it is, by what people decided; each number opens its cases. */
import { number, percent } from "./format.js";
import { empty, html, loading, nothing } from "./parts.js";
import { t } from "./texts.js";

const BY = /** @type {const} */ (["step", "catalogue", "model", "prompt"]);
/** So many are seen at once, and so many are named at most. */
const MOST_SEEN = 8;
const MOST_NAMED = 50;

/**
 * @param {any} accuracy what `GET /accuracy` says; null while that comes
 * @param {string} by
 * @param {(by: string) => void} choose
 */
export function accuracy(accuracy, by, choose) {
  return html`<section class="card">
    <h2>${t.operator.right}</h2>
    ${accuracy
      ? html`<p class="quiet">${t.operator.rightOf(accuracy.reviewed, accuracy.evaluations)} ${accuracy.sampling?.estimated ?? ""}</p>`
      : nothing}
    ${accuracy?.complete === false ? html`<p class="notice">${t.operator.notAll(accuracy.first_day)}</p>` : nothing}
    <div class="choose" role="group" aria-label=${t.operator.by}>
      ${BY.map((one) => html`<button type="button" aria-pressed=${String(one === by)} @click=${() => choose(one)}>${t.operator.bys[one]}</button>`)}
    </div>
    ${accuracy ? groups(accuracy.groups, by) : loading()}
  </section>`;
}

/** @param {any[]} all @param {string} by */
const groups = (all, by) => (all.length === 0 ? empty(t.operator.nobodyDecided, t.operator.nobodyDecidedHint) : table(all, by));

/** @param {any[]} groups @param {string} by */
const table = (groups, by) => html`<div class="wide" tabindex="0" role="region" aria-label=${t.operator.right}><table>
  <thead><tr>
    <th scope="col">${t.operator.group}</th>
    <th scope="col" class="number">${t.operator.decided}</th>
    <th scope="col" class="number">${t.operator.agreement}</th>
    <th scope="col">${t.operator.falsePasses}</th>
    <th scope="col">${t.operator.falseFails}</th>
    <th scope="col">${t.operator.corrected}</th>
  </tr></thead>
  <tbody>${groups.map((group) => row(group, by))}</tbody>
</table></div>`;

/** @param {any} group @param {string} by */
const row = (group, by) => html`<tr>
  <th scope="row">${group.key} ${by === "step" ? nothing : html`<span class="quiet">${t.operator.abouts[group.about] ?? group.about}</span>`}</th>
  <td class="number">${counted(group.cases, group.evaluations?.cases)}</td>
  <td class="number">${group.agreement
    ? html`${percent(group.agreement.share)} <span class="quiet">(${percent(group.agreement.low)}–${percent(group.agreement.high)})</span>`
    : "–"}</td>
  <td>${counted(group.false_passes, group.evaluations?.false_passes)}</td>
  <td>${counted(group.false_fails, group.evaluations?.false_fails)}</td>
  <td>${group.readings ? html`${number(group.readings_corrected)} / ${number(group.readings)} ${named(group.evaluations?.readings_corrected)}` : "–"}</td>
</tr>`;

/** @param {number} count @param {string[] | undefined} ids */
const counted = (count, ids) => html`${number(count)} ${named(ids)}`;

/** All that are named; those behind the first ones once that is asked for. @param {string[] | undefined} ids */
function named(ids) {
  const all = (ids ?? []).map((id, index) => html`<a href="#/review/${id}" aria-label=${t.operator.openCase(index + 1)}>${index + 1}</a> `);
  if (all.length === 0) return nothing;
  const rest = all.slice(MOST_SEEN);
  return html`<span class="cases">${all.slice(0, MOST_SEEN)}</span>
    ${rest.length > 0
      ? html`<details class="cases"><summary>${t.operator.moreCases(rest.length)}</summary>${rest} ${all.length < MOST_NAMED ? nothing : t.operator.andMore}</details>`
      : nothing}`;
}
