// @ts-check
/** What a technician says of a step: that they disagree, or that it can't be photographed. */
import { announce, html, moment, nothing, told_of } from "./parts.js";
import { t } from "./texts.js";

/** @typedef {import("./openapi.d.ts").components["schemas"]} Schemas */

/** Bytes of a reason. */
const LONGEST = 500;
const KINDS = /** @type {const} */ (["disagree", "cannot_be_photographed"]);

export class Notes {
  /** @param {(step: string, kind: string, reason: string) => Promise<void>} say @param {() => void} draw */
  constructor(say, draw) {
    this.say = say;
    this.draw = draw;
    /** @type {{ step: string, kind: string, isBusy: boolean, wrong: string } | null} */
    this.writing = null;
  }

  /** @param {string} step @param {string} kind */
  begin(step, kind) {
    this.writing = { step, kind, isBusy: false, wrong: "" };
    this.draw();
    requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("note-reason")?.focus()));
  }

  end() {
    const writing = this.writing;
    this.writing = null;
    this.draw();
    if (!writing) return;
    const button = `[data-step="${CSS.escape(writing.step)}"] [data-note="${writing.kind}"]`;
    requestAnimationFrame(() => requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(button))?.focus()));
  }

  /** @param {SubmitEvent} event */
  async submit(event) {
    event.preventDefault();
    const { writing } = this;
    if (!writing || writing.isBusy) return;
    const field = /** @type {HTMLInputElement} */ (document.getElementById("note-reason"));
    const reason = field.value.trim();
    const bytes = new TextEncoder().encode(reason).length;
    writing.wrong = bytes === 0 ? t.technician.note.empty : bytes > LONGEST ? t.technician.note.long : "";
    if (writing.wrong) {
      field.focus();
      return this.draw();
    }
    writing.isBusy = true;
    this.draw();
    try {
      await this.say(writing.step, writing.kind, reason);
      announce(t.technician.note.said);
      if (this.writing === writing) this.end();
    } catch (error) {
      writing.isBusy = false;
      writing.wrong = told_of(error, t.states.notSent).text;
      this.draw();
    }
  }

  /** What was said of a step, and what can be. @param {Schemas["ChecklistStep"]} step @param {Schemas["Dr"]} dr */
  of(step, dr) {
    const said = dr.notes.filter((note) => note.step === step.step);
    return html`
      ${said.map((note) => html`<p class="note">
        <strong>${t.technician.note.kinds[note.kind] ?? note.kind}</strong>: ${note.reason} ${moment(note.at)}
      </p>`)}
      ${this.writing?.step === step.step ? this.form(step, this.writing) : html`<div class="says">
        ${KINDS.map((kind) => html`<button type="button" class="plain" data-note=${kind} @click=${() => this.begin(step.step, kind)}>
          ${t.technician.note.kinds[kind]}<span class="unseen">: ${step.label}</span>
        </button>`)}
      </div>`}
    `;
  }

  /** @param {Schemas["ChecklistStep"]} step @param {{ kind: string, isBusy: boolean, wrong: string }} writing */
  form(step, { kind, isBusy, wrong }) {
    return html`<form class="note-form" novalidate @submit=${(/** @type {SubmitEvent} */ event) => this.submit(event)}>
      <label for="note-reason">${t.technician.note.why[kind]} <span class="unseen">${step.label}</span></label>
      <input id="note-reason" autocomplete="off" maxlength=${LONGEST} aria-invalid=${String(wrong !== "")} aria-describedby="note-wrong">
      <p id="note-wrong" class="wrong" role=${wrong ? "alert" : nothing}>${wrong}</p>
      <div class="does">
        <button type="submit" class="primary" data-action="send-note" ?disabled=${isBusy}>${t.technician.note.send}</button>
        <button type="button" @click=${() => this.end()}>${t.technician.note.cancel}</button>
      </div>
    </form>`;
  }
}
