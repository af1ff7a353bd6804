// @ts-check
/**
 * All that happened to a DR, in order: evaluations, what people decided and took back, what technicians noted; what is
 * different between two evaluations; and the files for a dispute.
 */
import { get } from "./api.js";
import { catalogueOf } from "./catalogue.js";
import { watch } from "./live.js";
import { differenceTable } from "./history-diff.js";
import { Files, nameOf } from "./history-files.js";
import { empty, failure, html, loading, moment, nothing, verdict } from "./parts.js";
import { decided } from "./review-parts.js";
import { t } from "./texts.js";

/** @typedef {import("./api.js").Schemas["EvaluationInShort"]} Short */
/** @typedef {import("./api.js").Schemas["Evaluation"]} Evaluation */
/** @typedef {import("./api.js").Schemas["Review"]} Review */
/** @typedef {import("./api.js").Schemas["Note"]} Note */

const LIMIT = 25;
const REVIEWS = 100;
const SETTLE_MS = 500;

/** @param {import("./main.js").Frame} frame @param {string[]} rest @returns {import("./main.js").View} */
export function open(frame, rest) {
  return new History(frame, (rest[0] ?? "").toUpperCase());
}

class History {
  /** @type {Short[]} */
  evaluations = [];
  /** @type {string | null} */
  next = null;
  /** @type {Review[]} */
  reviews = [];
  /** @type {Note[]} */
  notes = [];
  /** @type {Map<string, Evaluation>} */
  whole = new Map();
  earlier = "";
  later = "";
  isLoading = true;
  /** @type {unknown} */
  error = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  settle = undefined;

  /** @param {import("./main.js").Frame} frame @param {string} dr */
  constructor(frame, dr) {
    this.frame = frame;
    this.dr = dr;
    this.title = t.history.of(dr);
    this.files = new Files(dr, frame.draw);
    this.stop = watch({ dr_number: dr }, () => {
      clearTimeout(this.settle);
      this.settle = setTimeout(() => this.load(), SETTLE_MS);
    });
    this.load();
  }

  close() {
    clearTimeout(this.settle);
    this.stop();
  }

