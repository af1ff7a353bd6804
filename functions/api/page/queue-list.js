// @ts-check
/**
 * Evaluations across DRs, as the queue's address asks for them, and the way through them from one to the next.
 *
 * Invariants
 * - What was shown stays until something newer is there; an error takes nothing away.
 * - The way keeps its order: what comes in later is put where it belongs, and moves nobody's place.
 * - What was decided here is passed over at once, though the list itself is behind by moments.
 */
import { get } from "./api.js";
import { subject } from "./session.js";

/** @typedef {import("./api.js").Schemas["ListedEvaluation"]} Row */
/** @typedef {import("./api.js").Schemas["EvaluationCounts"]} Counts */
/** @typedef {import("./api.js").Schemas["EvaluationList"]} Page */

/** What the API is asked. */
const FILTERS = ["verdict", "flagged", "reviewed", "contested", "sampled", "claimed", "from", "to", "sort"];
const LIMIT = 25;
/** Pages that are read again each time; those behind them when the first has changed. */
const FRESH_PAGES = 3;
const MOST_LISTS = 6;

/** @type {Map<string, List>} */
const lists = new Map();
/** Decided here, by evaluation. @type {Set<string>} */
const done = new Set();

/** The address's filters in a fixed order: what means the same is the same list. @param {URLSearchParams} query */
export function filtersOf(query) {
  const wanted = new URLSearchParams();
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value) wanted.set(name, value);
  }
  return wanted;
}

/** How an address says them: without any it would be asked for what is to be decided. @param {URLSearchParams} filters */
export const addressOf = (filters) => filters.toString() || "all";

/** The list of these filters; the same one each time. @param {URLSearchParams} query */
export function listOf(query) {
  const filters = filtersOf(query);
  const key = filters.toString();
  const known = lists.get(key) ?? new List(filters);
  lists.delete(key);
  lists.set(key, known);
  const [oldest] = lists.keys();
  if (lists.size > MOST_LISTS && oldest !== undefined) lists.delete(oldest);
  return known;
}

/** Something was decided of it, or was taken back. @param {string} evaluation @param {boolean} isDecided */
export function mark(evaluation, isDecided) {
  if (isDecided) done.add(evaluation);
  else done.delete(evaluation);
}

/** Who looks at its DR now, if somebody does. @param {Row | undefined} row */
export const claimOf = (row) => (row?.claim && Date.parse(row.claim.until) > Date.now() ? row.claim : null);

export class List {
  /** Those that one passed over because somebody else looks at them. @type {Set<string>} */
  #passed = new Set();
  /** The rows by their evaluation. @type {Map<string, Row>} */
  #listed = new Map();
  /** @type {Promise<boolean>} */
  #last = Promise.resolve(false);
  /** @type {Promise<boolean> | null} */
  #fresh = null;

  /** @param {URLSearchParams} filters */
  constructor(filters) {
    this.filters = filters;
    /** @type {Page[]} */
    this.pages = [];
    /** @type {Row[]} */
    this.rows = [];
    /** @type {unknown} */
    this.error = null;
    this.isLoading = false;
    /** When it was as the API has it, in milliseconds. */
    this.at = 0;
    /** @type {string[]} */
    this.way = [];
  }

  /** @returns {Counts | null} */
  get counts() {
    return this.pages[0]?.counts ?? null;
  }

  /** Its filters, as they stand in an address. */
  get address() {
    return addressOf(this.filters);
  }

  /** Whether it is among those to show. @param {string} evaluation */
  shows(evaluation) {
    return this.#listed.has(evaluation) && !(this.isOfUndecided && done.has(evaluation));
  }

  /** Why they are in another order than was asked for; none if they are in that one. */
  get because() {
    const [first] = this.pages;
    return first && first.ordered_by !== (this.filters.get("sort") ?? "newest") ? (first.ordered_because ?? null) : null;
  }

  get next() {
    return this.pages.at(-1)?.next ?? null;
  }

  get isEmpty() {
    return this.at > 0 && this.rows.length === 0;
  }

  /** Whether those that were decided leave it. */
  get isOfUndecided() {
    return this.filters.get("reviewed") === "false";
  }

  /** The rows to show: without what was decided a moment ago, where that is not asked for. */
  get shown() {
    return this.isOfUndecided ? this.rows.filter((row) => !done.has(row.evaluation_id)) : this.rows;
  }

  /** Reads it again; true if something has changed. */
  refresh() {
    this.#fresh ??= this.#refresh().finally(() => (this.#fresh = null));
    return this.#fresh;
  }

