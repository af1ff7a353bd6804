// @ts-check
/** Where things are in a review: its head, the photo, what is known, and the decisions. */
import { percent } from "./format.js";
import { preferences } from "./keys.js";
import { failure, html, loading, moment, nothing, told_of, verdict } from "./parts.js";
import { confirmed } from "./queue-bulk.js";
import { stale } from "./review-again.js";
import * as parts from "./review-parts.js";
import { again as photoAgain } from "./review-photos.js";
import * as outbox from "./review-said.js";
import { t } from "./texts.js";

/** @typedef {import("./view-review.js").Review} Review */
/** @typedef {import("./review-photos.js").Shown} Shown */

/** @param {Review} view */
export function head(view) {
  const { of, list } = view;
  const evaluation = of.evaluation;
  if (!evaluation) return nothing;
  const place = list.place(of.id);
  return html`<div class="head">
    <a href="#/queue?${list.address}" data-action="queue">${t.review.toQueue}</a>
    <h1 tabindex="-1">${evaluation.dr_number}</h1>
    <span class="judged">${verdict(evaluation.verdict)}
      ${evaluation.reviewed_verdict ? html`<span title=${t.queue.byPeople}>→ <span class="unseen">${t.queue.byPeople}</span>${verdict(evaluation.reviewed_verdict)}</span>` : nothing}</span>
    <span class="figures">
      <span>${t.review.modes[evaluation.mode]}</span>
      ${evaluation.average_score == null ? nothing : html`<span>${t.queue.score(evaluation.average_score)}</span>`}
      ${evaluation.certainty == null ? nothing : html`<span>${t.queue.certain(percent(evaluation.certainty))}</span>`}
      <span>${moment(evaluation.created_at)}</span>
    </span>
    <span class="way">
      <a href="#/history/${evaluation.dr_number}" data-action="history">${t.nav.history}</a>
      ${view.mayDecide ? html`<button type="button" class="plain" data-action="again" @click=${() => view.again()}>${t.review.again.title}</button>` : nothing}
      <span class="around"><button type="button" data-action="previous" data-repeat aria-label=${t.review.previous} ?disabled=${!list.before(of.id)} @click=${() => view.to(list.before(of.id))}>←</button>
      <span class="quiet">${place ? t.review.place(place.at, place.of, place.hasMore) : ""}</span>
      <button type="button" data-action="next" data-repeat aria-label=${t.review.next} @click=${() => view.next()}>→</button></span>
    </span>
  </div>
  ${of.error ? failure(of.error, () => of.load()) : nothing}
  ${view.claim?.others ? html`<p class="notice" role="status">${told_of(view.claim.others).text} ${t.review.lookOn}</p>` : nothing}
  ${view.told ? html`<p class="notice" role="status">${view.told}</p>` : nothing}
  ${evaluation.superseded_by ? html`<p class="notice">${t.review.superseded} <a href="#/review/${evaluation.superseded_by}?${list.address}">${t.review.toNewer}</a></p>` : nothing}
  ${stale(evaluation)}
  ${evaluation.waiting ? html`<p class="notice">${t.review.waiting} ${evaluation.waiting.reason ?? ""} ${moment(evaluation.waiting.since)}</p>` : nothing}
  ${evaluation.verdict ? nothing : html`<p class="notice" role="status"><span class="spinner"></span> ${t.review.progress(evaluation.progress.photos_done, evaluation.progress.photos_total)}
    <progress max=${evaluation.progress.photos_total} .value=${evaluation.progress.photos_done} aria-label=${t.review.progressLabel}></progress></p>`}`;
}

/** @param {Review} view @param {Shown | null} shown */
export function picture(view, shown) {
  const { of, photo, stage } = view;
  const beside = view.besides;
  return html`
    <div class="tools" role="toolbar" aria-label=${t.review.tools}>
      <button type="button" data-action="previous-photo" data-repeat aria-label=${t.review.previousPhoto} @click=${() => view.photoBy(-1)}>‹</button>
      <button type="button" data-action="next-photo" data-repeat aria-label=${t.review.nextPhoto} @click=${() => view.photoBy(1)}>›</button>
      ${view.mayDecide ? html`<button type="button" data-action="nearer" data-repeat aria-label=${t.review.nearer} @click=${() => stage.nearer()}>+</button>
      <button type="button" data-action="farther" data-repeat aria-label=${t.review.farther} @click=${() => stage.farther()}>−</button>
      <button type="button" data-action="full" @click=${() => stage.full()}>${t.review.full}</button>
      <button type="button" data-action="turn" @click=${() => stage.turn()}>${t.review.turn}</button>
      <button type="button" data-action="beside" ?disabled=${beside.length === 0} title=${beside[0]?.label ?? t.review.beside.nothing} @click=${() => view.compare(beside[0])}>${t.review.sideBySide}</button>` : nothing}
    </div>
    ${shown?.link && !shown.link.is_current
      ? html`<p class="notice">${t.review.replaced}</p>`
      : nothing}
    <div class="stage-place">
      ${stage.element}
      ${overStage(view, shown)}
    </div>
    ${parts.strip(of, photo, (one) => view.choosePhoto(one), view.mayDecide)}`;
}

