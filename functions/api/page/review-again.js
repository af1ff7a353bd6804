// @ts-check
/** "Evaluate again": how much of the DR, and what it costs. */
import { send } from "./api.js";
import { number } from "./format.js";
import { announce, failure, html, loading, nothing, told_of } from "./parts.js";
import { Dialog } from "./review-dialog.js";
import { may } from "./session.js";
import { t } from "./texts.js";

/** @typedef {import("./review-case.js").Evaluation} Evaluation */

export class Again {
  /** @param {{ evaluation: Evaluation, changed: () => void, closed: () => void, started: (evaluation: string, isSame: boolean) => void }} how */
  constructor(how) {
    this.how = how;
    /** @type {"full" | "quick"} */
    this.mode = how.evaluation.mode;
    this.isForced = false;
    this.isGoing = false;
    /** @type {unknown} */
    this.error = null;
    /** The same wish, sent again, starts nothing twice. */
    this.key = crypto.randomUUID();
    this.dialog = new Dialog({ name: "again", title: t.review.again.title, changed: how.changed, closed: how.closed });
  }

  /** Another wish than before. */
  #renew() {
    this.key = crypto.randomUUID();
    this.error = null;
    this.how.changed();
  }

  async #start() {
    if (this.isGoing) return;
    const { evaluation, changed, started } = this.how;
    this.isGoing = true;
    this.error = null;
    changed();
    try {
      const path = this.isForced ? "evaluations/forced" : "evaluations";
      const answer = await send("POST", path, { dr_number: evaluation.dr_number, mode: this.mode }, { "idempotency-key": this.key });
      const isSame = answer.evaluation_id === evaluation.evaluation_id;
      announce(isSame ? t.review.again.same : t.review.again.started);
      // Who has closed it meanwhile is at something else.
      if (this.dialog.isOpen) {
        this.dialog.close();
        started(answer.evaluation_id, isSame);
      }
    } catch (error) {
      if (!this.dialog.isOpen) announce(told_of(error).text);
      this.error = error;
      this.isGoing = false;
      changed();
    }
  }

  render() {
    const { evaluation } = this.how;
    const mode = (/** @type {"full" | "quick"} */ name) => html`<label class="tick">
      <input type="radio" name="mode" value=${name} .checked=${this.mode === name} ?disabled=${this.isGoing} @change=${() => { this.mode = name; this.#renew(); }}>
      ${t.review.modes[name]} <span class="quiet">${t.review.again.modes[name]}</span>
    </label>`;
    return this.dialog.render(html`
      ${stale(evaluation)}
      <fieldset><legend>${t.review.again.mode}</legend>${mode("full")}${mode("quick")}</fieldset>
      ${may("operator")
        ? html`<label class="tick"><input type="checkbox" data-force .checked=${this.isForced} ?disabled=${this.isGoing}
            @change=${(/** @type {any} */ event) => { this.isForced = event.target.checked; this.#renew(); }}> ${t.review.again.force}</label>`
        : nothing}
      ${this.#cost()}
      ${this.error ? failure(this.error) : nothing}
      <button type="button" class="primary" data-action="start-again" aria-disabled=${String(this.isGoing)} @click=${() => this.#start()}>${t.review.again.start}</button>
      ${this.isGoing ? loading() : nothing}`);
  }

  /** What it may cost, by what this one did. */
  #cost() {
    const { photos, usage, progress, cache } = this.how.evaluation;
    const calls = photos.reduce((sum, photo) => sum + photo.attempts, 0);
    const tokens = (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0);
    const saved = cache.tokens_saved ? number(cache.tokens_saved) : "";
    return html`<div class="cost">
      <p>${t.review.again.cost(progress.photos_total, this.mode)}</p>
      <p class="quiet">${t.review.again.before(number(calls), number(tokens), saved)} ${this.isForced ? t.review.again.forced : t.review.again.kept}</p>
    </div>`;
  }
}

/** What has changed since, where something has. @param {Evaluation} evaluation */
export function stale(evaluation) {
  if (!evaluation.stale) return nothing;
  const because = evaluation.stale_because.map((reason) => t.review.stale[reason] ?? reason);
  return html`<p class="notice">${t.review.staleWhy} ${because.join(", ")}.</p>`;
}
