// @ts-check
/**
 * A dialog over a view, with keys of its own.
 *
 * Invariants
 * - While it is open, neither keys nor the focus reach what is behind it; closed, the focus is where it was.
 */
import { open as openKeys } from "./keys.js";
import { html } from "./parts.js";
import { t } from "./texts.js";

const REACHED = 'button:not([disabled]), a[href], input:not([disabled]), select, textarea, summary, [tabindex="0"]';

export class Dialog {
  /** @param {{ name: string, title: string, keys?: Record<string, string>, wide?: boolean, changed: () => void, closed?: () => void }} how */
  constructor(how) {
    this.how = how;
    this.before = document.activeElement;
    this.closeKeys = openKeys({
      name: how.name,
      root: () => document.querySelector(`.dialog.${how.name}`),
      keys: { Escape: "close-dialog", ...how.keys },
    });
    how.changed();
    requestAnimationFrame(() => requestAnimationFrame(() => this.#root()?.querySelector("h2")?.focus()));
  }

  /** @returns {HTMLElement | null} */
  #root() {
    return document.querySelector(`.dialog.${this.how.name}`);
  }

  close() {
    this.closeKeys();
    this.how.closed?.();
    this.how.changed();
    const back = this.before;
    requestAnimationFrame(() => requestAnimationFrame(() => back instanceof HTMLElement && back.isConnected && back.focus()));
  }

  /** Keeps the focus in it. @param {KeyboardEvent} event */
  #keep(event) {
    if (event.key === "Escape" && event.target instanceof HTMLElement && event.target.closest("input, textarea")) {
      // Keys are off in a text field; this one is not a letter.
      this.close();
      event.preventDefault();
    }
    if (event.key !== "Tab") return;
    const reached = [...(this.#root()?.querySelectorAll(REACHED) ?? [])].filter((one) => one instanceof HTMLElement && one.offsetParent !== null);
    const [first, last] = [reached.at(0), reached.at(-1)];
    const active = document.activeElement;
    const isAtEnd = event.shiftKey ? active === first || active?.tagName === "H2" : active === last;
    if (!isAtEnd) return;
    event.preventDefault();
    /** @type {HTMLElement | undefined} */ (event.shiftKey ? last : first)?.focus();
  }

  /** @param {unknown} content */
  render(content) {
    const { name, title, wide } = this.how;
    return html`<div class="over" @keydown=${(/** @type {KeyboardEvent} */ event) => this.#keep(event)}>
      <section class="dialog ${name} ${wide ? "wide" : ""}" role="dialog" aria-modal="true" aria-labelledby="dialog-title">
        <h2 id="dialog-title" tabindex="-1">${title}</h2>
        <button type="button" class="close" data-action="close-dialog" @click=${() => this.close()}>${t.keys.close}</button>
        ${content}
      </section>
    </div>`;
  }
}
