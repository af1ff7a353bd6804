// @ts-check
/** Two photos side by side, by one lens: nearer in one is nearer in both. */
import { get } from "./api.js";
import { exact } from "./format.js";
import { empty, html, loading, nothing, told_of } from "./parts.js";
import { caseOf } from "./review-case.js";
import { Dialog } from "./review-dialog.js";
import { onPhoto, original } from "./review-photos.js";
import { t } from "./texts.js";
import { Lens, Stage } from "./zoom.js";

/** @typedef {import("./review-case.js").Case} Case */
/** @typedef {import("./review-case.js").Photo} Photo */
/** @typedef {import("./review-case.js").Evaluation} Evaluation */
/**
 * @typedef {object} Side
 * @property {string} title
 * @property {string} evaluation
 * @property {{ photo_id: string, name: string } | null} photo none if it is not to be had
 * @property {[string, unknown][]} facts
 * @property {import("./api.js").Schemas["Position"] | null} where
 * @property {string | null} when by the camera's clock
 * @property {string} [none] why there is no photo
 *
 * @typedef {{ label: string, title: string, other: () => Promise<Side> }} Candidate
 */

const MOST_LOOKED_THROUGH = 5;

/** What a photo could be put beside, the most telling first. @param {Case} of @param {Photo} photo @param {boolean} isCurrent @returns {Candidate[]} */
export function candidates(of, photo, isCurrent) {
  const { evaluation } = of;
  if (!evaluation) return [];
  const dr = evaluation.dr_number;
  /** @type {Candidate[]} */
  const found = [];
  if (!isCurrent) {
    const how = { not: photo.photo_id, since: evaluation.created_at, none: t.review.beside.noSuccessor };
    found.push({ label: t.review.beside.successor, title: t.review.beside.successor, other: () => inDr(dr, photo.name, how) });
  }
  const also = evidenceOf(of, photo)?.also_in;
  if (also) found.push({ label: t.review.beside.elsewhere(also.dr_number), title: t.review.beside.elsewhere(also.dr_number), other: () => inDr(also.dr_number, also.photo) });
  for (const camera of of.evidence?.cameras ?? []) {
    const there = camera.other;
    if (camera.own.photo === photo.name) found.push({ label: t.review.beside.camera(there.dr_number), title: t.review.beside.camera(there.dr_number), other: () => inDr(there.dr_number, there.photo) });
  }
  for (const serial of of.evidence?.serials ?? []) {
    if (serial.photo !== photo.name) continue;
    for (const there of serial.also_on) found.push({ label: t.review.beside.serial(there.dr_number), title: t.review.beside.serial(there.dr_number), other: () => inDr(there.dr_number, there.photo) });
  }
  for (const name of photo.looks_like) {
    const like = of.photo(name);
    if (like) found.push({ label: t.review.beside.like(name), title: t.review.beside.like(name), other: async () => side(of, like) });
  }
  if (evaluation.cache.missed_because.includes("photos")) {
    const label = t.review.beside.earlier;
    found.push({ label, title: label, other: () => inDr(dr, photo.name, { not: photo.photo_id }) });
  }
  return found;
}

/** @param {Case} of @param {Photo} photo */
export const evidenceOf = (of, photo) => of.evidence?.photos.find((one) => one.photo_id === photo.photo_id) ?? null;

/** @param {Case} of @param {Photo} photo @returns {Side} */
export function side(of, photo) {
  const known = evidenceOf(of, photo);
  return {
    title: `${of.evaluation?.dr_number} · ${photo.name}`,
    evaluation: of.id,
    photo,
    facts: factsOf(of, photo),
    where: known?.position ?? null,
    when: known?.captured_at ?? photo.facts?.metadata?.captured_at ?? null,
  };
}

/** What is known of where and when, and of what codes say. @param {Case} of @param {Photo} photo @returns {[string, unknown][]} */
export function factsOf(of, photo) {
  const known = evidenceOf(of, photo);
  const facts = t.review.facts;
  /** @type {[string, unknown][]} */
  const all = [
    [facts.evaluated, of.evaluation ? exact(of.evaluation.created_at) : null],
    [facts.taken, (known?.captured_at ?? photo.facts?.metadata?.captured_at)?.replace("T", " ")],
    [facts.uploaded, known?.uploaded_at ? exact(known.uploaded_at) : null],
    [facts.camera, known?.camera ?? photo.facts?.metadata?.camera],
    [facts.distance, known?.metres_from_expected != null ? facts.metres(known.metres_from_expected) : null],
    [facts.position, known?.position ? `${known.position.latitude.toFixed(5)}, ${known.position.longitude.toFixed(5)}` : null],
  ];
  for (const code of known?.codes ?? []) all.push([facts.code, code.code], [facts.read, code.reading ?? facts.nothing]);
  for (const camera of of.evidence?.cameras ?? []) {
    if (camera.own.photo === photo.name) all.push([facts.cameraElsewhere, facts.apart(camera.other.dr_number, camera.kilometres, camera.minutes)]);
  }
  for (const serial of of.evidence?.serials ?? []) {
    if (serial.photo === photo.name) all.push([facts.serial(serial.serial), serial.also_on.map((one) => one.dr_number).join(", ")]);
  }
  return all.filter(([, value]) => value != null && value !== "");
}

