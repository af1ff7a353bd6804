// @ts-check
/** What views are put together of. */
import { html, nothing, render } from "./lit-html.js";
import { ApiError } from "./api.js";
import { exact, relative } from "./format.js";
import { t } from "./texts.js";

export { html, nothing, render };

/** A moment: how long ago, with the exact one at hand. @param {string | null | undefined} at */
export const moment = (at) =>
  at ? html`<time datetime=${at} title=${exact(at)}>${relative(at)}</time>` : html`<span class="quiet">–</span>`;

/** A verdict as a word with a colour and a sign, for who can't tell colours. @param {string | null | undefined} verdict */
export function verdict(verdict) {
  const known = verdict ?? "unfinished";
  const sign = { pass: "✓", fail: "✕", missing: "○", incomplete: "…", not_evaluated: "…", unfinished: "…" }[known] ?? "?";
  return html`<span class="verdict ${known}"><span aria-hidden="true">${sign}</span> ${t.verdicts[known] ?? known}</span>`;
}

/** While something comes. @param {string} [what] */
export const loading = (what) => html`<p class="state loading" role="status"><span class="spinner"></span> ${what ?? t.states.loading}</p>`;

/** Nothing is there. @param {string} what @param {string} [hint] */
export const empty = (what, hint) =>
  html`<div class="state empty"><p>${what}</p>${hint ? html`<p class="quiet">${hint}</p>` : nothing}</div>`;

/** What did not work, with what to do. @param {unknown} error @param {() => void} [again] @param {string} [offline] */
export function failure(error, again, offline) {
  const told = told_of(error, offline);
  return html`<div class="state failure" role="alert">
    <p>${told.text}</p>
    ${told.trace ? html`<p class="quiet">${t.states.trace} <code>${told.trace}</code></p>` : nothing}
    ${again ? html`<button type="button" @click=${again}>${t.states.again}</button>` : nothing}
  </div>`;
}

/** An error in words. @param {unknown} error @param {string} [offline] without a connection @returns {{ text: string, trace: string | null }} */
export function told_of(error, offline = t.states.offline) {
  if (!(error instanceof ApiError)) return { text: String(error instanceof Error ? error.message : error), trace: null };
  if (error.isOffline) return { text: offline, trace: null };
  if (error.status === 401) return { text: t.states.signedOut, trace: null };
  if (error.status === 403) return { text: t.states.noRight, trace: null };
  if (error.status === 410) return { text: error.message || t.states.gone, trace: null };
  return { text: error.message || t.states.failed(error.status), trace: error.status >= 500 ? error.trace : null };
}

/** There before anything is said: what comes with its text is not read out. */
const announcer = document.createElement("div");
announcer.className = "unseen";
announcer.setAttribute("role", "status");
announcer.setAttribute("aria-live", "polite");
document.body.append(announcer);

/** Says something to who does not see it happen. @param {string} text */
export function announce(text) {
  announcer.textContent = text;
}
