// @ts-check
/** What a review is drawn of: a step and what the model says of it, the steps, the strip, flags, records. */
import { inWords } from "./catalogue.js";
import { percent } from "./format.js";
import { html, moment, nothing, verdict } from "./parts.js";
import { evidenceOf, factList, factsOf } from "./review-compare.js";
import { thumbnail } from "./review-photos.js";
import { subject } from "./session.js";
import { t } from "./texts.js";

/** @typedef {import("./review-case.js").Case} Case */
/** @typedef {import("./review-case.js").Row} Row */
/** @typedef {import("./review-case.js").Photo} Photo */
/** @typedef {import("./review-case.js").Review} Review */
/** @typedef {import("./api.js").Schemas["ReviewSaid"]} ReviewSaid */

/** A step: what is asked for, and what the model says of the photo that decided it. @param {Case} of @param {Row} row */
export function stepShown(of, row) {
  const standing = of.standing(row.step);
  const notes = of.evaluation?.notes.filter((note) => note.step === row.step) ?? [];
  const criterion = of.asked(row.step)?.passes_when;
  return html`<section class="step-shown" aria-labelledby="step-title">
    <h2 id="step-title">${row.number}. ${row.label} ${verdict(row.outcome)}</h2>
    ${row.critical ? html`<p class="quiet">${t.review.critical}</p>` : nothing}
    ${criterion ? html`<p><strong>${t.review.passesWhen}</strong> ${criterion}</p>` : nothing}
    ${row.reason ? html`<p class="why"><strong>${t.review.because}</strong> ${row.reason}</p>` : nothing}
    ${said(row)}
    ${standing ? html`<p class="notice">${decided(standing)}</p>` : nothing}
    ${notes.map((note) => html`<p class="notice">
      <strong>${t.review.notes[note.kind] ?? note.kind}</strong> ${note.reason} <span class="quiet">${note.by ?? ""} ${moment(note.at)}</span>
    </p>`)}
  </section>`;
}

/** The model's words, reading, certainty and score. @param {{ score?: number | null, certainty?: number | null, comment?: string | null,
 *   reading?: string | null, extracted?: any, proven_by?: string | null }} of */
function said(of) {
  /** @type {[string, unknown][]} */
  const facts = [];
  if (of.score != null) facts.push([t.review.score, t.review.outOf(of.score)]);
  if (of.certainty != null) facts.push([t.review.certainty, percent(of.certainty)]);
  if (of.comment) facts.push([t.review.words, html`<q>${of.comment}</q>`]);
  if (of.reading) facts.push([t.review.reading, html`<code>${of.reading}</code>`]);
  const value = of.extracted ? Object.values(of.extracted)[0] : null;
  if (value != null && String(value) !== of.reading) facts.push([t.review.value, html`<code>${value}</code>`]);
  if (of.proven_by) facts.push([t.review.proven, t.review.provenBy[of.proven_by] ?? of.proven_by]);
  return factList(facts);
}

/** @param {ReviewSaid} one */
export const decided = (one) => html`${t.review.decided(one.by ?? t.review.somebody)} ${verdict(one.decision)}
  ${one.reason ? html`<q>${inWords(one.reason)}</q>` : nothing}
  ${one.reading ? html`${t.review.itSays}: <code>${one.reading}</code>` : nothing}
  ${one.from_evaluation ? html`<span class="quiet">${t.review.carried}</span>` : nothing} <span class="quiet">${moment(one.at)}</span>`;

/**
 * What others decided or took back, in words; none if nobody did.
 * @param {ReviewSaid[]} news @param {(step: string) => string} label what a step is called
 */
export function othersDecided(news, label) {
  const who = (/** @type {ReviewSaid} */ one) => one.by ?? t.review.somebody;
  return news.filter((one) => one.by !== subject()).map((one) => one.kind === "withdrawal"
    ? `${t.review.withdrew(who(one), one.withdraws ?? 0)}.`
    : t.review.othersDecided(who(one), t.verdicts[one.decision ?? ""] ?? "", one.step ? label(one.step) : "")).join(" ");
}

/** What the model found on the photo that is open, the step that is shown aside. @param {Case} of @param {Photo} photo @param {Row | null} row */
export function photoShown(of, photo, row) {
  const labels = new Map(of.evaluation?.steps.map((one) => [one.step, one.label]));
  const isDeciding = row?.photo === photo.name;
  const findings = photo.findings.filter((finding) => !(isDeciding && finding.step === row?.step));
  const flags = of.flags.filter((flag) => flag.photo === photo.name);
  const facts = factsOf(of, photo);
  return html`<section class="photo-shown" aria-labelledby="photo-title">
    <h3 id="photo-title">${t.review.onPhoto} <span class="name">${photo.name}</span></h3>
    ${photo.outcome === "evaluated" ? nothing : html`<p class="quiet">${t.review.outcomes[photo.outcome] ?? photo.outcome} ${photo.reason?.message ?? ""}</p>`}
    ${photo.outcome === "evaluated" && photo.findings.length === 0 ? html`<p class="quiet">${t.review.showsNothing}</p>` : nothing}
    ${findings.map((finding) => html`<div class="finding"><h4>${labels.get(finding.step) ?? finding.step}</h4>${said(finding)}</div>`)}
    ${flags.map((flag) => html`<p class="flag">⚑ ${flag.message}${flag.fails ? html` <strong>${t.review.fails}</strong>` : nothing}</p>`)}
    ${facts.length > 0 ? html`<details><summary>${t.review.origin}</summary>${factList(facts)}</details>` : nothing}
  </section>`;
}

