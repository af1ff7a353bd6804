// @ts-check
/**
 * The queue: what is to be decided, by who acts next and by risk.
 *
 * Invariants
 * - The address has all filters, so that a reload, a link and the way back show the same.
 * - What comes in moves neither the reader's place nor the focus, and takes nothing out of the selection.
 */
import { get } from "./api.js";
import { KEYS, open as openKeys } from "./keys.js";
import { announce, empty, failure, html, loading, moment, nothing } from "./parts.js";
import { Bulk } from "./queue-bulk.js";
import { addressOf, filtersOf, listOf } from "./queue-list.js";
import { FIRST_PRESET, filterForm, line, presets } from "./queue-parts.js";
import { notRecorded } from "./review-layout.js";
import { othersDecided } from "./review-parts.js";
import { onSaid, said } from "./review-said.js";
import { may, subject } from "./session.js";
import { t } from "./texts.js";

/** @typedef {import("./queue-list.js").Row} Row */

const FRESH_EVERY_MS = 10_000;
/** Every so many times the counts are asked for, too, if nothing has changed. */
const COUNTS_EVERY = 6;

/** Where one was, by filters. @type {Map<string, { scroll: number, current: string | null }>} */
const places = new Map();

/** @param {import("./main.js").Frame} frame @returns {import("./main.js").View} */
export function open(frame) {
  return new Queue(frame);
}

class Queue {
  title = t.queue.title;
  /** @type {{ undecided: any, all: any }} */
  counts = { undecided: null, all: null };
  times = 0;
  /** What others decided. @type {string[]} */
  told = [];
  /** The row that keys are about. @type {string | null} */
  current = null;
  isRestored = false;

  /** @param {import("./main.js").Frame} frame */
  constructor(frame) {
    this.frame = frame;
    this.mayDecide = may("reviewer");
    this.list = listOf(this.#query());
    this.bulk = this.#newBulk();
    this.closeKeys = openKeys({ name: "queue", root: () => document.querySelector(".queue"), keys: KEYS.queue });
    this.stopSaid = onSaid((one) => this.#heard(one));
    this.timer = setInterval(() => !document.hidden && this.refresh(), FRESH_EVERY_MS);
    this.seen = () => !document.hidden && this.refresh();
    document.addEventListener("visibilitychange", this.seen);
    this.#begin();
  }

  close() {
    this.#leave();
    this.stopSaid();
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.seen);
    this.closeKeys();
  }

  changed() {
    const list = listOf(this.#query());
    if (list === this.list) return;
    this.#leave();
    this.list = list;
    this.bulk = this.#newBulk();
    this.told = [];
    this.#begin();
  }

  #newBulk() {
    return new Bulk(this.frame.draw, (evaluation) => this.list.shows(evaluation));
  }

  /** What others had decided just before what was decided here. @param {import("./review-said.js").Said} one */
  #heard(one) {
    const others = one.state === "stands" ? othersDecided(one.answer?.also_decided ?? [], (step) => step.replaceAll("_", " ")) : "";
    const text = `${one.wish.dr}: ${others}`;
    if (others && !this.told.includes(text)) {
      this.told = [...this.told, text];
      announce(text);
    }
    this.frame.draw();
  }

