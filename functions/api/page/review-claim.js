// @ts-check
/**
 * That one looks at a DR: said on opening it, said anew while it is open, given back on leaving.
 *
 * Invariants
 * - A claim is given back only after it was had, and only if it is one's own.
 * - Somebody else's claim forbids nothing: it is shown, and tried for again.
 */
import { ApiError, send } from "./api.js";
import { may } from "./session.js";

const RENEW_EVERY_MS = 4 * 60_000;
const TRY_EVERY_MS = 20_000;

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
    this.asked = may("reviewer") ? this.#ask() : Promise.resolve();
  }

  async #ask() {
    try {
      await send("PUT", `drs/${this.dr}/claim`);
      this.isOwn = true;
      this.others = null;
    } catch (error) {
      this.isOwn = false;
      this.others = error instanceof ApiError && error.kind === "claimed" ? error : null;
    }
    if (this.isOver) return;
    this.timer = setTimeout(() => (this.asked = this.#ask()), this.isOwn ? RENEW_EVERY_MS : TRY_EVERY_MS);
    this.changed();
  }

  /** Gives it back. */
  async end() {
    this.isOver = true;
    clearTimeout(this.timer);
    await this.asked;
    // It is over by itself if this does not arrive.
    if (this.isOwn) await send("DELETE", `drs/${this.dr}/claim`).catch(() => {});
  }
}