/** @param {Case} of @param {string | null} current @param {(step: string) => void} choose */
export function steps(of, current, choose) {
  return html`<section aria-labelledby="steps-title">
    <h3 id="steps-title">${t.review.steps}</h3>
    <ol class="step-list">${of.evaluation?.steps.map((row) => html`<li>
      <button type="button" aria-pressed=${String(row.step === current)} data-action="step-${row.number}" class=${of.needs(row) ? "needs" : ""}
        @click=${() => choose(row.step)}>
        <span class="label">${row.number}. ${row.label}${row.critical ? html` <span title=${t.review.critical}>*</span>` : nothing}</span>
        ${row.score == null ? nothing : html`<span class="quiet">${t.review.outOf(row.score)}</span>`}
        ${of.standing(row.step) ? html`${verdict(row.outcome)} → ${verdict(of.standing(row.step)?.decision)}` : verdict(row.outcome)}
      </button>
    </li>`)}</ol>
  </section>`;
}

/** All photos. @param {Case} of @param {Photo | null} current @param {(photo: Photo) => void} choose @param {boolean} maySee */
export function strip(of, current, choose, maySee) {
  const { evaluation } = of;
  if (!evaluation) return nothing;
  const labels = new Map(evaluation.steps.map((one) => [one.step, one.label]));
  const shows = (/** @type {Photo} */ photo) => photo.findings.map((finding) => labels.get(finding.step) ?? finding.step).join(", ");
  const decides = new Map(evaluation.steps.filter((row) => row.photo).map((row) => [row.photo, row]));
  return html`<ul class="strip" aria-label=${t.review.photos}>${evaluation.photos.map((photo) => {
    const row = decides.get(photo.name);
    const isFlagged = of.flags.some((flag) => flag.photo === photo.name);
    const small = maySee ? thumbnail(evaluation.evaluation_id, photo) : null;
    return html`<li><button type="button" aria-pressed=${String(photo.photo_id === current?.photo_id)} title=${photo.name} @click=${() => choose(photo)}>
      <span class="thumbnail ${small?.state ?? ""}">${small?.image ?? nothing}</span>
      <span class="caption">
        ${isFlagged ? html`<span title=${t.review.flagged}>⚑<span class="unseen">${t.review.flagged}</span></span>` : nothing}
        <span class="mark ${row?.outcome ?? ""}">${row ? `${row.number}` : ""}</span>
        <span class="of">${row?.label ?? (shows(photo) || (t.review.outcomes[photo.outcome] ?? photo.outcome) || t.review.noStep)}</span>
        <span class="unseen">${photo.name}</span>
      </span>
    </button></li>`;
  })}</ul>`;
}

/** Flags with their evidence. @param {Case} of @param {(name: string, isBeside: boolean) => void} show */
export function flags(of, show) {
  const all = of.flags;
  const left = of.evidence?.flags_left_out ?? of.evaluation?.flags_left_out ?? 0;
  if (all.length === 0) return nothing;
  return html`<section aria-labelledby="flags-title">
    <h3 id="flags-title">${t.review.flags(all.length)}</h3>
    <ul class="flag-list">${all.map((flag) => {
      const photo = of.photo(flag.photo);
      const known = photo ? evidenceOf(of, photo) : null;
      const hasOther = Boolean(known?.also_in) || [...(of.evidence?.serials ?? [])].some((one) => one.photo === flag.photo)
        || [...(of.evidence?.cameras ?? [])].some((one) => one.own.photo === flag.photo);
      return html`<li>
        <p>⚑ ${flag.message}${flag.fails ? html` <strong>${t.review.fails}</strong>` : nothing}</p>
        ${photo ? html`<button type="button" @click=${() => show(flag.photo, false)}>${t.review.showPhoto}</button>` : nothing}
        ${photo && hasOther ? html`<button type="button" @click=${() => show(flag.photo, true)}>${t.review.sideBySide}</button>` : nothing}
      </li>`;
    })}</ul>
    ${left > 0 ? html`<p class="quiet">${t.review.leftOut(left)}</p>` : nothing}
  </section>`;
}

/** Whether one can take it back: it stands, and is one's own. @param {Review} one */
export const isOwn = (one) => one.kind === "decision" && one.state.state === "stands" && one.by === subject();

/** What people decided of the DR. @param {Case} of @param {((one: Review) => void) | null} withdraw */
export function records(of, withdraw) {
  if (of.reviews.length === 0) return nothing;
  const labels = new Map(of.evaluation?.steps.map((one) => [one.step, one.label]));
  const chain = of.evaluation?.reviews.chain;
  return html`<section aria-labelledby="records-title">
    <h3 id="records-title">${t.review.records}</h3>
    ${chain?.state === "broken" ? html`<p class="wrong" role="alert">${t.review.broken(chain.at)}</p>` : nothing}
    <ol class="records">${of.reviews.map((one) => html`<li class=${one.state.state}>
      <span class="quiet">#${one.number}</span>
      ${one.kind === "withdrawal"
        ? html`${t.review.withdrew(one.by ?? t.review.somebody, one.withdraws ?? 0)} <span class="quiet">${moment(one.at)}</span>`
        : html`${one.step ? html`<strong>${labels.get(one.step) ?? one.step}:</strong>` : nothing} ${decided(one)}`}
      ${one.state.state === "stands" || one.state.state === "withdraws" ? nothing : html`<span class="quiet">${t.review.states[one.state.state] ?? one.state.state}</span>`}
      ${withdraw && isOwn(one) ? html`<button type="button" class="plain" aria-label="${t.review.takeBack} #${one.number}" @click=${() => withdraw(one)}>${t.review.takeBack}</button>` : nothing}
    </li>`)}</ol>
  </section>`;
}
