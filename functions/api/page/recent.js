// @ts-check
/** The last DRs of this phone: their numbers, and nothing else of them. */

const STORED = "drs";
const MOST = 6;
const DR_NUMBER = /^[A-Z0-9]{3,20}$/;

/** A DR number as the API takes it, in capitals; null if it is none. @param {string} text */
export function drNumber(text) {
  const number = text.trim().toUpperCase();
  return DR_NUMBER.test(number) ? number : null;
}

/** The last first. @returns {string[]} */
export function recent() {
  try {
    const all = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(all) ? all.filter((one) => drNumber(String(one)) === one) : [];
  } catch {
    return [];
  }
}

/** @param {string} dr */
export function remember(dr) {
  try {
    localStorage.setItem(STORED, JSON.stringify([dr, ...recent().filter((one) => one !== dr)].slice(0, MOST)));
  } catch {
    // A browser that keeps nothing.
  }
}
