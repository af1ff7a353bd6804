// @ts-check
/** What the queue is drawn of: the presets, the filters, a row. */
import { number, percent } from "./format.js";
import { html, moment, nothing, verdict } from "./parts.js";
import { addressOf, claimOf } from "./queue-list.js";
import { t } from "./texts.js";

/** @typedef {import("./queue-list.js").Row} Row */
/** @typedef {import("./queue-list.js").Counts} Counts */

/**
 * Presets by who acts next, and by risk. `count` says where the figure is.
 * @type {{ name: string, query: string, count?: (undecided: Counts, all: Counts) => number }[]}
 */
const PRESETS = [
  { name: "toDecide", query: "verdict=pass,fail,incomplete&reviewed=false", count: (open) => open.pass + open.fail + open.incomplete },
  { name: "failed", query: "verdict=fail&reviewed=false", count: (open) => open.fail },
  { name: "incomplete", query: "verdict=incomplete&reviewed=false", count: (open) => open.incomplete },
  { name: "flagged", query: "flagged=true&reviewed=false", count: (open) => open.flagged },
  { name: "contested", query: "verdict=pass,fail,incomplete&reviewed=false&contested=true", count: (open) => open.contested },
  { name: "sampled", query: "sampled=true&reviewed=false", count: (open) => open.sampled },
  { name: "leastCertain", query: "reviewed=false&sort=least_certain" },
  { name: "unfinished", query: "verdict=unfinished", count: (_, all) => all.unfinished },
  { name: "reviewed", query: "reviewed=true", count: (_, all) => all.reviewed },
  { name: "all", query: "", count: (_, all) => all.evaluations },
];

/** Where one begins. */
export const FIRST_PRESET = PRESETS[0].query;

/** @param {string} query @param {Counts | null} undecided @param {Counts | null} all */
export function presets(query, undecided, all) {
  const asked = decodeURIComponent(query);
  return html`<nav class="presets" aria-label=${t.queue.presetsLabel}>
    ${PRESETS.map((preset) => {
      const count = undecided && all ? preset.count?.(undecided, all) : undefined;
      const isHere = sorted(asked) === sorted(preset.query);
      return html`<a href="#/queue?${addressOf(new URLSearchParams(preset.query))}" aria-current=${isHere ? "page" : "false"} data-preset=${preset.name}>
        ${t.queue.presets[preset.name]}
        <span class="count">${count === undefined ? nothing : number(count)}</span>
      </a>`;
    })}
  </nav>`;
}

/** The same filters in another order are the same. @param {string} query */
const sorted = (query) => query.split("&").filter(Boolean).sort().join("&");

/** @param {URLSearchParams} filters @param {(name: string, value: string) => void} change */
export function filterForm(filters, change) {
  const pick = (/** @type {string} */ name, /** @type {[string, string][]} */ options) => html`<label>
    ${t.queue.filters[name]}
    <select data-filter=${name} .value=${filters.get(name) ?? ""} @change=${(/** @type {any} */ event) => change(name, event.target.value)}>
      ${options.map(([value, label]) => html`<option value=${value} ?selected=${(filters.get(name) ?? "") === value}>${label}</option>`)}
    </select>
  </label>`;
  const either = (/** @type {[string, string]} */ words) =>
    /** @type {[string, string][]} */ ([["", t.queue.any], ["true", words[0]], ["false", words[1]]]);
  const day = (/** @type {string} */ name) => html`<label>
    ${t.queue.filters[name]}
    <input type="date" data-filter=${name} .value=${dayOf(filters.get(name))} @change=${(/** @type {any} */ event) => change(name, momentOf(event.target.value))}>
  </label>`;
  const verdicts = new Set((filters.get("verdict") ?? "").split(",").filter(Boolean));
  const turn = (/** @type {string} */ one) => {
    if (!verdicts.delete(one)) verdicts.add(one);
    change("verdict", [...verdicts].join(","));
  };
  return html`<details class="filters" ?open=${isOpen(filters)}>
    <summary>${t.queue.filtersLabel}</summary>
    <div class="fields">
      <fieldset>
        <legend>${t.queue.filters.verdict}</legend>
        ${["fail", "incomplete", "pass", "unfinished"].map((one) => html`<label class="tick">
          <input type="checkbox" data-filter="verdict-${one}" .checked=${verdicts.has(one)} @change=${() => turn(one)}> ${t.verdicts[one]}
        </label>`)}
      </fieldset>
      ${pick("flagged", either(t.queue.flaggedWords))}
      ${pick("reviewed", either(t.queue.reviewedWords))}
      ${pick("contested", either(t.queue.contestedWords))}
      ${pick("sampled", either(t.queue.sampledWords))}
      ${pick("claimed", either(t.queue.claimedWords))}
      ${pick("sort", [["", t.queue.newest], ["least_certain", t.queue.leastCertain]])}
      ${day("from")} ${day("to")}
    </div>
  </details>`;
}

/** Whether filters are set that no preset sets. @param {URLSearchParams} filters */
const isOpen = (filters) => ["from", "to", "claimed"].some((name) => filters.has(name));

/** A moment's day in the reader's zone. @param {string | null} at */
function dayOf(at) {
  if (!at) return "";
  const date = new Date(at);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** When a day begins in the reader's zone. @param {string} day */
const momentOf = (day) => (day ? new Date(`${day}T00:00:00`).toISOString() : "");

/**
 * @param {Row} row
 * @param {{ href: string, isCurrent: boolean, isSelected: boolean, mayDecide: boolean, state: unknown, me: string | null,
 *   select: () => void, enter: () => void }} how
 */
export function line(row, how) {
  const claim = claimOf(row);
  return html`<li class="line ${how.isCurrent ? "current" : ""}" data-evaluation=${row.evaluation_id} @focusin=${how.enter}>
    ${how.mayDecide
      ? html`<label class="pick"><input type="checkbox" .checked=${how.isSelected} @change=${how.select}><span class="unseen">${t.queue.select(row.dr_number)}</span></label>`
      : nothing}
    <a class="dr" href=${how.href}>${row.dr_number}</a>
    <span class="judged">
      ${verdict(row.verdict)}
      ${row.reviewed_verdict
        ? html`<span class="reviewed" title=${t.queue.byPeople}><span aria-hidden="true">→</span><span class="unseen">${t.queue.byPeople}</span> ${verdict(row.reviewed_verdict)}</span>`
        : nothing}
    </span>
    <span class="figures">
      ${row.flags ? html`<span class="flagged">⚑ ${t.queue.flags(row.flags)}</span>` : nothing}
      ${row.notes ? html`<span class="contested">${t.queue.notes(row.notes)}</span>` : nothing}
      ${row.sampled ? html`<span class="sampled">${t.queue.sampled}</span>` : nothing}
      ${row.certainty == null ? nothing : html`<span>${t.queue.certain(percent(row.certainty))}</span>`}
      ${row.average_score == null ? nothing : html`<span>${t.queue.score(row.average_score)}</span>`}
      <span>${t.photos(row.photos_total)}</span>
      ${row.mode === "quick" ? html`<span>${t.review.modes.quick}</span>` : nothing}
      ${row.superseded_by ? html`<span>${t.queue.superseded}</span>` : nothing}
    </span>
    <span class="when">${moment(row.created_at)}</span>
    ${claim
      ? html`<span class="claim">${claim.by === how.me ? t.queue.yours : t.queue.claimed(claim.by)}, ${t.queue.until} ${moment(claim.until)}</span>`
      : nothing}
    ${how.state ?? nothing}
  </li>`;
}
