// @ts-check
/**
 * What is known of a DR now: its checklist, and the evaluation that was asked for last. Told live; asked for where
 * changes can't be told.
 *
 * Invariants
 * - What was asked for before something was told never takes its place.
 * - While something is to come, it is asked for every few seconds, also where the connection that tells it is up: what
 *   was told and lost comes, too.
 */
import { get, send } from "./api.js";
import { isUp, onUp, watch } from "./live.js";
import * as uploads from "./uploads.js";

/** @typedef {import("./openapi.d.ts").components["schemas"]} Schemas */

const POLL_MS = 2500;
/** How often is asked where changes are told. */
const CHECK_MS = 12_000;
/** How soon is asked again when something was told in between. */
const AGAIN_MS = 500;
/** How long nothing was told when it is asked whether that was the last of it. */
const SETTLED_MS = 3000;
/** How often is asked while nothing is to come and nothing is told. */
const IDLE_MS = 20_000;

/**
 * @typedef {object} Known
 * @property {Schemas["Dr"] | null} dr
 * @property {Schemas["Evaluation"] | null} evaluation
 * @property {unknown} problem why there is no checklist
 * @property {unknown} refused why no evaluation was begun
 * @property {boolean} isAsking whether an evaluation is being asked for
 */

export class DrFollower {
  /** @param {string} number @param {() => void} changed */
  constructor(number, changed) {
    this.number = number;
    this.changed = changed;
    /** @type {Known} */
    this.known = { dr: null, evaluation: null, problem: null, refused: null, isAsking: false };
    this.told = 0;
    /** How often was asked: an answer that came behind a later one's question is passed over. */
    this.turn = 0;
    /** Which evaluation is shown: the one that was asked for here, else the DR's last. */
    this.evaluationId = "";
    this.isOwn = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.isClosed = false;
    this.ends = [
      watch({ dr_number: number }, (message) => this.hear(message)),
      onUp(() => this.soon(0)),
      uploads.onChange(() => this.uploaded()),
    ];
    this.looked = () => {
      if (!document.hidden) this.soon(0);
    };
    document.addEventListener("visibilitychange", this.looked);
    addEventListener("online", this.looked);
    this.stored = 0;
    this.ask();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.looked);
    removeEventListener("online", this.looked);
    for (const end of this.ends) end();
  }

  /** Something has gone up: what it shows is to be seen soon. */
  uploaded() {
    const stored = uploads.of(this.number).filter(({ photo }) => photo.state === "stored").length;
    if (stored > this.stored) this.soon(400);
    this.stored = stored;
    this.changed();
  }

  /** @param {number} ms */
  soon(ms) {
    if (this.isClosed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), ms);
  }

  async ask() {
    clearTimeout(this.timer);
    const before = this.told;
    this.turn += 1;
    const { turn } = this;
    try {
      const dr = await get(`/drs/${this.number}`);
      if (this.isClosed || turn !== this.turn) return;
      if (this.told === before) this.become(dr);
      else if (this.known.dr) this.become({ ...dr, ...this.known.dr, evaluations: dr.evaluations });
      this.known.problem = null;
      await this.askOfEvaluation();
    } catch (error) {
      if (this.isClosed || turn !== this.turn) return;
      // What is known stays; it may be old, which the frame says where there is no connection.
      this.known.problem = error;
    }
    if (this.isClosed || turn !== this.turn) return;
    this.changed();
    // Which of both is the later one nobody knows.
    this.soon(this.told === before ? this.pause() : AGAIN_MS);
  }

  async askOfEvaluation() {
    const last = this.known.dr?.evaluations?.find((one) => !one.superseded_by);
    // One's own is shown until it has ended and there is a later one; ids are in the order of time.
    const isEnded = this.known.evaluation?.evaluation_id === this.evaluationId && this.known.evaluation.status === "completed";
    if (isEnded && last && last.evaluation_id > this.evaluationId) this.isOwn = false;
    if (!this.isOwn && last) this.evaluationId = last.evaluation_id;
    if (!this.evaluationId) return;
    const { evaluation } = this.known;
    const isSame = evaluation?.evaluation_id === this.evaluationId;
    // Whether it is stale by now only the API knows.
    const before = this.told;
    const { turn, evaluationId } = this;
    const now = await get(`/evaluations/${evaluationId}`);
    if (turn !== this.turn || evaluationId !== this.evaluationId) return;
    if (!isSame || this.told === before) this.known.evaluation = now;
  }

  /** How long to wait before asking again. */
  pause() {
    const { dr, evaluation } = this.known;
    const runs = evaluation && evaluation.status !== "completed";
    const awaited = uploads.of(this.number).some(uploads.isAwaited);
    const isBusy = runs || awaited || Boolean(dr?.photos_open) || !dr;
    if (document.hidden) return IDLE_MS;
    if (!isUp()) return isBusy ? POLL_MS : POLL_MS * 2;
    return isBusy ? CHECK_MS : IDLE_MS * 3;
  }

  /** @param {any} dr */
  become(dr) {
    this.known.dr = dr;
    uploads.settle(this.number, dr.photos ?? []);
  }

  /** @param {any} message */
  hear(message) {
    if (this.isClosed) return;
    if (message.type === "state") this.hearState(message);
    else if (message.type === "checklist") this.hearChecklist(message);
    else if (message.evaluation_id) this.hearEvaluation(message);
    this.changed();
  }

  /** @param {any} message */
  hearState(message) {
    if (message.truncated || !message.checklist) return this.soon(0);
    this.hearChecklist(message);
    const own = (message.evaluations ?? []).find((/** @type {any} */ one) => one.evaluation_id === this.evaluationId);
    if (own) this.merge(own);
  }

  /** @param {any} message */
  hearChecklist(message) {
    if (message.truncated || !message.checklist) return this.soon(0);
    this.told += 1;
    const { dr } = this.known;
    // What a checklist says not: the DR's evaluations, and whether it is known where it is.
    if (dr) this.become({ ...dr, ...message.checklist });
    // It may have been on its way while something later was asked for.
    this.soon(dr ? SETTLED_MS : 0);
  }

  /** @param {any} message */
  hearEvaluation(message) {
    const { type } = message;
    if (message.evaluation_id !== this.evaluationId) {
      // Another one: begun by an upload, or by somebody else.
      if (!this.isOwn || this.known.evaluation?.status === "completed") {
        this.isOwn = false;
        this.soon(300);
      }
      return;
    }
    if (message.truncated) return this.soon(0);
    if (type === "verdict" && message.evaluation) this.merge(message.evaluation);
    if (type === "progress" || type === "waiting" || type === "review") {
      const { photo, dr_number, links, type: _, sequence, ...rest } = message;
      this.merge(rest);
    }
    if (type === "verdict" || type === "review") this.soon(0);
  }

  /** @param {any} evaluation */
  merge(evaluation) {
    this.told += 1;
    const before = this.known.evaluation?.evaluation_id === evaluation.evaluation_id ? this.known.evaluation : null;
    // How far it is belongs to what is shown, and is not told with everything.
    if (!before && !evaluation.progress) return this.soon(0);
    this.known.evaluation = { .../** @type {any} */ (before), ...evaluation };
  }

  /** Asks for an evaluation, once for each press. */
  async evaluate() {
    if (this.known.isAsking) return;
    this.known.isAsking = true;
    this.known.refused = null;
    this.changed();
    try {
      const key = crypto.randomUUID();
      const started = await send("POST", "/evaluations", { dr_number: this.number, mode: "full" }, { "idempotency-key": key });
      this.evaluationId = started.evaluation_id;
      this.isOwn = true;
      if (this.known.evaluation?.evaluation_id !== this.evaluationId) this.known.evaluation = null;
    } catch (error) {
      this.known.refused = error;
    }
    this.known.isAsking = false;
    this.changed();
    await this.ask();
  }

  /** @param {string} step @param {string} kind @param {string} reason */
  async note(step, kind, reason) {
    await send("POST", `/drs/${this.number}/notes`, { step, kind, reason });
    await this.ask();
  }
}