  /** What the address asks for; without anything, what is to be decided. */
  #query() {
    const query = this.frame.query();
    return query.size > 0 ? query : new URLSearchParams(FIRST_PRESET);
  }

  #begin() {
    const place = places.get(this.list.filters.toString());
    this.current = place?.current ?? null;
    this.isRestored = !place;
    this.refresh(true);
  }

  #leave() {
    places.set(this.list.filters.toString(), { scroll: scrollY, current: this.current });
  }

  /** @param {boolean} [withCounts] */
  async refresh(withCounts = false) {
    const list = this.list;
    const before = new Set(list.rows.map((row) => row.evaluation_id));
    this.times += 1;
    this.frame.draw();
    const hasChanged = await list.refresh();
    if (list !== this.list) return;
    const news = before.size ? list.rows.filter((row) => !before.has(row.evaluation_id)).length : 0;
    if (news > 0) announce(t.queue.news(news));
    for (const row of list.rows) if (this.bulk.selected.has(row.evaluation_id)) this.bulk.selected.set(row.evaluation_id, row);
    this.frame.draw();
    if (withCounts || hasChanged || this.times % COUNTS_EVERY === 0) await this.#count();
  }

  /** The counts of the presets, whatever is filtered. */
  async #count() {
    try {
      const [undecided, all] = await Promise.all([get("evaluations?reviewed=false&limit=1"), get("evaluations?limit=1")]);
      this.counts = { undecided: undecided.counts, all: all.counts };
      this.frame.draw();
    } catch {
      // The list says what is wrong.
    }
  }

  async more() {
    this.frame.draw();
    const more = this.list.more();
    this.frame.draw();
    await more;
    this.frame.draw();
  }

  /** @param {string} name @param {string} value */
  filter(name, value) {
    const filters = new URLSearchParams(this.list.filters);
    if (value) filters.set(name, value);
    else filters.delete(name);
    this.frame.go(`#/queue?${addressOf(filtersOf(filters))}`);
  }

  /** @param {number} by */
  step(by) {
    const rows = this.list.shown;
    const near = this.#currentRow;
    if (!near) return;
    // Where the row is gone, the one that has moved up to its place is the next.
    const isGone = by > 0 && near.evaluation_id !== this.current;
    const at = rows.indexOf(near) + (isGone ? 0 : by);
    const row = rows[Math.min(Math.max(at, 0), rows.length - 1)];
    this.current = row.evaluation_id;
    this.frame.draw();
    // At once: a focus that came later would bring back whoever has gone on since.
    rowOf(row.evaluation_id)?.querySelector("a")?.focus();
  }

  render() {
    const { list } = this;
    const query = list.filters.toString();
    const place = keepPlace();
    queueMicrotask(() => this.#place(place));
    return html`<section class="queue" aria-busy=${String(list.isLoading && list.at === 0)}>
      <h1>${t.queue.title}</h1>
      ${presets(query, this.counts.undecided, this.counts.all)}
      ${filterForm(list.filters, (name, value) => this.filter(name, value))}
      <div class="above">
        <p class="quiet" aria-hidden=${list.at ? "false" : "true"}>${this.#summary()}</p>
        <span class="steps">
          <button type="button" class="plain" data-action="previous-row" data-repeat aria-label=${t.queue.previous} @click=${() => this.step(-1)}>↑</button>
          <button type="button" class="plain" data-action="next-row" data-repeat aria-label=${t.queue.next} @click=${() => this.step(1)}>↓</button>
          ${this.mayDecide ? html`<button type="button" class="plain" data-action="select" @click=${() => this.#select()}>${t.queue.selectRow}</button>` : nothing}
          <button type="button" class="plain" data-action="open" @click=${() => this.#open()}>${t.queue.openRow}</button>
          <button type="button" class="plain" data-action="refresh" @click=${() => this.refresh(true)}>${t.queue.refresh}</button>
        </span>
      </div>
      ${list.error ? failure(list.error, () => this.refresh(true)) : nothing}
      ${list.error && list.at ? html`<p class="quiet">${t.queue.old} ${moment(new Date(list.at).toISOString())}</p>` : nothing}
      ${this.told.length > 0
        ? html`<div class="notice" role="status">${this.told.map((text) => html`<p>${text}</p>`)}
            <button type="button" class="plain" data-told @click=${() => this.#read()}>${t.keys.close}</button></div>`
        : nothing}
      ${list.because ? html`<p class="quiet" data-because>${list.because}</p>` : nothing}
      ${this.#failed()}
      ${this.#rows()}
      ${this.mayDecide ? html`<div class="bulk-place">${this.bulk.bar()}</div>` : nothing}
    </section>`;
  }

  /** They have been read. */
  #read() {
    this.told = [];
    this.frame.draw();
  }

  /** Decisions of a review that were not recorded; rows say their own. */
  #failed() {
    const all = said.filter((one) => one.state === "failed" && this.bulk.said.get(one.wish.evaluation) !== one);
    return all.map((one) => html`<p class="notice" role="alert">${notRecorded(one)}</p>`);
  }

  #summary() {
    const { counts, filters } = this.list;
    // Claims are not counted, and days are whole.
    if (!counts || filters.has("claimed")) return " ";
    const isOfDays = filters.has("from") || filters.has("to");
    return `${t.queue.counted(counts)}${isOfDays ? t.queue.ofDays(counts.first_day, counts.last_day) : ""}`;
  }

  #rows() {
    const { list } = this;
    if (list.at === 0) return list.error ? nothing : loading();
    const rows = list.shown;
    if (rows.length === 0 && !list.next) return empty(t.queue.empty, t.queue.emptyHint);
    return html`
      <ul class="lines" aria-label=${t.queue.title}>${rows.map((row) => this.#row(row))}</ul>
      ${list.next
        ? html`<button type="button" data-action="more" ?disabled=${list.isLoading} @click=${() => this.more()}>${list.isLoading ? t.states.loading : t.queue.more}</button>`
        : nothing}`;
  }

  /** @param {Row} row */
  #row(row) {
    const id = row.evaluation_id;
    return line(row, {
      href: `#/review/${id}?${this.list.address}`,
      isCurrent: id === this.#currentRow?.evaluation_id,
      isSelected: this.bulk.selected.has(id),
      mayDecide: this.mayDecide,
      me: subject(),
      state: this.bulk.state(id),
      select: () => this.bulk.turn(row),
      enter: () => this.#enter(id),
    });
  }

  /** The row that keys are about, whatever is drawn. */
  get #currentRow() {
    return this.list.nearest(this.current);
  }

  #select() {
    const row = this.#currentRow;
    if (row) this.bulk.turn(row);
  }

  #open() {
    const row = this.#currentRow;
    if (row) this.frame.go(`#/review/${row.evaluation_id}?${this.list.address}`);
  }

  /** @param {string} id */
  #enter(id) {
    if (this.current === id) return;
    this.current = id;
    this.frame.draw();
  }

  /** @param {() => void} keep */
  #place(keep) {
    keep();
    if (this.isRestored || this.list.shown.length === 0) return;
    this.isRestored = true;
    const { scroll, current } = places.get(this.list.filters.toString()) ?? { scroll: 0, current: null };
    scrollTo(0, scroll);
    const near = current && this.list.nearest(current);
    if (near) rowOf(near.evaluation_id)?.querySelector("a")?.focus({ preventScroll: true });
  }
}

