// @ts-check
/** The evaluation of a DR: asked for, how far it has come, its verdict, and what reviewers decided. */
import { failure, html, moment, nothing, verdict } from "./parts.js";
import { decided } from "./technician-checklist.js";
import { t } from "./texts.js";
import * as uploads from "./uploads.js";

/** @typedef {import("./openapi.d.ts").components["schemas"]} Schemas */

/** @param {import("./technician-dr.js").DrFollower} follower @param {Schemas["Dr"]} dr */
export function evaluation(follower, dr) {
  const { evaluation, refused, isAsking } = follower.known;
  const runs = Boolean(evaluation && evaluation.status !== "completed");
  const kept = uploads.waiting(dr.dr_number);
  const isOff = isAsking || runs || dr.photos_total === 0;
  const why = dr.photos_total === 0 ? t.technician.evaluation.noPhotos : kept > 0 ? t.technician.evaluation.kept(kept) : "";
  return html`<section class="card evaluation" aria-labelledby="evaluation-title">
    <h2 id="evaluation-title">${t.technician.evaluation.title}</h2>
    <div role="status">${evaluation ? stands(evaluation, dr) : html`<p class="quiet">${t.technician.evaluation.none}</p>`}</div>
    ${evaluation ? since(evaluation) : nothing}
    ${dr.decisions.filter((one) => !one.step).map(decided)}
    ${refused ? failure(refused, undefined, t.states.notSent) : nothing}
    <div class="does">
      <button type="button" class="primary" data-action="evaluate" aria-disabled=${String(isOff)}
        aria-describedby="evaluate-why" @click=${() => isOff || follower.evaluate()}>
        ${isAsking ? t.technician.evaluation.asking : t.technician.evaluation.ask}
      </button>
      <span id="evaluate-why" class="quiet">${why}</span>
    </div>
  </section>`;
}

/** Where it stands. @param {Schemas["Evaluation"]} evaluation @param {Schemas["Dr"]} dr */
function stands(evaluation, dr) {
  if (evaluation.status !== "completed") return running(evaluation);
  const reviewed = evaluation.reviewed_verdict ?? dr.reviewed_verdict;
  return html`
    <p class="verdict-line" data-verdict=${evaluation.verdict ?? ""}>
      ${verdict(evaluation.verdict)}
      <span class="quiet">${t.photos(evaluation.progress.photos_total)}</span>
    </p>
    ${reviewed ? html`<p class="verdict-line" data-reviewed=${reviewed}>${t.technician.evaluation.reviewed} ${verdict(reviewed)}</p>` : nothing}
    ${evaluation.stale ? html`<p class="waits">${t.technician.evaluation.stale}</p>` : nothing}
  `;
}

/** @param {Schemas["Evaluation"]} evaluation */
function running({ progress, waiting }) {
  return html`
    <p>${t.technician.evaluation.runs(progress.photos_done, progress.photos_total)}</p>
    <progress max=${progress.photos_total || 1} value=${progress.photos_done} aria-label=${t.technician.evaluation.title}></progress>
    ${waiting ? html`<p class="waits">${t.technician.evaluation.waits}</p>` : nothing}
  `;
}

/** Since when it stands, or waits: beside what is read out, which would be read again with each second. @param {Schemas["Evaluation"]} evaluation */
function since({ completed_at, waiting }) {
  const at = completed_at ?? waiting?.since;
  return at ? html`<p class="quiet">${moment(at)}</p>` : nothing;
}