  async load() {
    try {
      const page = await get(`drs/${this.dr}/evaluations?limit=${LIMIT}`);
      const known = new Set(page.evaluations.map((/** @type {Short} */ one) => one.evaluation_id));
      const older = this.evaluations.filter((one) => !known.has(one.evaluation_id) && known.size > 0 && isOlder(one, page.evaluations.at(-1)));
      this.next = older.length > 0 ? this.next : page.next;
      this.evaluations = [...page.evaluations, ...older];
      await this.#loadRest();
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.isLoading = false;
    this.frame.draw();
  }

  async #loadRest() {
    const [newest, before] = this.evaluations;
    if (!newest) return;
    this.later ||= newest.evaluation_id;
    this.earlier ||= before?.evaluation_id ?? "";
    const [evaluation] = await Promise.all([this.#evaluation(newest.evaluation_id), this.#loadReviews(newest.evaluation_id), this.#loadCompared()]);
    this.notes = evaluation.notes;
  }

  /** All records of the DR. @param {string} evaluation */
  async #loadReviews(evaluation) {
    /** @type {Review[]} */
    const all = [];
    for (let cursor = ""; ;) {
      const page = await get(`evaluations/${evaluation}/reviews?limit=${REVIEWS}${cursor}`);
      all.push(...page.reviews);
      if (!page.next) break;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
    this.reviews = all;
  }

  async #loadCompared() {
    await Promise.all([this.earlier, this.later].filter(Boolean).map((id) => this.#evaluation(id)));
  }

  /** @param {string} id @returns {Promise<Evaluation>} */
  async #evaluation(id) {
    const evaluation = await get(`evaluations/${id}`);
    await catalogueOf(evaluation.catalogue_version);
    this.whole.set(id, evaluation);
    return evaluation;
  }

  async more() {
    if (!this.next) return;
    try {
      const page = await get(`drs/${this.dr}/evaluations?limit=${LIMIT}&cursor=${encodeURIComponent(this.next)}`);
      this.evaluations = [...this.evaluations, ...page.evaluations];
      this.next = page.next;
    } catch (error) {
      this.error = error;
    }
    this.frame.draw();
  }

  /** @param {"earlier" | "later"} which @param {string} id */
  async choose(which, id) {
    this[which] = id;
    this.frame.draw();
    await this.#loadCompared().catch((error) => (this.error = error));
    this.frame.draw();
  }

  render() {
    return html`<section class="history">
      <h1>${this.title}</h1>
      ${this.error ? failure(this.error, () => this.load()) : nothing}
      ${this.isLoading ? loading() : this.evaluations.length === 0 ? (this.error ? nothing : empty(t.history.empty)) : this.#content()}
    </section>`;
  }

  #content() {
    return html`
      <div class="card"><h2>${t.history.files}</h2>${this.files.render(this.evaluations)}</div>
      <div class="card"><h2>${t.history.compare}</h2>${this.#compared()}</div>
      <div class="card">
        <h2>${t.history.order}</h2>
        <ol class="timeline">${this.#events().map((event) => html`<li>${moment(event.at)} ${event.what}</li>`)}</ol>
        ${this.next ? html`<button type="button" data-action="more" @click=${() => this.more()}>${t.history.more}</button>` : nothing}
      </div>`;
  }

  /** Everything, the newest first. */
  #events() {
    const evaluations = this.evaluations.map((one) => ({ at: one.created_at, what: this.#evaluated(one) }));
    const labels = new Map(this.whole.get(this.evaluations[0].evaluation_id)?.steps.map((row) => [row.step, row.label]));
    const named = (/** @type {string | null | undefined} */ step) => (step ? html`<strong>${labels.get(step) ?? step}:</strong>` : t.review.ofWhole);
    const reviews = this.reviews.map((one) => ({
      at: one.at,
      what: one.kind === "withdrawal"
        ? html`${t.review.withdrew(one.by ?? t.review.somebody, one.withdraws ?? 0)}`
        : html`<span class="quiet">#${one.number}</span> ${named(one.step)} ${decided(one)}`,
    }));
    const notes = this.notes.map((one) => ({
      at: one.at,
      what: html`${t.history.noted(one.by ?? t.history.technician)} ${named(one.step)} ${t.review.notes[one.kind] ?? one.kind} <q>${one.reason}</q>`,
    }));
    return [...evaluations, ...reviews, ...notes].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  }

  /** @param {Short} one */
  #evaluated(one) {
    return html`${t.history.evaluated(t.review.modes[one.mode] ?? one.mode)} ${verdict(one.verdict)}
      ${one.average_score == null ? nothing : html`<span class="quiet">${t.queue.score(one.average_score)}</span>`}
      <span class="quiet">${t.photos(one.photos_total)}</span>
      ${one.superseded_by ? html`<span class="quiet">${t.history.superseded}</span>` : nothing}
      <a href="#/review/${one.evaluation_id}" aria-label="${t.history.open}: ${t.history.evaluated(t.review.modes[one.mode] ?? one.mode)} ${one.created_at}">${t.history.open}</a>`;
  }

  #compared() {
    if (this.evaluations.length < 2) return html`<p class="quiet">${t.history.onlyOne}</p>`;
    const pick = (/** @type {"earlier" | "later"} */ which) => html`<label>${t.history[which]}
      <select data-compare=${which} @change=${(/** @type {any} */ event) => this.choose(which, event.target.value)}>
        ${this.evaluations.map((one) => html`<option value=${one.evaluation_id} ?selected=${this[which] === one.evaluation_id}>
          ${nameOf(one)}
        </option>`)}
      </select></label>`;
    const [earlier, later] = [this.whole.get(this.earlier), this.whole.get(this.later)];
    return html`<div class="files">${pick("earlier")} ${pick("later")}</div>
      ${earlier && later ? differenceTable(earlier, later) : loading()}`;
  }
}

/** @param {Short} one @param {Short | undefined} than */
const isOlder = (one, than) => Boolean(than && Date.parse(one.created_at) < Date.parse(than.created_at));