/** What is to be said where the photo would be. @param {Review} view @param {Shown | null} shown */
function overStage(view, shown) {
  if (!view.mayDecide) return html`<div class="instead"><p>${t.review.noPhotos}</p></div>`;
  if (!view.photo) return html`<div class="instead"><p>${t.review.noPhotoShows}</p></div>`;
  if (shown?.state === "loading") return html`<div class="instead">${loading(t.review.photoComes)}</div>`;
  if (shown?.state === "failed") {
    return html`<div class="instead">${failure(shown.error, () => { if (view.photo) photoAgain(view.of.id, view.photo); view.frame.draw(); })}</div>`;
  }
  return nothing;
}

/** @param {Review} view */
export function panel(view) {
  const { of, row, photo } = view;
  const whole = of.standing(null);
  const show = (/** @type {string} */ name, /** @type {boolean} */ isBeside) => {
    const flagged = of.photo(name);
    if (!flagged) return;
    view.choosePhoto(flagged);
    if (isBeside) view.compare(view.besides[0]);
  };
  return html`
    ${whole ? html`<p class="notice">${t.review.ofWhole} ${parts.decided(whole)}</p>` : nothing}
    ${row ? parts.stepShown(of, row) : nothing}
    ${photo ? parts.photoShown(of, photo, row) : nothing}
    <div class="hidden-steps">
      <button type="button" class="plain" data-action="previous-step" data-repeat aria-label=${t.review.previousStep} @click=${() => view.stepBy(-1)}>↑</button>
      <button type="button" class="plain" data-action="next-step" data-repeat aria-label=${t.review.nextStep} @click=${() => view.stepBy(1)}>↓</button>
    </div>
    ${parts.steps(of, view.step, (step) => view.chooseStep(step))}
    ${parts.flags(of, show)}
    ${parts.records(of, view.mayDecide ? (one) => view.withdraw(one) : null)}`;
}

/** @param {Review} view */
export function decisions(view) {
  const { evaluation } = view.of;
  if (!evaluation || !view.mayDecide) return nothing;
  const verdict = view.isBehind ? null : confirmed(evaluation);
  // What a decision is about is on the screen.
  const canDecide = evaluation.verdict != null && (view.row !== null || evaluation.steps.length === 0);
  return html`<div class="decide" role="region" aria-label=${t.review.decideLabel}>
    <button type="button" class="primary" data-action="confirm" ?disabled=${!verdict} @click=${() => view.confirm()}>
      ${verdict ? t.review.confirm(t.verdicts[verdict]) : view.isBehind ? t.review.recording : t.review.nothingToConfirm} ${keyOf("confirm", "c")}
    </button>
    <button type="button" data-action="pass" ?disabled=${!canDecide} @click=${() => view.overrule("pass")}>${t.review.pass} ${keyOf("pass", "p")}</button>
    <button type="button" data-action="fail" ?disabled=${!canDecide} @click=${() => view.overrule("fail")}>${t.review.fail} ${keyOf("fail", "f")}</button>
    <button type="button" data-action="take-back" ?disabled=${!view.undoable} @click=${() => view.takeBack()}>${t.review.takeBack} ${keyOf("take-back", "u")}</button>
    ${lastSaid()}
    ${view.isAtEnd && view.list.error ? failure(view.list.error, () => view.next()) : nothing}
    ${view.isAtEnd && !view.list.error ? html`<span role="status">${t.review.atEnd}</span>` : nothing}
  </div>`;
}

/** By which key a button is pressed. @param {string} action @param {string} key as it comes */
const keyOf = (action, key) => (preferences.on ? html`<kbd aria-hidden="true">${(preferences.own[action] ?? key).toUpperCase()}</kbd>` : nothing);

/** What became of the last decision; what was not recorded stays until it is. */
function lastSaid() {
  const failed = outbox.said.filter(({ state }) => state === "failed");
  const one = outbox.said.at(-1);
  if (!one) return nothing;
  const { dr, decision, step } = one.wish;
  const words = { going: t.review.recording, stands: t.review.stands(one.answer?.review?.number ?? 0), failed: "", taking: t.review.taking, taken: t.review.taken }[one.state];
  return html`
    ${one.state === "failed" ? nothing : html`<span class="last" data-said=${one.state}>${t.review.saidOf(dr, t.verdicts[decision] ?? decision, Boolean(step))} ${words}
      ${one.error ? told_of(one.error).text : nothing}</span>`}
    ${failed.map((one) => html`<span class="wrong" role="alert">${notRecorded(one)}</span>`)}`;
}

/** A decision that was not recorded, or of which that is not known: which, why, and what to do. @param {outbox.Said} one */
export const notRecorded = (one) => html`
  ${t.review.saidOf(one.wish.dr, t.verdicts[one.wish.decision] ?? one.wish.decision, Boolean(one.wish.step))} ${outbox.isUnsure(one) ? t.review.isNotKnown : t.review.wasNotRecorded}
  ${told_of(one.error).text}
  <button type="button" data-send-again @click=${() => outbox.again(one)}>${outbox.isUnsure(one) ? t.review.sendAgain : t.states.again}</button>
  <button type="button" class="plain" data-let-go @click=${() => outbox.forget(one)}>${t.review.letGo}</button>`;

