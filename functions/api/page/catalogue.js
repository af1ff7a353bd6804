// @ts-check
/**
 * The lists of steps that evaluations were asked by: what each step asks for, and why it may fail.
 *
 * Invariants
 * - What a version says never changes: a list that was read is not read again.
 */
import { get } from "./api.js";

/** @typedef {import("./api.js").Schemas["Catalogue"]} Catalogue */

/** Those that were read, by version. @type {Map<string, Catalogue>} */
const known = new Map();

/** The list of this version; null if it can't be read now. @param {string} version @returns {Promise<Catalogue | null>} */
export async function catalogueOf(version) {
  const catalogue = known.get(version) ?? (await get(`catalogues/${encodeURIComponent(version)}`).catch(() => null));
  if (catalogue) known.set(version, catalogue);
  return catalogue;
}

/** A reason as people read it: the words of a fail code, or the words that somebody wrote. @param {string} reason */
export function inWords(reason) {
  for (const { fail_codes, steps } of known.values()) {
    const codes = [...steps.flatMap((step) => step.fail_codes), ...fail_codes];
    const code = codes.find((one) => one.fail_code === reason);
    if (code) return code.reason;
  }
  return reason;
}
