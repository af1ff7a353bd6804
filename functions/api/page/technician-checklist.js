// @ts-check
/** The checklist: of each step what is asked, what is seen, and what people said and decided of it. */
import { html, moment, nothing, verdict } from "./parts.js";
import { percent } from "./format.js";
import { nameOf } from "./technician-photos.js";
import { t } from "./texts.js";

/** @typedef {import("./openapi.d.ts").components["schemas"]} Schemas */
/** @typedef {import("./uploads.js").Upload} Upload */

const SIGNS = { seen: "✓", weak: "✕", not_seen: "○" };

/** @param {Schemas["Dr"]} dr @param {Upload[]} mine @param {import("./technician-photos.js").Pictures} pictures @param {import("./technician-notes.js").Notes} notes */
export function checklist(dr, mine, pictures, notes) {
  const seen = dr.steps.filter(({ state }) => state === "seen").length;
  return html`<section class="card" aria-labelledby="checklist-title">
    <h2 id="checklist-title">${t.technician.checklist} <span class="quiet">${t.technician.seenOf(seen, dr.steps.length)}</span></h2>
    <ol class="checklist">${dr.steps.map((step) => row(step, dr, mine, pictures, notes))}</ol>
  </section>`;
}

/** @param {Schemas["ChecklistStep"]} step @param {Schemas["Dr"]} dr @param {Upload[]} mine @param {import("./technician-photos.js").Pictures} pictures @param {import("./technician-notes.js").Notes} notes */
function row(step, dr, mine, pictures, notes) {
  const decisions = dr.decisions.filter((one) => one.step === step.step);
  return html`<li class="step ${step.state}" data-step=${step.step} data-state=${step.state}>
    ${pictures.of(step.photo)}
    <div class="step-head">
      <h3><span class="sign" aria-hidden="true">${SIGNS[step.state] ?? "?"}</span> ${step.number}. ${step.label}</h3>
      <p class="tags">
        <span class="tag ${step.state}">${t.technician.stepStates[step.state] ?? step.state}</span>
        ${step.critical ? html`<span class="tag critical">${t.technician.critical}</span>` : nothing}
        ${step.score == null ? nothing : html`<span>${t.technician.score(step.score)}</span>`}
        ${step.certainty == null ? nothing : html`<span class="quiet">${t.technician.certain(percent(step.certainty))}</span>`}
      </p>
    </div>
    <div class="step-body">
      <p class="quiet">${t.technician.passesWhen(step.passes_when)}</p>
      ${what(step, mine)}
      ${decisions.map(decided)}
      ${notes.of(step, dr)}
    </div>
  </li>`;
}

/** What is seen, and what is wrong with it. @param {Schemas["ChecklistStep"]} step @param {Upload[]} mine */
function what(step, mine) {
  const remedy = step.remedy ?? "retake";
  const words = t.technician.remedies[remedy] ?? t.technician.remedies.retake;
  return html`
    ${step.reading ? html`<p>${t.technician.reads} <code>${step.reading}</code></p>` : nothing}
    ${step.photo
      ? html`<p class="quiet">${t.technician.onPhoto(nameOf(step.photo, mine))}${step.comment ? `: ${step.comment}` : ""}</p>`
      : nothing}
    ${step.state === "weak" ? html`<p class="wrong"><strong>${words}</strong>: ${step.reason ?? t.technician.weak}</p>` : nothing}
    ${step.state !== "seen" && step.may_be_on.length > 0
      ? html`<p class="waits">${t.technician.mayBeOn(step.may_be_on.map((name) => nameOf(name, mine)))}</p>`
      : nothing}
  `;
}

/** A reviewer's decision. @param {Schemas["ShownDecision"]} decision */
export const decided = (decision) => html`<p class="decided">
  ${t.technician.reviewer} ${verdict(decision.decision)} ${decision.reason ?? ""} ${moment(decision.at)}
</p>`;