  #refresh() {
    return this.#read(async () => {
      const before = this.pages;
      const first = await this.#page(null);
      const isSame = first === before[0];
      const wanted = isSame ? Math.min(before.length, FRESH_PAGES) : before.length;
      const pages = [first];
      for (let last = first; pages.length < wanted && last.next; pages.push(last)) last = await this.#page(last.next);
      const kept = isSame ? before.slice(pages.length) : [];
      return [...pages, ...kept];
    });
  }

  /** Reads one more page. */
  async more() {
    return this.#read(async () => (this.next ? [...this.pages, await this.#page(this.next)] : this.pages));
  }

  /** Those behind it that nobody here has decided. @param {string} evaluation */
  #behind(evaluation) {
    return this.way.slice(this.way.indexOf(evaluation) + 1).filter((id) => this.#isOpen(id));
  }

  /** @param {string} id */
  #isOpen(id) {
    return !done.has(id) && this.#listed.has(id);
  }

  /** @param {string} id */
  #isTaken(id) {
    const claim = claimOf(this.#listed.get(id));
    return claim !== null && claim.by !== subject();
  }

  /** The one behind it that nobody has decided, and at which nobody else looks. @param {string} evaluation */
  free(evaluation) {
    return this.#behind(evaluation).find((id) => !this.#isTaken(id)) ?? null;
  }

  /** The one to go on with: what others look at comes last, with what was passed over for that. @param {string} evaluation */
  after(evaluation) {
    const passed = [...this.#passed].find((id) => id !== evaluation && this.#isOpen(id));
    return this.free(evaluation) ?? this.#behind(evaluation)[0] ?? passed ?? null;
  }

  /** One goes from this one to that one. @param {string} from @param {string} to */
  go(from, to) {
    this.#passed.delete(to);
    const behind = this.#behind(from);
    for (const id of behind.slice(0, Math.max(behind.indexOf(to), 0))) this.#passed.add(id);
  }

  /** The one before it, decided or not. @param {string} evaluation */
  before(evaluation) {
    const at = this.way.indexOf(evaluation);
    return at > 0 ? this.way[at - 1] : null;
  }

  /** Of the rows that are shown the one itself, else the next behind it, else the last before it. @param {string | null} evaluation */
  nearest(evaluation) {
    const rows = this.shown;
    const at = evaluation === null ? -1 : this.way.indexOf(evaluation);
    const place = new Map(this.way.map((id, index) => [id, index]));
    const isBehind = (/** @type {Row} */ row) => (place.get(row.evaluation_id) ?? -1) >= at;
    return rows.find((row) => row.evaluation_id === evaluation) ?? rows.find(isBehind) ?? rows.at(-1) ?? null;
  }

  /** Which it is, of how many that are known. @param {string} evaluation */
  place(evaluation) {
    const at = this.way.indexOf(evaluation);
    return at < 0 ? null : { at: at + 1, of: this.way.length, hasMore: this.next !== null };
  }

  /** @param {string | null} cursor @returns {Promise<Page>} */
  #page(cursor) {
    const query = new URLSearchParams(this.filters);
    query.set("limit", String(LIMIT));
    if (cursor) query.set("cursor", cursor);
    return get(`evaluations?${query}`);
  }

  /** One after another. @param {() => Promise<Page[]>} read */
  #read(read) {
    this.#last = this.#last.then(() => this.#readNow(read));
    return this.#last;
  }

  /** @param {() => Promise<Page[]>} read */
  async #readNow(read) {
    this.isLoading = true;
    try {
      const pages = await read();
      const isSame = pages.length === this.pages.length && pages.every((page, at) => page === this.pages[at]);
      const hadError = this.error !== null;
      if (!isSame) this.#become(pages);
      this.error = null;
      this.at = Date.now();
      return !isSame || hadError;
    } catch (error) {
      this.error = error;
      return true;
    } finally {
      this.isLoading = false;
    }
  }

  /** @param {Page[]} pages */
  #become(pages) {
    const seen = new Set();
    this.rows = pages.flatMap((page) => page.evaluations).filter((row) => {
      const isNew = !seen.has(row.evaluation_id);
      seen.add(row.evaluation_id);
      return isNew;
    });
    this.pages = pages;
    this.#listed = new Map(this.rows.map((row) => [row.evaluation_id, row]));
    this.#lengthen();
  }

  /** Puts what is new on the way, behind what it follows in the list. */
  #lengthen() {
    const known = new Set(this.way);
    let previous = -1;
    for (const { evaluation_id: id } of this.rows) {
      if (known.has(id)) {
        previous = this.way.indexOf(id);
      } else {
        previous += 1;
        this.way.splice(previous, 0, id);
      }
    }
  }
}
