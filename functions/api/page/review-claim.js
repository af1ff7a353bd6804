// @ts-check
/**
 * That one looks at a DR: said on opening it, said anew while it is open, given back on leaving.
 *
 * Invariants
 * - A claim is given back only after it was had, and only if it is one's own.
 * - Somebody else's claim forbids nothing: it is shown, and tried for again.
 * - What is said of a DR arrives in the order in which it was said: a claim that is given back as the next one of the DR is
 *   made does not take that with it.
 */
import { ApiError, send } from "./api.js";
import { may } from "./session.js";

const RENEW_EVERY_MS = 4 * 60_000;
const TRY_EVERY_MS = 20_000;

/** What is on its way, by DR. @type {Map<string, Promise<void>>} */
const going = new Map();

/** One after another. @param {string} dr @param {() => Promise<void>} say */
function inOrder(dr, say) {
  const said = (going.get(dr) ?? Promise.resolve()).then(say);
  going.set(dr, said);
  return said.finally(() => going.get(dr) === said && going.delete(dr));
}

export class Claim {
  /** @param {string} dr @param {() => void} changed */
  constructor(dr, changed) {
    this.dr = dr;
    this.changed = changed;
    /** Whose it is, in the API's words; none if it is one's own. @type {unknown} */
    this.others = null;
    this.isOwn = false;
    this.isOver = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    if (may("reviewer")) inOrder(dr, () => this.#ask());
  }

  async #ask() {
    if (this.isOver) return;
    try {
      await send("PUT", `drs/${this.dr}/claim`);
      this.isOwn = true;
      this.others = null;
    } catch (error) {
      this.isOwn = false;
      this.others = error instanceof ApiError && error.kind === "claimed" ? error : null;
    }
    if (this.isOver) return;
    this.timer = setTimeout(() => inOrder(this.dr, () => this.#ask()), this.isOwn ? RENEW_EVERY_MS : TRY_EVERY_MS);
    this.changed();
  }

  /** Gives it back. */
  end() {
    this.isOver = true;
    clearTimeout(this.timer);
    return inOrder(this.dr, async () => {
      // It is over by itself if this does not arrive.
      if (this.isOwn) await send("DELETE", `drs/${this.dr}/claim`).catch(() => {});
    });
  }
}
