// @ts-check
/**
 * Several are confirmed at once: each by a record of its own.
 *
 * Invariants
 * - What is confirmed is what the row says: each is read anew before, and what has become another one meanwhile stays
 *   selected, and is said.
 */
import { get } from "./api.js";
import { failure, html, loading, nothing, told_of, verdict } from "./parts.js";
import { decide, forget, isUnsure, newBatch, takeBack } from "./review-said.js";
import { t } from "./texts.js";

/** @typedef {import("./queue-list.js").Row} Row */
/** @typedef {import("./review-said.js").Said} Said */

const AT_ONCE = 3;

/** What confirming it says; nothing where there is nothing to confirm. @param {{ verdict?: string | null, reviewed_verdict?: string | null }} of */
export function confirmed(of) {
  const verdict = of.reviewed_verdict ?? of.verdict;
  return verdict === "pass" || verdict === "fail" ? verdict : null;
}

/** What a confirmation says of why. @param {{ reviewed_verdict?: string | null }} of */
export const whyConfirmed = (of) => (of.reviewed_verdict ? t.review.reasons.confirmedPeople : t.review.reasons.confirmed);

/** Whether the row says what is so now. @param {Row} row @param {import("./api.js").Schemas["ReviewPage"]} now */
const isSame = (row, now) =>
  row.revision === now.revision && (row.verdict ?? null) === (now.verdict ?? null) && (row.reviewed_verdict ?? null) === (now.reviewed_verdict ?? null);

export class Bulk {
  /** @param {() => void} changed @param {(evaluation: string) => boolean} isShown whether a row of it is on the screen */
  constructor(changed, isShown) {
    this.changed = changed;
    this.isShown = isShown;
    /** The evaluations that are selected. @type {Map<string, Row>} */
    this.selected = new Map();
    /** What came of each. @type {Map<string, Said>} */
    this.said = new Map();
    /** Why nothing was sent of a row. @type {Map<string, unknown>} */
    this.unsaid = new Map();
    this.isGoing = false;
    /** How many were sent for now, of how many. */
    this.progress = { done: 0, of: 0 };
    /** The batch that can be taken back. @type {Said[]} */
    this.last = [];
  }

  /** @param {Row} row */
  turn(row) {
    if (!this.selected.delete(row.evaluation_id)) this.selected.set(row.evaluation_id, row);
    this.said.delete(row.evaluation_id);
    this.unsaid.delete(row.evaluation_id);
    this.changed();
  }

  clear() {
    this.selected.clear();
    this.unsaid.clear();
    this.changed();
  }

  /** Those of the selected that can be confirmed. */
  get able() {
    return [...this.selected.values()].filter((row) => confirmed(row));
  }

  /** A record for each; what did not work stays selected. */
  async confirm() {
    if (this.isGoing) return;
    const todo = this.able;
    const batch = newBatch();
    this.isGoing = true;
    this.progress = { done: 0, of: todo.length };
    this.last = [];
    this.unsaid.clear();
    this.changed();
    const work = async () => {
      for (let row = todo.shift(); row; row = todo.shift()) await this.#one(row, batch);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.isGoing = false;
    this.changed();
  }

  /** @param {Row} row @param {number} batch */
  async #one(row, batch) {
    const one = await this.#recorded(row, batch);
    if (one?.state === "stands") {
      this.selected.delete(row.evaluation_id);
      this.progress.done += 1;
      this.last.push(one);
    }
    this.changed();
  }

  /** What came of it; null if nothing was sent. @param {Row} row @param {number} batch @returns {Promise<Said | null>} */
  async #recorded(row, batch) {
    const id = row.evaluation_id;
    const before = this.said.get(id);
    // It may have been recorded the time before.
    if (before) await forget(before);
    if (before?.state === "stands") return before;
    try {
      // Its ETag goes with the decision: the answer says what was decided since.
      const now = await get(`evaluations/${id}/reviews`);
      if (!isSame(row, now)) {
        const { revision, verdict: model, reviewed_verdict } = now;
        this.selected.set(id, { ...row, revision, verdict: model, reviewed_verdict });
        this.unsaid.set(id, html`${t.queue.isOther} ${verdict(reviewed_verdict ?? model)}`);
        return null;
      }
    } catch (error) {
      this.unsaid.set(id, told_of(error).text);
      return null;
    }
    const one = decide({ evaluation: id, dr: row.dr_number, decision: String(confirmed(row)), reason: whyConfirmed(row) }, batch);
    this.said.set(id, one);
    await one.settled;
    return one;
  }

  /** Takes the last batch back, by a record for each. */
  async takeBack() {
    const these = this.last;
    this.last = [];
    this.isGoing = true;
    this.progress = { done: 0, of: these.length };
    for (const one of these) {
      await takeBack(one);
      this.progress.done += 1;
      if (one.state === "stands") this.last.push(one);
      this.changed();
    }
    this.isGoing = false;
    this.changed();
  }

  /** What came of a row, where that is to be seen. @param {string} evaluation */
  state(evaluation) {
    const one = this.said.get(evaluation);
    const unsaid = this.unsaid.get(evaluation);
    if (unsaid) return html`<span class="wrong" role="alert">${unsaid}</span>`;
    if (one?.state === "failed") return html`<span class="wrong" role="alert">${isUnsure(one) ? t.review.isNotKnown : ""} ${told_of(one.error).text}</span>`;
    return one?.state === "going" ? html`<span class="quiet">${t.review.recording}</span>` : nothing;
  }

  bar() {
    const count = this.selected.size;
    if (this.isGoing) return html`<div class="bulk">${loading(t.queue.progress(this.progress.done, this.progress.of))}</div>`;
    if (count === 0 && this.last.length === 0) return nothing;
    const able = this.able;
    const gone = [...this.selected.values()].filter((row) => !this.isShown(row.evaluation_id));
    const of = (/** @type {string} */ verdict) => able.filter((row) => confirmed(row) === verdict).length;
    return html`<div class="bulk" role="region" aria-label=${t.queue.selectedLabel}>
      ${count > 0
        ? html`<span>${t.queue.selected(count)}${able.length < count ? ` ${t.queue.unable(count - able.length)}` : ""}</span>
          <button type="button" class="primary" data-action="confirm-selected" ?disabled=${able.length === 0} @click=${() => this.confirm()}>
            ${t.queue.confirm(of("pass"), of("fail"))}
          </button>
          <button type="button" data-action="clear-selected" @click=${() => this.clear()}>${t.queue.clear}</button>`
        : nothing}
      ${gone.map((row) => html`<p class="gone" data-gone=${row.evaluation_id}>${t.queue.gone(row.dr_number)} ${verdict(confirmed(row) ?? row.verdict)} ${this.state(row.evaluation_id)}
        <button type="button" class="plain" aria-label="${t.queue.unselect}: ${row.dr_number}" @click=${() => this.turn(row)}>${t.queue.unselect}</button></p>`)}
      ${this.last.length > 0
        ? html`<span>${t.queue.recorded(this.last.length)}</span>
          <button type="button" data-action="take-back" @click=${() => this.takeBack()}>${t.review.takeBack}</button>`
        : nothing}
      ${this.last.some((one) => one.error) ? failure(this.last.find((one) => one.error)?.error) : nothing}
    </div>`;
  }
}
