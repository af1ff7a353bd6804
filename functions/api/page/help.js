// @ts-check
/** The list of keys, on `?`: what each does, by which key, and whether keys do anything. */
import * as keys from "./keys.js";
import { html, nothing } from "./parts.js";
import { t } from "./texts.js";

let isOpen = false;
/** The action that waits for its new key. */
let changing = "";
/** The key that was pressed for it can't be had. */
let refused = false;
/** @type {[string, string][]} */
let listed = [];
/** @type {(() => void) | null} */
let closeLayer = null;
/** @type {Element | null} */
let before = null;

/** @param {import("./main.js").Frame} frame */
export function help(frame) {
  const toggle = () => (isOpen ? close(frame) : open(frame));
  return html`
    <button type="button" class="help plain" data-action="help" aria-expanded=${String(isOpen)} @click=${toggle}>
      ${t.keys.help}
    </button>
    ${isOpen ? dialog(frame) : nothing}
  `;
}

addEventListener("keydown", (event) => {
  if (changing) {
    refused = false;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.key.length === 1 || event.key.startsWith("Arrow") || event.key === "Enter") refused = !keys.change(changing, event.key);
    changing = "";
    listed = listed.map(([key, action]) => [keys.preferences.own[action] ?? key, action]);
    redraw();
    return;
  }
  const inText = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
  if (event.key === "?" && !inText) {
    event.preventDefault();
    /** @type {HTMLElement | null} */ (document.querySelector('[data-action="help"]'))?.click();
  }
}, true);

let redraw = () => {};

/** @param {import("./main.js").Frame} frame */
function open(frame) {
  // An object has digits first, whatever was said first.
  const isDigit = (/** @type {string} */ key) => Number(/^\d$/.test(key));
  listed = keys.inUse().sort(([one], [other]) => isDigit(one) - isDigit(other));
  isOpen = true;
  before = document.activeElement;
  redraw = frame.draw;
  closeLayer = keys.open({ name: "help", root: () => document.querySelector(".keys"), keys: { Escape: "close-help" } });
  frame.draw();
  requestAnimationFrame(() => requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(".keys button"))?.focus()));
}

/** @param {import("./main.js").Frame} frame */
function close(frame) {
  isOpen = false;
  changing = "";
  closeLayer?.();
  closeLayer = null;
  frame.draw();
  if (before instanceof HTMLElement) before.focus();
}

/** @param {import("./main.js").Frame} frame */
function dialog(frame) {
  const shown = listed.filter(([, action]) => action in t.keys.actions);
  return html`<div class="over" @keydown=${(/** @type {KeyboardEvent} */ event) => keys.keepWithin(event, document.querySelector(".keys.dialog"))}>
    <section class="keys dialog" role="dialog" aria-modal="true" aria-labelledby="keys-title">
      <h2 id="keys-title">${t.keys.title}</h2>
      <button type="button" class="close" data-action="close-help" @click=${() => close(frame)}>${t.keys.close}</button>
      <label>
        <input type="checkbox" .checked=${keys.preferences.on} @change=${(/** @type {any} */ event) => keys.turn(event.target.checked)}>
        ${t.keys.on}
      </label>
      ${refused ? html`<p class="wrong" role="alert">${t.keys.refused}</p>` : nothing}
      ${shown.length === 0 ? html`<p class="quiet">${t.keys.none}</p>` : nothing}
      <dl>
        ${shown.map(([key, action]) => html`
          <div>
            <dt><kbd>${changing === action ? t.keys.press : shownKey(key)}</kbd></dt>
            <dd>
              ${t.keys.actions[action]}
              <button type="button" class="plain" aria-label="${t.keys.change}: ${t.keys.actions[action]}"
                @click=${() => { changing = action; frame.draw(); }}>${t.keys.change}</button>
            </dd>
          </div>`)}
      </dl>
      <button type="button" class="plain" @click=${() => { keys.reset(); close(frame); }}>${t.keys.reset}</button>
    </section>
  </div>`;
}

/** @param {string} key */
const shownKey = (key) => ({ " ": "␣", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Enter: "⏎" })[key] ?? key.toUpperCase();
