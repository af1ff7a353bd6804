// @ts-check
/** Times, sizes and numbers as the reader has them. */

const language = document.documentElement.lang || "en";
const exactly = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
const ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const whole = new Intl.NumberFormat(language);
const percents = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The exact time, in the reader's zone. @param {string} at RFC 3339 */
export const exact = (at) => exactly.format(new Date(at));

/** How long ago, or a date. @param {string} at RFC 3339 @param {number} [now] milliseconds */
export function relative(at, now = Date.now()) {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const away = Math.abs(seconds);
  if (away < MINUTE) return ago.format(Math.round(seconds), "second");
  if (away < HOUR) return ago.format(Math.round(seconds / MINUTE), "minute");
  if (away < 12 * HOUR) return ago.format(Math.round(seconds / HOUR), "hour");
  if (away < 6 * DAY) return `${ago.format(daysBetween(now, new Date(at)), "day")}, ${clock.format(new Date(at))}`;
  return date.format(new Date(at));
}

/** How many midnights of the reader's lie between. @param {number} now @param {Date} then */
function daysBetween(now, then) {
  const midnight = (/** @type {Date} */ day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  // A day may have 23 or 25 hours.
  return Math.round((midnight(then) - midnight(new Date(now))) / 1000 / DAY);
}

/** @param {number} value */
export const number = (value) => whole.format(value);

/** @param {number | null | undefined} share from 0 to 1 */
export const percent = (share) => (share == null ? "–" : percents.format(share));

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1_000_000) return `${whole.format(Math.ceil(bytes / 1000))} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
