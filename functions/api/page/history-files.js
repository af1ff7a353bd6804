// @ts-check
/** What a dispute needs, as files: they are fetched with the token, and kept by the browser. */
import { ApiError, file } from "./api.js";
import { html, loading, nothing, told_of } from "./parts.js";
import { may } from "./session.js";
import { t } from "./texts.js";

/** Whether this release gives reports; unknown until one was asked for. */
let isGiven = true;

export class Files {
  /** @param {string} dr @param {() => void} changed */
  constructor(dr, changed) {
    this.dr = dr;
    this.changed = changed;
    this.isGoing = false;
    this.withEvidence = may("reviewer");
    /** @type {unknown} */
    this.error = null;
  }

  /** @param {string} evaluation @param {"pdf" | "json" | "csv"} kind */
  async save(evaluation, kind) {
    this.isGoing = true;
    this.error = null;
    this.changed();
    const path = `evaluations/${evaluation}/${this.withEvidence ? "evidence/report" : "report"}`;
    try {
      const blob = await file(path, kind === "pdf" ? "application/pdf" : "application/json");
      const kept = kind === "csv" ? new Blob([csv(JSON.parse(await blob.text()))], { type: "text/csv" }) : blob;
      keep(kept, `${this.dr}-${evaluation}.${kind}`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) isGiven = false;
      else this.error = error;
    }
    this.isGoing = false;
    this.changed();
  }

  /** @param {string} evaluation */
  render(evaluation) {
    if (!isGiven) return html`<p class="quiet" role="status">${t.history.noReports}</p>`;
    const button = (/** @type {"pdf" | "json" | "csv"} */ kind) =>
      html`<button type="button" data-file=${kind} ?disabled=${this.isGoing} @click=${() => this.save(evaluation, kind)}>${t.history[kind]}</button>`;
    return html`
      <p class="quiet">${t.history.filesHint}</p>
      <div class="files">
        ${button("pdf")} ${button("json")} ${button("csv")}
        ${may("reviewer")
          ? html`<label class="tick"><input type="checkbox" .checked=${this.withEvidence}
              @change=${(/** @type {any} */ event) => (this.withEvidence = event.target.checked)}> ${t.history.withEvidence}</label>`
          : nothing}
        ${this.isGoing ? loading(t.history.making) : nothing}
      </div>
      ${this.error ? html`<p class="wrong" role="alert">${told_of(this.error).text}</p>` : nothing}`;
  }
}

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
