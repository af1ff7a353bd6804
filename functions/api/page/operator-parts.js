// @ts-check
/** The parts of the operator's view: what the figures say, as cards, charts and tables. */
import { number, percent } from "./format.js";
import { bars, lines } from "./operator-charts.js";
import { html, moment, nothing, told_of } from "./parts.js";
import { t } from "./texts.js";

/**
 * @typedef {import("./openapi.d.ts").components["schemas"]["Figures"]} Figures
 * @typedef {import("./openapi.d.ts").components["schemas"]["Health"]} Health
 */

const DAY_MS = 24 * 3600 * 1000;

/** Milliseconds as seconds. @param {number} value */
const seconds = (value) => `${(value / 1000).toFixed(value < 10_000 ? 1 : 0)} s`;

/** The periods of a span, each by when it begins. @param {Figures} figures */
function periods(figures) {
  const length = figures.period_seconds * 1000;
  const from = Date.parse(figures.from);
  const count = Math.max(1, Math.ceil((Date.parse(figures.to) - from) / length));
  return Array.from({ length: count }, (_, index) => from + index * length);
}

/** @param {Figures} figures @param {number} at */
function label(figures, at) {
  const how = figures.period_seconds < 24 * 3600 ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" };
  const zone = figures.period_seconds < 24 * 3600 ? {} : { timeZone: "UTC" };
  return new Intl.DateTimeFormat(document.documentElement.lang, /** @type {any} */ ({ ...how, ...zone })).format(at);
}

/** A metric's course, one value for each period. @param {Figures} figures @param {string} metric @param {"p50" | "p95" | "p99" | "value" | "cases"} which */
export function course(figures, metric, which) {
  const points = figures.figures.find((one) => one.metric === metric)?.course ?? [];
  const by = new Map(points.map((point) => [Date.parse(point.at), point]));
  return periods(figures).map((at) => by.get(at)?.[which] ?? null);
}

/** What is told of in minutes: older, it says nothing of now. */
const RECENT_PERIODS = 2;

/** A metric as it is now, where it was measured lately. @param {Figures | null} lately @param {string} metric @returns {number | null} */
function latest(lately, metric) {
  const point = lately?.figures.find((one) => one.metric === metric)?.course.at(-1);
  if (!lately || !point) return null;
  const age = Date.parse(lately.to) - Date.parse(point.at);
  return age <= RECENT_PERIODS * lately.period_seconds * 1000 ? (point.value ?? null) : null;
}

/** A share of all cases of the span. @param {Figures} figures @param {string} metric */
function share(figures, metric) {
  const points = figures.figures.find((one) => one.metric === metric)?.course ?? [];
  const cases = points.reduce((sum, point) => sum + (point.cases ?? 0), 0);
  const hit = points.reduce((sum, point) => sum + (point.cases ?? 0) * (point.value ?? 0), 0);
  return cases ? hit / cases : null;
}

/** A sum over the span. @param {Figures} figures @param {string} metric */
const total = (figures, metric) =>
  (figures.figures.find((one) => one.metric === metric)?.course ?? []).reduce((sum, point) => sum + (point.value ?? 0), 0);

/** The queue's address for the evaluations of a span. @param {string} from @param {string} to @param {string} [more] */
const cases = (from, to, more = "") => `#/queue?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}${more}`;

/**
 * What counts now.
 * @param {Figures} figures @param {{ figures: Figures | null, failed: unknown }} lately @param {{ health: Health | null, failed: unknown }} answer
 */
export function now(figures, lately, { health, failed }) {
  const today = new Date(figures.to).toISOString().slice(0, 10);
  const counted = figures.days.find((one) => one.day === today);
  const waiting = latest(lately.figures, "PhotosPending");
  const oldest = latest(lately.figures, "OldestUnfinished");
  const away = health && !failed && health.vlm.state !== "available";
  const unknown = (/** @type {unknown} */ error) => html`<p class="wrong" role="alert">${told_of(error).text}</p>`;
  return html`<div class="tiles">
    <section class="card">
      <h2>${t.operator.today}</h2>
      <p class="big"><a href=${cases(`${today}T00:00:00Z`, figures.to)}>${number(counted?.evaluations ?? 0)}</a></p>
      <p class="quiet">${t.operator.ofThem(counted?.pass ?? 0, counted?.fail ?? 0, counted?.incomplete ?? 0, counted?.unfinished ?? 0)}</p>
    </section>
    <section class="card ${away ? "away" : ""}">
      <h2>${t.operator.vlm}</h2>
      <p class="big">${health && !failed ? t.operator.vlmStates[health.vlm.state] ?? health.vlm.state : "–"}</p>
      ${failed ? unknown(failed) : html`<p class="quiet">${health?.vlm.since ? html`${t.operator.since} ${moment(health.vlm.since)}` : nothing} ${health?.vlm.reason ?? ""}</p>`}
    </section>
    <section class="card">
      <h2>${t.operator.waits}</h2>
      <p class="big">${waiting === null ? "–" : t.photos(waiting)}</p>
      ${lately.failed ? unknown(lately.failed) : html`<p class="quiet">${waits(waiting, oldest)}</p>`}
    </section>
    <section class="card">
      <h2>${t.operator.release}</h2>
      <p class="big release">${health?.release ?? "–"}</p>
      <p class="quiet">${health ? `${health.asks_with.model}, ${health.asks_with.catalogue_version}` : ""}</p>
    </section>
  </div>`;
}

