// @ts-check
/** Several are confirmed at once: each by a record of its own. */
import { failure, html, loading, nothing } from "./parts.js";
import { decide, newBatch, takeBack } from "./review-said.js";
import { told_of } from "./parts.js";
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

export class Bulk {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** The evaluations that are selected. @type {Map<string, Row>} */
    this.selected = new Map();
    /** What came of each. @type {Map<string, Said>} */
    this.said = new Map();
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
    this.changed();
  }

  clear() {
    this.selected.clear();
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
    const wish = { evaluation: row.evaluation_id, dr: row.dr_number, decision: String(confirmed(row)), reason: whyConfirmed(row) };
    const one = decide(wish, batch);
    this.said.set(row.evaluation_id, one);
    await one.settled;
    this.progress.done += 1;
    if (one.state === "stands") {
      this.selected.delete(row.evaluation_id);
      this.last.push(one);
    }
    this.changed();
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
    if (one?.state === "failed") return html`<span class="wrong" role="alert">${told_of(one.error).text}</span>`;
    return one?.state === "going" ? html`<span class="quiet">${t.review.recording}</span>` : nothing;
  }

  bar() {
    const count = this.selected.size;
    if (this.isGoing) return html`<div class="bulk">${loading(t.queue.progress(this.progress.done, this.progress.of))}</div>`;
    if (count === 0 && this.last.length === 0) return nothing;
    const able = this.able;
    const of = (/** @type {string} */ verdict) => able.filter((row) => confirmed(row) === verdict).length;
    return html`<div class="bulk" role="region" aria-label=${t.queue.selectedLabel}>
      ${count > 0
        ? html`<span>${t.queue.selected(count)}${able.length < count ? ` ${t.queue.unable(count - able.length)}` : ""}</span>
          <button type="button" class="primary" data-action="confirm-selected" ?disabled=${able.length === 0} @click=${() => this.confirm()}>
            ${t.queue.confirm(of("pass"), of("fail"))}
          </button>
          <button type="button" data-action="clear-selected" @click=${() => this.clear()}>${t.queue.clear}</button>`
        : nothing}
      ${this.last.length > 0
        ? html`<span>${t.queue.recorded(this.last.length)}</span>
          <button type="button" data-action="take-back" @click=${() => this.takeBack()}>${t.review.takeBack}</button>`
        : nothing}
      ${this.last.some((one) => one.error) ? failure(this.last.find((one) => one.error)?.error) : nothing}
    </div>`;
  }
}
