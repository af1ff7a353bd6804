// @ts-check
/**
 * A dialog over a view, with keys of its own.
 *
 * Invariants
 * - While it is open, neither keys nor the focus reach what is behind it; closed, the focus is where it was.
 */
import { keepWithin, open as openKeys } from "./keys.js";
import { html } from "./parts.js";
import { t } from "./texts.js";

export class Dialog {
  /** @param {{ name: string, title: string, keys?: Record<string, string>, wide?: boolean, changed: () => void, closed?: () => void }} how */
  constructor(how) {
    this.how = how;
    this.isOpen = true;
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
    if (!this.isOpen) return;
    this.isOpen = false;
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
    keepWithin(event, this.#root());
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