/** @param {string} id @returns {HTMLElement | null} */
const rowOf = (id) => document.querySelector(`[data-evaluation="${CSS.escape(id)}"]`);

/** Where the reader is now; what is returned has them there again once it is drawn. */
function keepPlace() {
  const active = document.activeElement?.closest("[data-evaluation]");
  const focused = active instanceof HTMLElement ? active.dataset.evaluation : undefined;
  const kind = document.activeElement?.tagName ?? "";
  const seen = [...document.querySelectorAll("[data-evaluation]")].find((row) => row.getBoundingClientRect().bottom > 0);
  const anchor = seen instanceof HTMLElement ? { id: seen.dataset.evaluation ?? "", top: seen.getBoundingClientRect().top } : null;
  return () => {
    if (anchor && scrollY > 0) {
      const now = rowOf(anchor.id)?.getBoundingClientRect().top;
      if (now !== undefined && Math.abs(now - anchor.top) > 1) scrollBy(0, now - anchor.top);
    }
    const there = document.activeElement?.closest("[data-evaluation]");
    if (!focused || (there instanceof HTMLElement && there.dataset.evaluation === focused)) return;
    const row = rowOf(focused);
    const element = row?.querySelector(kind.toLowerCase() || "a");
    if (element instanceof HTMLElement) element.focus({ preventScroll: true });
  };
}
