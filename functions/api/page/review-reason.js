// @ts-check
/** Why a person decides otherwise: a reason of the catalogue's list, or one's own words. */
import { html, nothing } from "./parts.js";
import { Dialog } from "./review-dialog.js";
import { t } from "./texts.js";

/** @typedef {import("./review-case.js").Case} Case */
/** @typedef {import("./review-case.js").Row} Row */
/** @typedef {import("./review-case.js").Photo} Photo */
/** @typedef {{ decision: string, step: string | null, reason: string, photo: string | null, reading: string | null }} Chosen */

const MOST_KEYS = 9;
const LONGEST = 500;
const LONGEST_READING = 100;

export class Reason {
  /**
   * @param {{ of: Case, decision: "pass" | "fail", row: Row | null, photo: Photo | null, changed: () => void, closed: () => void,
   *   say: (chosen: Chosen) => void }} how
   */
  constructor(how) {
    this.how = how;
    this.isOfStep = how.row !== null;
    const { photo, row } = how;
    /** Whether it rests on the photo that is open, where the model decided by another one. */
    this.other = photo && row && photo.name !== row.photo ? photo : null;
    this.restsOnOther = this.other !== null;
    /** What the person read, of a step of which something is read. */
    this.reading = "";
    const keys = Object.fromEntries(Array.from({ length: MOST_KEYS }, (_, at) => [String(at + 1), `reason-${at + 1}`]));
    this.dialog = new Dialog({
      name: "reason",
      title: t.review.overrule[how.decision],
      keys,
      changed: how.changed,
      closed: how.closed,
    });
  }

  /** @returns {{ decision: string, reason: string, text: string }[]} */
  get reasons() {
    const { decision, row } = this.how;
    const step = this.isOfStep ? row : null;
    if (decision === "pass") return t.review.passReasons.map((text) => ({ decision, reason: text, text }));
    const reasons = this.how.of.failReasons(step?.step ?? null).map((one) => ({ decision: "fail", ...one }));
    if (step) return [...reasons, { decision: "missing", reason: t.review.missing, text: t.review.missing }];
    return [...t.review.failReasons.map((text) => ({ decision: "fail", reason: text, text })), ...reasons];
  }

  /** @param {string} decision @param {string} reason */
  #choose(decision, reason) {
    const photo = this.isOfStep && this.restsOnOther && decision !== "missing" ? (this.other?.photo_id ?? null) : null;
    const reading = this.isOfStep && this.how.row?.reading && decision !== "missing" ? this.reading.trim() || null : null;
    this.dialog.close();
    this.how.say({ decision, reason, step: this.isOfStep ? (this.how.row?.step ?? null) : null, photo, reading });
  }

  /** @param {SubmitEvent} event */
  #own(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const words = String(new FormData(form).get("own") ?? "").trim();
    if (words) this.#choose(this.how.decision, words);
  }

  render() {
    const { row, decision, changed } = this.how;
    const scope = (/** @type {boolean} */ isOfStep, /** @type {string} */ label) => html`<label class="tick">
      <input type="radio" name="scope" .checked=${this.isOfStep === isOfStep} @change=${() => { this.isOfStep = isOfStep; changed(); }}> ${label}
    </label>`;
    return this.dialog.render(html`
      ${row ? html`<fieldset><legend>${t.review.scope}</legend>${scope(true, `${row.number}. ${row.label}`)}${scope(false, t.review.whole)}</fieldset>` : nothing}
      ${this.other && this.isOfStep
        ? html`<label class="tick"><input type="checkbox" .checked=${this.restsOnOther}
            @change=${(/** @type {any} */ event) => (this.restsOnOther = event.target.checked)}> ${t.review.restsOn(this.other.name)}</label>`
        : nothing}
      ${row?.reading && this.isOfStep
        ? html`<label class="reading">${t.review.itSays} <span class="quiet">(${t.review.modelRead(row.reading)})</span>
            <input name="reading" maxlength=${LONGEST_READING} autocomplete="off" .value=${this.reading}
              @input=${(/** @type {any} */ event) => (this.reading = event.target.value)}></label>`
        : nothing}
      <h3>${t.review.why}</h3>
      <ul class="reasons">${this.reasons.map((one, at) => html`<li>
        <button type="button" data-action=${at < MOST_KEYS ? `reason-${at + 1}` : nothing} @click=${() => this.#choose(one.decision, one.reason)}>
          ${at < MOST_KEYS ? html`<kbd aria-hidden="true">${at + 1}</kbd>` : nothing} ${one.text}
        </button></li>`)}</ul>
      <form @submit=${(/** @type {SubmitEvent} */ event) => this.#own(event)}>
        <label for="own-reason">${t.review.ownReason}</label>
        <div class="beside">
          <input id="own-reason" name="own" maxlength=${LONGEST} autocomplete="off" required>
          <button type="submit" class="primary" data-action="say-own">${t.review.record(t.verdicts[decision])}</button>
        </div>
      </form>`);
  }
}
