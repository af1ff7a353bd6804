// @ts-check
/**
 * An evaluation as a reviewer has it: with people's records, what each step asks for, and the evidence.
 *
 * Invariants
 * - What is known is shown; what belongs to it comes as it does, and is missed by nobody who may not see it.
 */
import { get } from "./api.js";
import { catalogueOf } from "./catalogue.js";
import { may } from "./session.js";

/** @typedef {import("./api.js").Schemas["Evaluation"]} Evaluation */
/** @typedef {import("./api.js").Schemas["StepVerdict"]} Row */
/** @typedef {import("./api.js").Schemas["EvaluatedPhoto"]} Photo */
/** @typedef {import("./api.js").Schemas["Review"]} Review */
/** @typedef {import("./api.js").Schemas["Evidence"]} Evidence */

const MOST = 12;
/** @type {Map<string, Case>} */
const cases = new Map();

/** The evaluation; the same one each time, while it is on hand. @param {string} id @param {() => void} [changed] for whom it is on the screen */
export function caseOf(id, changed) {
  const known = cases.get(id) ?? new Case(id);
  if (changed) known.changed = changed;
  cases.delete(id);
  cases.set(id, known);
  const [oldest] = cases.keys();
  if (cases.size > MOST && oldest !== undefined) cases.delete(oldest);
  return known;
}

export class Case {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {Evaluation | null} */
    this.evaluation = null;
    /** @type {Review[]} */
    this.reviews = [];
    /** @type {Evidence | null} */
    this.evidence = null;
    /** @type {import("./catalogue.js").Catalogue | null} */
    this.catalogue = null;
    /** @type {unknown} */
    this.error = null;
    this.changed = () => {};
    /** Whether the records were read before: what is new then was decided meanwhile. */
    this.hasReviews = false;
    /** @type {(news: Review[]) => void} */
    this.decided = () => {};
    /** @type {Promise<void> | null} */
    this.loading = null;
    /** As of when it is known, by `performance.now()`. */
    this.asOf = -Infinity;
  }

  /** Reads it, or reads it again. */
  load() {
    this.loading ??= this.#load().finally(() => {
      this.loading = null;
      this.changed();
    });
    return this.loading;
  }

  /** Reads it again, as it is from now on: what is being read may be older. */
  async reload() {
    await this.loading;
    await this.load();
  }

  async #load() {
    const asOf = performance.now();
    try {
      const evaluation = await get(`evaluations/${this.id}`);
      this.evaluation = evaluation;
      this.asOf = asOf;
      this.error = null;
      this.changed();
      await Promise.all([this.#loadReviews(), this.#loadCatalogue(evaluation), this.#loadEvidence(evaluation)]);
    } catch (error) {
      this.error = error;
    }
  }

  async #loadReviews() {
    const page = await get(`evaluations/${this.id}/reviews`).catch(() => null);
    if (!page) return;
    const last = this.reviews.at(-1)?.number ?? 0;
    const news = page.reviews.filter((/** @type {Review} */ one) => one.number > last);
    this.reviews = page.reviews;
    if (this.hasReviews && news.length > 0) this.decided(news);
    this.hasReviews = true;
  }

  /** @param {Evaluation} evaluation */
  async #loadCatalogue(evaluation) {
    this.catalogue = await catalogueOf(evaluation.catalogue_version);
  }

  /** @param {Evaluation} evaluation */
  async #loadEvidence(evaluation) {
    if (!may("reviewer") || evaluation.status !== "completed") return;
    this.evidence = await get(`evaluations/${this.id}/evidence`).catch(() => this.evidence);
  }

  /** What a step asks for. @param {string} step */
  asked(step) {
    return this.catalogue?.steps.find((one) => one.step === step) ?? null;
  }

  /** Why a step may fail, its own reasons first; without a step, why any may. @param {string | null} step */
  failReasons(step) {
    const asked = step ? this.asked(step) : null;
    const codes = [...(asked?.fail_codes ?? []), ...(this.catalogue?.fail_codes ?? [])];
    const coded = codes.map((code) => ({ reason: code.fail_code, text: code.reason }));
    // The first catalogues have no codes, but a reason for each step.
    return coded.length > 0 || !asked ? coded : [{ reason: asked.fail_reason, text: asked.fail_reason }];
  }

  /** The decision of a step, or of the whole, that stands. @param {string | null} step */
  standing(step) {
    const stands = this.evaluation?.reviews.standing.find((one) => (one.step ?? null) === step);
    // An evaluation, which its technician sees, too, does not say who decided.
    return stands ? { ...stands, by: this.reviews.find(({ number }) => number === stands.number)?.by ?? null } : null;
  }

  /** @param {string | null | undefined} name @returns {Photo | null} */
  photo(name) {
    return this.evaluation?.photos.find((one) => one.name === name) ?? null;
  }

  /** Flags, in full where one may see them. */
  get flags() {
    return this.evidence?.flags ?? this.evaluation?.flags ?? [];
  }

  /** The steps, those first that need a person. @returns {Row[]} */
  get byNeed() {
    const { evaluation } = this;
    if (!evaluation) return [];
    const need = new Map(evaluation.steps.map((row) => [row.step, this.#need(row)]));
    return [...evaluation.steps].sort((a, b) => (need.get(b.step) ?? 0) - (need.get(a.step) ?? 0) || a.number - b.number);
  }

  /** How much a step needs a person: what decides the verdict before what may be wrong before what is uncertain. @param {Row} row */
  #need(row) {
    const { evaluation } = this;
    if (!evaluation || this.standing(row.step)) return 0;
    const isContested = evaluation.notes.some((note) => note.step === row.step);
    const isFlagged = this.flags.some((flag) => flag.step === row.step || flag.photo === row.photo);
    const notPassed = row.outcome === "pass" ? 0 : row.critical ? 8 : 4;
    return notPassed + (isContested ? 6 : 0) + (isFlagged ? 3 : 0) + (1 - (row.certainty ?? 1));
  }

  /** Whether a step needs a person, and nobody has decided it. @param {Row} row */
  needs(row) {
    return this.#need(row) >= 1;
  }

  /** The photo to begin with: what decided the step, else what its name promises or the model saw of it. @param {Row} row */
  decidingPhoto(row) {
    const { evaluation } = this;
    if (!evaluation) return null;
    const decided = this.standing(row.step)?.photo ?? row.photo;
    const best = (/** @type {Photo} */ photo) => photo.findings.find((finding) => finding.step === row.step)?.score ?? -1;
    const [shown] = evaluation.photos.filter((photo) => best(photo) >= 0).sort((a, b) => best(b) - best(a));
    return this.photo(decided) ?? shown ?? evaluation.photos.find((photo) => photo.step_hint === row.step) ?? null;
  }
}
