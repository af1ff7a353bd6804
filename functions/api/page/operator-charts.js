// @ts-check
/**
 * Charts that anyone can read: pictures whose numbers stand in a table beside them, as text.
 *
 * Invariants
 * - A series is told by its form and its name as well as by its colour.
 * - What was not measured is a gap, and never a zero.
 */
import { svg } from "./lit-html.js";
import { html, nothing } from "./parts.js";
import { t } from "./texts.js";

const WIDTH = 640;
const HEIGHT = 200;
const LEFT = 44;
const BOTTOM = 24;
const TOP = 8;
const MOST_LABELS = 7;
const MARKS = 4;

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} kind a class of style.css
 * @property {(number | null)[]} values one for each label
 *
 * @typedef {object} Chart
 * @property {string} title
 * @property {string[]} labels
 * @property {Series[]} series
 * @property {(value: number) => string} shown
 * @property {((index: number) => string) | undefined} [link] where the cases of a label are
 */

/** Bars upon each other. @param {Chart} chart */
export function bars(chart) {
  const totals = chart.labels.map((_, index) => chart.series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0));
  const top = roundUp(Math.max(MARKS, ...totals));
  const step = (WIDTH - LEFT) / Math.max(1, chart.labels.length);
  const drawn = chart.labels.map((_, index) => {
    let below = 0;
    return chart.series.map((one) => {
      const value = one.values[index] ?? 0;
      const at = y(below + value, top);
      const height = y(below, top) - at;
      below += value;
      if (value === 0) return nothing;
      return svg`<rect class="bar ${one.kind}" x=${LEFT + index * step + step * 0.15} y=${at} width=${step * 0.7} height=${height}></rect>`;
    });
  });
  return figure(chart, top, step, drawn);
}

/** Lines beside each other. @param {Chart} chart */
export function lines(chart) {
  const values = chart.series.flatMap((one) => one.values).filter((value) => value !== null);
  const top = roundUp(Math.max(0, .../** @type {number[]} */ (values)) || 1);
  const step = (WIDTH - LEFT) / Math.max(1, chart.labels.length);
  const drawn = chart.series.map((one) => {
    const points = one.values.map((value, index) => (value === null ? null : [LEFT + (index + 0.5) * step, y(value, top)]));
    return svg`
      ${runs(points).map((run) => svg`<polyline class="line ${one.kind}" points=${run.map((point) => point.join(",")).join(" ")}></polyline>`)}
      ${points.map((point) => (point ? svg`<circle class="dot ${one.kind}" cx=${point[0]} cy=${point[1]} r="3"></circle>` : nothing))}
    `;
  });
  return figure(chart, top, step, drawn);
}

/** @param {Chart} chart @param {number} top @param {number} step @param {unknown} drawn */
function figure(chart, top, step, drawn) {
  const every = Math.ceil(chart.labels.length / MOST_LABELS);
  const marks = Array.from({ length: MARKS + 1 }, (_, index) => (top / MARKS) * index);
  return html`<figure class="chart">
    <figcaption>${chart.title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${chart.title}. ${t.operator.seeTable}">
      ${marks.map((mark) => svg`
        <line class="grid" x1=${LEFT} x2=${WIDTH} y1=${y(mark, top)} y2=${y(mark, top)}></line>
        <text class="mark" x=${LEFT - 6} y=${y(mark, top) + 4} text-anchor="end">${chart.shown(mark)}</text>`)}
      ${drawn}
      ${chart.labels.map((label, index) => (index % every === 0
        ? svg`<text class="mark" x=${LEFT + (index + 0.5) * step} y=${HEIGHT - 6} text-anchor="middle">${label}</text>`
        : nothing))}
    </svg>
    <ul class="legend">
      ${chart.series.map((one) => html`<li><span class="swatch ${one.kind}" aria-hidden="true"></span>${one.name}</li>`)}
    </ul>
    <details><summary>${t.operator.asTable}</summary>${table(chart)}</details>
  </figure>`;
}

/** @param {Chart} chart */
function table(chart) {
  return html`<div class="wide" tabindex="0" role="region" aria-label=${chart.title}><table>
    <thead><tr><th scope="col">${t.operator.when}</th>${chart.series.map((one) => html`<th scope="col" class="number">${one.name}</th>`)}</tr></thead>
    <tbody>
      ${chart.labels.map((label, index) => html`<tr>
        <th scope="row">${chart.link ? html`<a href=${chart.link(index)}>${label}</a>` : label}</th>
        ${chart.series.map((one) => {
          const value = one.values[index];
          return html`<td class="number">${value == null ? "–" : chart.shown(value)}</td>`;
        })}
      </tr>`)}
    </tbody>
  </table></div>`;
}

/** Parts of a line that hang together. @param {(number[] | null)[]} points */
function runs(points) {
  /** @type {number[][][]} */
  const found = [[]];
  for (const point of points) {
    if (point) found.at(-1)?.push(point);
    else found.push([]);
  }
  return found.filter((run) => run.length > 1);
}

/** @param {number} value @param {number} top */
const y = (value, top) => TOP + (HEIGHT - BOTTOM - TOP) * (1 - value / top);

/** To a number that is easily read: 1, 2, 4 or 8 of a power of ten. @param {number} value */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 8, 10].find((one) => one * power >= value) ?? 10) * power;
}