/** @param {number | null} waiting @param {number | null} oldest seconds */
function waits(waiting, oldest) {
  if (waiting === null) return t.operator.notMeasured;
  return oldest ? t.operator.oldest(Math.round(oldest)) : t.operator.nothingOld;
}

/** How many. @param {Figures} figures */
export function many(figures) {
  const days = new Map(figures.days.map((one) => [one.day, one]));
  const from = Date.parse(figures.from);
  const all = Array.from({ length: Math.max(1, Math.ceil((Date.parse(figures.to) - from) / DAY_MS)) }, (_, index) =>
    new Date(from + index * DAY_MS).toISOString().slice(0, 10));
  const series = /** @type {const} */ (["pass", "fail", "incomplete", "unfinished"]).map((name) => ({
    name: t.verdicts[name] ?? name,
    kind: name,
    values: all.map((day) => days.get(day)?.[name] ?? 0),
  }));
  const written = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", timeZone: "UTC" });
  return bars({
    title: t.operator.many,
    labels: all.map((day) => written.format(Date.parse(day))),
    series,
    shown: number,
    link: (index) => cases(`${all[index]}T00:00:00Z`, new Date(Date.parse(all[index] ?? "") + DAY_MS).toISOString()),
  });
}

/** How fast. @param {Figures} figures */
export function fast(figures) {
  const series = /** @type {const} */ (["p50", "p95", "p99"]).map((which) => ({
    name: which.toUpperCase(),
    kind: which,
    values: course(figures, "EvaluationTime", which),
  }));
  return lines({ title: t.operator.fast, labels: periods(figures).map((at) => label(figures, at)), series, shown: seconds });
}

/** What went wrong, what was spared, what it took. @param {Figures} figures */
export function rates(figures) {
  /** @type {Record<string, string>} */
  const filters = { EvaluationIncomplete: "&verdict=incomplete", EvaluationFlagged: "&flagged=true" };
  const row = (/** @type {string} */ metric, /** @type {string} */ shown) => {
    const one = figures.figures.find((figure) => figure.metric === metric);
    const linked = filters[metric] ? html`<a href=${cases(figures.from, figures.to, filters[metric])}>${shown}</a>` : shown;
    return one ? html`<tr><th scope="row">${t.operator.metrics[metric] ?? metric}</th><td class="number">${linked}</td><td class="quiet">${one.says}</td></tr>` : nothing;
  };
  const shares = ["PhotoFailed", "EvaluationIncomplete", "EvaluationFlagged", "VlmFailed", "ApiFailed", "CacheHit", "BreakerOpen"];
  const sums = ["PhotoDeferred", "PhotosResent", "PhotosReused", "PromptTokens", "CompletionTokens", "TokensSaved"];
  return html`<section class="card">
    <h2>${t.operator.rates}</h2>
    <div class="wide" tabindex="0" role="region" aria-label=${t.operator.rates}><table>
      <thead><tr><th scope="col">${t.operator.what}</th><th scope="col" class="number">${t.operator.howMany}</th><th scope="col">${t.operator.meaning}</th></tr></thead>
      <tbody>
        ${shares.map((metric) => row(metric, percent(share(figures, metric))))}
        ${sums.map((metric) => row(metric, number(total(figures, metric))))}
      </tbody>
    </table></div>
  </section>`;
}

/** What it cost, at the prices that one enters. @param {Figures} figures @param {{ read: number, written: number }} prices @param {(name: "read" | "written", value: number) => void} change */
export function cost(figures, prices, change) {
  const [read, written] = [total(figures, "PromptTokens"), total(figures, "CompletionTokens")];
  const saved = total(figures, "TokensSaved");
  const price = (read * prices.read + written * prices.written) / 1e6;
  // Evaluations are counted by whole days: by the hour, tokens are of less.
  const isWhole = figures.period_seconds * 1000 >= DAY_MS;
  const evaluations = isWhole ? figures.days.reduce((sum, day) => sum + day.evaluations, 0) : 0;
  const field = (/** @type {"read" | "written"} */ name, /** @type {string} */ said) => html`<label>${said}
    <input type="number" min="0" step="0.01" .value=${String(prices[name])} @change=${(/** @type {any} */ event) => change(name, Number(event.target.value))}></label>`;
  return html`<section class="card">
    <h2>${t.operator.cost}</h2>
    <p class="big">${price.toFixed(2)}</p>
    <p class="quiet">${t.operator.costOf(number(read), number(written), number(saved), evaluations ? (price / evaluations).toFixed(4) : "")}</p>
    <div class="prices">${field("read", t.operator.priceRead)}${field("written", t.operator.priceWritten)}</div>
  </section>`;
}
