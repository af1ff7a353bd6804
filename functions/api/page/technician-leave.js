// @ts-check
/** Whether one may leave, and what is left to do: all faults together. */
import { html, nothing } from "./parts.js";
import { spoken } from "./photo-files.js";
import { takeFor } from "./technician-adding.js";
import { nameOf, unlisted } from "./technician-photos.js";
import { t } from "./texts.js";
import * as uploads from "./uploads.js";

/** @typedef {import("./openapi.d.ts").components["schemas"]} Schemas */
/** @typedef {import("./uploads.js").Upload} Upload */

/**
 * Whether nothing is left to do here: an evaluation would pass, nobody decided otherwise, and no photo of the DR is on
 * this phone alone.
 * @param {Schemas["Dr"]} dr
 * @param {Upload[]} mine
 */
export function isSafeToLeave(dr, mine) {
  const isOverruled = dr.reviewed_verdict != null && dr.reviewed_verdict !== "pass";
  const isHere = !uploads.isKnown() || uploads.waiting(dr.dr_number) > 0 || uploads.heldBack(dr.dr_number).length > 0;
  return dr.safe_to_leave && !isOverruled && !isHere && unlisted(dr, mine).length === 0;
}

/** In one line what is missing. @param {Schemas["Dr"]} dr @param {Upload[]} mine */
function missing(dr, mine) {
  const kept = uploads.waiting(dr.dr_number);
  if (kept > 0) return t.technician.missing.kept(kept);
  const held = uploads.heldBack(dr.dr_number).length;
  if (held > 0) return t.technician.missing.held(held);
  if (!uploads.isKnown()) return t.technician.missing.unread;
  if (dr.photos_total === 0 && mine.length === 0) return t.technician.missing.photos;
  const looks = dr.photos_open + unlisted(dr, mine).length;
  const labels = dr.to_do.filter(({ critical }) => critical).map(({ step }) => dr.steps.find((one) => one.step === step)?.label);
  const first = labels.find(Boolean);
  if (first) return t.technician.missing.steps(first, labels.length - 1, looks);
  if (looks > 0) return t.technician.missing.looks(looks);
  if (dr.reviewed_verdict != null && dr.reviewed_verdict !== "pass") return t.technician.missing.review;
  return (dr.to_do[0] && spoken(dr.to_do[0].message)) ?? t.technician.missing.unknown;
}

/** @param {Schemas["Dr"]} dr @param {Upload[]} mine */
export function leave(dr, mine) {
  const isSafe = isSafeToLeave(dr, mine);
  return html`<section class="leave ${isSafe ? "is-safe" : "not-safe"}" aria-labelledby="leave-title">
    <h2 id="leave-title"><span aria-hidden="true">${isSafe ? "✓" : "…"}</span> ${isSafe ? t.technician.safe : t.technician.notSafe}</h2>
    <p>${isSafe ? t.technician.safeBecause : missing(dr, mine)}</p>
    ${elsewhere(dr).map(([number, count]) => html`<p class="waits"><a href="#/dr/${number}">${number}</a>: ${t.technician.stillKept(count)}</p>`)}
  </section>`;
}

/** The other DRs whose photos are on this phone alone. @param {Schemas["Dr"]} dr */
const elsewhere = (dr) => [...uploads.left()].filter(([number]) => number !== dr.dr_number);

/**
 * What was left to do on this visit, in its order. What is done since stays in its place, ticked off: nothing moves away
 * under one's thumb while photos are looked at.
 */
export class Left {
  /** @type {Map<string, { todo: Schemas["ToDo"], isDone: boolean }>} */
  #all = new Map();

  /** What there is, with what a checklist says now. @param {Schemas["Dr"]} dr */
  see(dr) {
    const now = new Map(dr.to_do.map((todo) => [todo.step ?? todo.photo ?? todo.message, todo]));
    for (const [key, one] of this.#all) if (!now.has(key)) one.isDone = true;
    for (const [key, todo] of now) this.#all.set(key, { todo, isDone: false });
    return [...this.#all.values()];
  }
}

/**
 * All that is left to do, what can't be accepted first.
 * @param {Schemas["Dr"]} dr
 * @param {Left} left
 * @param {Upload[]} mine
 * @param {import("./technician-adding.js").Add} add
 */
export function toDo(dr, left, mine, add) {
  const refused = mine.filter(({ photo }) => photo.state === "refused");
  const count = dr.to_do.length + refused.length;
  return html`<section class="card to-do" aria-labelledby="to-do-title">
    <h2 id="to-do-title" tabindex="-1">${t.technician.toDo} <span class="quiet">${count || t.technician.nothingToDo}</span></h2>
    <ul>
      ${refused.map(refusal)}
      ${left.see(dr).map(({ todo, isDone }) => item(todo, isDone, dr, mine, add))}
    </ul>
  </section>`;
}

/** What had the focus is there no more: the list has it. @param {Promise<unknown>} done */
async function gone(done) {
  document.getElementById("to-do-title")?.focus();
  await done;
}

/** @param {Upload} upload */
function refusal({ photo }) {
  return html`<li class="fault">
    <div><span class="tag refused">${t.technician.states.refused}</span> <strong>${photo.name}</strong></div>
    <p role="alert">${photo.why}</p>
    <div class="does">
      ${photo.hopeless ? nothing : html`<button type="button" @click=${() => gone(uploads.again(photo.id))}>${t.states.again}</button>`}
      <button type="button" data-action="remove-photo" aria-label="${t.technician.remove}: ${photo.name}"
        @click=${() => gone(uploads.remove(photo.id))}>${t.technician.remove}</button>
    </div>
  </li>`;
}

/**
 * @param {Schemas["ToDo"]} todo
 * @param {boolean} isDone
 * @param {Schemas["Dr"]} dr
 * @param {Upload[]} mine
 * @param {import("./technician-adding.js").Add} add
 */
function item(todo, isDone, dr, mine, add) {
  const step = dr.steps.find((one) => one.step === todo.step);
  const remedy = todo.remedy in t.technician.remedies ? todo.remedy : "retake";
  return html`<li class="fault ${todo.critical ? "" : "lesser"} ${isDone ? "done" : ""}" data-remedy=${isDone ? "done" : remedy} data-step=${todo.step ?? ""}>
    <div>
      ${isDone
        ? html`<span class="tag seen"><span aria-hidden="true">✓</span> ${t.technician.done}</span>`
        : html`<span class="tag ${remedy}">${t.technician.remedies[remedy]}</span>`}
      ${todo.critical ? html`<span class="tag critical">${t.technician.critical}</span>` : nothing}
    </div>
    <p>${spoken(todo.message)}</p>
    ${todo.photo ? html`<p class="quiet">${t.technician.onPhoto(nameOf(todo.photo, mine))}</p>` : nothing}
    ${step ? html`<div class="does">${takeFor(add, step, remedy)}</div>` : nothing}
  </li>`;
}
