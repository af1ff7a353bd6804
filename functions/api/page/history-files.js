// @ts-check
/** What a dispute needs, as files: they are fetched with the token, and kept by the browser. */
import { ApiError, file } from "./api.js";
import { html, loading, nothing, told_of } from "./parts.js";
import { may } from "./session.js";
import { t } from "./texts.js";

/** @typedef {import("./api.js").Schemas["EvaluationInShort"]} Short */

export class Files {
  /** @param {string} dr @param {() => void} changed */
  constructor(dr, changed) {
    this.dr = dr;
    this.changed = changed;
    this.isGoing = false;
    this.withEvidence = may("reviewer");
    /** Of which evaluation; the newest with a verdict, unless one says otherwise. */
    this.chosen = "";
    /** What can't be had, by evaluation. @type {Map<string, unknown>} */
    this.failed = new Map();
  }

  /** @param {string} evaluation @param {"pdf" | "json" | "csv"} kind */
  async save(evaluation, kind) {
    this.isGoing = true;
    this.failed.delete(evaluation);
    this.changed();
    const path = `evaluations/${evaluation}/${this.withEvidence ? "evidence/report" : "report"}`;
    try {
      const blob = await file(path, kind === "pdf" ? "application/pdf" : "application/json");
      const kept = kind === "csv" ? new Blob([csv(JSON.parse(await blob.text()))], { type: "text/csv" }) : blob;
      keep(kept, `${this.dr}-${evaluation}.${kind}`);
    } catch (error) {
      this.failed.set(evaluation, error);
    }
    this.isGoing = false;
    this.changed();
  }

  /** @param {string} evaluation */
  #choose(evaluation) {
    this.chosen = evaluation;
    this.changed();
  }

  /** @param {Short[]} evaluations the newest first */
  render(evaluations) {
    const judged = evaluations.filter((one) => one.verdict);
    const evaluation = (judged.find((one) => one.evaluation_id === this.chosen) ?? judged[0])?.evaluation_id;
    if (!evaluation) return html`<p class="quiet">${t.history.noVerdict}</p>`;
    const failed = this.failed.get(evaluation);
    const button = (/** @type {"pdf" | "json" | "csv"} */ kind) =>
      html`<button type="button" data-file=${kind} ?disabled=${this.isGoing} @click=${() => this.save(evaluation, kind)}>${t.history[kind]}</button>`;
    return html`
      <p class="quiet">${t.history.filesHint}</p>
      <div class="files">
        ${judged.length > 1
          ? html`<label>${t.history.reportOf}
              <select data-report @change=${(/** @type {any} */ event) => this.#choose(event.target.value)}>
                ${judged.map((one) => html`<option value=${one.evaluation_id} ?selected=${one.evaluation_id === evaluation}>${nameOf(one)}</option>`)}
              </select></label>`
          : nothing}
        ${button("pdf")} ${button("json")} ${button("csv")}
        ${may("reviewer")
          ? html`<label class="tick"><input type="checkbox" .checked=${this.withEvidence}
              @change=${(/** @type {any} */ event) => (this.withEvidence = event.target.checked)}> ${t.history.withEvidence}</label>`
          : nothing}
        ${this.isGoing ? loading(t.history.making) : nothing}
      </div>
      ${failed ? html`<p class="wrong" role="alert">${failed instanceof ApiError && failed.status === 404 ? t.history.noReport : told_of(failed).text}</p>` : nothing}`;
  }
}

/** What an evaluation is called where one is to be chosen. @param {Short} one */
export const nameOf = (one) => `${new Date(one.created_at).toLocaleString()} · ${t.review.modes[one.mode]} · ${t.verdicts[one.verdict ?? "unfinished"]}`;

/** @param {Blob} blob @param {string} name */
function keep(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A report's photos as a table (RFC 4180), with all that it says of each. @param {any} report */
export function csv(report) {
  const photos = (report.photos ?? []).map(flat);
  /** @type {string[]} */
  const columns = [...new Set(photos.flatMap(Object.keys))];
  const lines = [columns, ...photos.map((/** @type {Record<string, unknown>} */ photo) => columns.map((name) => photo[name]))];
  return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** One value for each name. @param {Record<string, any>} of @returns {Record<string, unknown>} */
function flat(of) {
  return Object.fromEntries(Object.entries(of).flatMap(([name, value]) => {
    if (Array.isArray(value)) return [[name, value.map((one) => (typeof one === "object" ? JSON.stringify(one) : one)).join(" ")]];
    if (value === null || typeof value !== "object") return [[name, value]];
    return Object.entries(flat(value)).map(([inner, its]) => [`${name}_${inner}`, its]);
  }));
}

/** Quoted; what a program for tables would take for a formula is led by an apostrophe. @param {unknown} value */
function cell(value) {
  const text = String(value ?? "");
  const harmless = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
