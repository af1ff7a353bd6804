// @ts-check
/**
 * The operator's view: how many, how fast, how right, what went wrong, what it cost, what waits.
 *
 * Invariants
 * - Each part stands for itself: what can't be had of one takes nothing from the others.
 */
import { file, get, send } from "./api.js";
import { size } from "./format.js";
import { accuracy } from "./operator-accuracy.js";
import { cost, fast, many, now, rates } from "./operator-parts.js";
import { announce, failure, html, loading, moment, nothing } from "./parts.js";
import { t } from "./texts.js";

const FRESH_EVERY_MS = 60_000;
const SPANS = [1, 7, 14, 30, 90];
const LATELY_MS = 15 * 60_000;
const DAY_MS = 24 * 3600 * 1000;
const PRICES = "prices";

/** @param {import("./main.js").Frame} frame @returns {import("./main.js").View} */
export function open(frame) {
  return new Operator(frame);
}

class Operator {
  title = t.operator.title;
  /** @type {any} */
  figures = null;
  /** The last minutes. @type {any} */
  lately = null;
  /** @type {any} */
  health = null;
  /** @type {any} */
  accuracy = null;
  /** What can't be had, by part. @type {Record<string, unknown>} */
  failed = {};
  by = "step";
  asked = "";
  /** What is being done, or was: the cache, an export. @type {{ text: string, failed?: unknown } | null} */
  told = null;
  isSure = false;

  /** @param {import("./main.js").Frame} frame */
  constructor(frame) {
    this.frame = frame;
    this.prices = { read: 0, written: 0, ...stored() };
    this.timer = setInterval(() => !document.hidden && this.load(), FRESH_EVERY_MS);
    this.load();
  }

  close() {
    clearInterval(this.timer);
  }

  changed() {
    this.figures = null;
    this.accuracy = null;
    this.load();
  }

  get days() {
    const days = Number(this.frame.query().get("days") ?? 14);
    return SPANS.includes(days) ? days : 14;
  }

  /** @returns {[string, string]} */
  span() {
    const to = Date.now();
    return [new Date(to - this.days * DAY_MS).toISOString(), new Date(to).toISOString()];
  }

  async load() {
    const [from, to] = this.span().map(encodeURIComponent);
    this.asked = `${this.days} ${this.by}`;
    const asked = this.asked;
    const part = async (/** @type {"figures" | "lately" | "health" | "accuracy"} */ name, /** @type {string} */ path) => {
      try {
        const found = await get(path);
        if (asked !== this.asked) return;
        this[name] = found;
        delete this.failed[name];
      } catch (error) {
        if (asked !== this.asked) return;
        this.failed[name] = error;
      }
      this.frame.draw();
    };
    await Promise.all([
      part("figures", `/figures?from=${from}`),
      part("lately", `/figures?from=${encodeURIComponent(new Date(Date.now() - LATELY_MS).toISOString())}`),
      part("health", "/health"),
      part("accuracy", `/accuracy?from=${from}&to=${to}&by=${this.by}`),
    ]);
  }

  render() {
    return html`<div class="operator">
      <h1>${t.operator.title}</h1>
      <div class="choose" role="group" aria-label=${t.operator.span}>
        ${SPANS.map((days) => html`<a class="button" href="#/operate?days=${days}" aria-current=${days === this.days ? "true" : "false"}>${t.operator.days(days)}</a>`)}
      </div>
      ${this.#figures()}
      ${this.#accuracy()}
      ${this.#acts()}
    </div>`;
  }

  #figures() {
    if (!this.figures) return this.failed.figures ? failure(this.failed.figures, () => this.load()) : loading();
    const links = this.figures.links;
    const link = (/** @type {string | null} */ to, /** @type {string} */ name) =>
      to ? html`<a href=${to} rel="noreferrer" target="_blank">${name}</a>` : nothing;
    return html`
      ${this.failed.figures ? failure(this.failed.figures) : nothing}
      ${now(this.figures, { figures: this.lately, failed: this.failed.lately }, { health: this.health, failed: this.failed.health })}
      <div class="charts">
        <section class="card">${many(this.figures)}</section>
        <section class="card">${fast(this.figures)}</section>
      </div>
      <div class="charts">
        ${rates(this.figures)}
        ${cost(this.figures, this.prices, (name, value) => this.#price(name, value))}
      </div>
      <p class="links">${t.operator.more} ${link(links.alarms, t.operator.alarms)} ${link(links.dashboard, t.operator.dashboard)} ${link(links.logs, t.operator.logs)}
        <span class="quiet">${t.operator.asOf} ${moment(this.figures.to)}</span></p>
    `;
  }

  #accuracy() {
    if (!this.accuracy && this.failed.accuracy) return failure(this.failed.accuracy, () => this.load());
    const table = accuracy(this.accuracy, this.by, (by) => {
      this.by = by;
      this.accuracy = null;
      this.frame.draw();
      this.load();
    });
    return html`${this.failed.accuracy ? failure(this.failed.accuracy, () => this.load()) : nothing}${table}`;
  }

  #acts() {
    return html`<section class="card acts">
      <h2>${t.operator.acts}</h2>
      <button type="button" data-action="export" @click=${() => this.#export()}>${t.operator.export(this.days)}</button>
      ${this.isSure
        ? html`<span>${t.operator.sure}</span>
            <button type="button" data-action="empty-cache-yes" @click=${() => this.#empty()}>${t.operator.emptyYes}</button>
            <button type="button" @click=${() => this.#ask(false)}>${t.operator.emptyNo}</button>`
        : html`<button type="button" data-action="empty-cache" @click=${() => this.#ask(true)}>${t.operator.empty}</button>`}
      ${this.told ? html`<p role="status">${this.told.failed ? failure(this.told.failed) : this.told.text}</p>` : nothing}
    </section>`;
  }

  /** @param {boolean} isSure */
  #ask(isSure) {
    this.isSure = isSure;
    this.frame.draw();
  }

  async #empty() {
    this.isSure = false;
    await this.#do(t.operator.emptied, () => send("DELETE", "/cache"));
  }

  async #export() {
    const [from, to] = this.span().map(encodeURIComponent);
    await this.#do(t.operator.exported, async () => {
      const found = await file(`/export?from=${from}&to=${to}`, "text/csv", (bytes) => {
        this.told = { text: t.operator.exporting(size(bytes)) };
        this.frame.draw();
      });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(found);
      link.download = `evaluations-${new Date().toISOString().slice(0, 10)}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), FRESH_EVERY_MS);
    });
  }

  /** @param {string} done @param {() => Promise<unknown>} act */
  async #do(done, act) {
    this.told = { text: t.states.loading };
    this.frame.draw();
    try {
      await act();
      this.told = { text: done };
      announce(done);
    } catch (failed) {
      this.told = { text: "", failed };
    }
    this.frame.draw();
  }

  /** @param {"read" | "written"} name @param {number} value */
  #price(name, value) {
    this.prices[name] = Number.isFinite(value) && value >= 0 ? value : 0;
    try {
      localStorage.setItem(PRICES, JSON.stringify(this.prices));
    } catch {
      // A browser that keeps nothing.
    }
    this.frame.draw();
  }
}

/** @returns {any} */
function stored() {
  try {
    return JSON.parse(localStorage.getItem(PRICES) ?? "{}");
  } catch {
    return {};
  }
}