/** @param {[string, unknown][]} facts */
export const factList = (facts) => html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/** A photo of another evaluation, by its name: the newest that has it. @param {string} dr @param {string} name
 * @param {{ not?: string, since?: string, none?: string }} [how] of evaluations after that moment only; what is said where there is none
 * @returns {Promise<Side>} */
async function inDr(dr, name, how = {}) {
  const history = await get(`drs/${dr}/evaluations?limit=${MOST_LOOKED_THROUGH}`);
  const isLater = (/** @type {{ created_at: string }} */ one) => !how.since || Date.parse(one.created_at) > Date.parse(how.since);
  for (const short of history.evaluations.filter(isLater)) {
    const other = caseOf(short.evaluation_id);
    await other.load();
    const photo = other.evaluation?.photos.find((one) => one.name === name && one.photo_id !== how.not);
    if (photo) return side(other, photo);
  }
  return { title: `${dr} · ${name}`, evaluation: "", photo: null, facts: [], where: null, when: null, none: how.none };
}

/** How far from each other, and how long between: in a line, if it is known. @param {Side} one @param {Side} other */
function apart(one, other) {
  const facts = t.review.facts;
  const said = [];
  if (one.where && other.where) said.push(facts.metres(Math.round(metres(one.where, other.where))));
  if (one.when && other.when) said.push(facts.between(Math.abs(Date.parse(one.when) - Date.parse(other.when)) / 60_000));
  return said.length > 0 ? html`<p><strong>${facts.apartLine}</strong> ${said.join(", ")}</p>` : nothing;
}

/** @typedef {import("./api.js").Schemas["Position"]} Position */
/** On the earth as a ball. @param {Position} one @param {Position} other */
function metres(one, other) {
  const rad = Math.PI / 180;
  const half = (/** @type {number} */ a, /** @type {number} */ b) => Math.sin(((b - a) * rad) / 2) ** 2;
  const share = half(one.latitude, other.latitude)
    + Math.cos(one.latitude * rad) * Math.cos(other.latitude * rad) * half(one.longitude, other.longitude);
  return 2 * 6_371_000 * Math.asin(Math.min(1, Math.sqrt(share)));
}

export class Compare {
  /** @param {{ title: string, own: Side, other: () => Promise<Side>, changed: () => void, closed: () => void }} how */
  constructor(how) {
    const lens = new Lens();
    this.stages = [new Stage(how.own.title, lens), new Stage(how.title, lens)];
    this.own = how.own;
    /** @type {Side | null} */
    this.other = null;
    /** @type {unknown} */
    this.error = null;
    this.lens = lens;
    this.stop = onPhoto(how.changed);
    this.dialog = new Dialog({
      name: "compare",
      title: how.title,
      wide: true,
      keys: { "+": "compare-nearer", "-": "compare-farther", z: "compare-fit" },
      changed: how.changed,
      closed: () => {
        this.stop();
        for (const stage of this.stages) stage.close();
        how.closed();
      },
    });
    how.other().then((side) => (this.other = side), (error) => (this.error = error)).finally(how.changed);
  }

  render() {
    return this.dialog.render(html`
      <div class="tools">
        <button type="button" data-action="compare-nearer" aria-label=${t.review.nearer} @click=${() => this.stages[0].nearer()}>+</button>
        <button type="button" data-action="compare-farther" aria-label=${t.review.farther} @click=${() => this.stages[0].farther()}>−</button>
        <button type="button" data-action="compare-fit" @click=${() => this.lens.reset()}>${t.review.fit}</button>
      </div>
      ${this.other?.photo ? apart(this.own, this.other) : nothing}
      <div class="sides">${this.#side(this.own, 0)}${this.other || this.error ? this.#side(this.other, 1) : loading()}</div>`);
  }

  /** @param {Side | null} side @param {number} at */
  #side(side, at) {
    if (!side) return html`<p class="wrong">${told_of(this.error).text}</p>`;
    const shown = side.photo ? original(side.evaluation, side.photo) : null;
    this.stages[at].show(shown?.image ?? null, `${side.evaluation}/${side.photo?.photo_id}`);
    return html`<figure>
      <figcaption>${side.title}</figcaption>
      ${side.photo ? this.stages[at].element : empty(side.none ?? t.review.beside.none)}
      ${shown?.state === "loading" ? loading() : nothing}
      ${shown?.state === "failed" ? html`<p class="wrong">${told_of(shown.error).text}</p>` : nothing}
      ${factList(side.facts)}
    </figure>`;
  }
}
