// @ts-check
/**
 * What was decided here, in this order: it is sent, told of, and taken back by a further record.
 *
 * Invariants
 * - Nothing is called recorded before the API has said so, and nothing is called not recorded that may be.
 * - What is sent again, with the same key, is recorded once.
 * - Taking back waits for the record that it takes back.
 */
import { ApiError, etagOf, get, send } from "./api.js";
import { mark } from "./queue-list.js";
import { subject } from "./session.js";
import { t } from "./texts.js";

/** @typedef {import("./api.js").Schemas["ReviewAnswer"]} ReviewAnswer */

/** @typedef {import("./api.js").Schemas["Review"]} Review */

/**
 * @typedef {object} Wish
 * @property {string} evaluation
 * @property {string} dr
 * @property {string} decision
 * @property {string} reason
 * @property {string | null} [step] none if it is of the whole
 * @property {string | null} [photo]
 * @property {string | null} [reading] what the small print says, where the person read it
 *
 * @typedef {object} Said
 * @property {Wish} wish
 * @property {string} key by which the API knows it when it is sent again
 * @property {number} batch several that were decided at once have the same
 * @property {"going" | "stands" | "failed" | "taking" | "taken"} state
 * @property {ReviewAnswer | null} answer
 * @property {unknown} error
 * @property {Promise<void>} settled
 * @property {number} at when that was known, by `performance.now()`; infinite while it is on its way
 */

/** @type {Said[]} */
export const said = [];
/** @type {Set<(one: Said) => void>} */
const listeners = new Set();
let batches = 0;

/** Called when something of it has changed; what is returned ends that. @param {(one: Said) => void} listener */
export function onSaid(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A number for several that are decided at once. */
export const newBatch = () => (batches += 1);

/** Decides. @param {Wish} wish @param {number} [batch] @returns {Said} */
export function decide(wish, batch = newBatch()) {
  /** @type {Said} */
  const one = { wish, key: crypto.randomUUID(), batch, state: "going", answer: null, error: null, settled: Promise.resolve(), at: Infinity };
  // What was not recorded is said otherwise now, and never to be sent after this one.
  for (const before of said.filter((earlier) => earlier.state === "failed" && isOfSame(earlier.wish, wish))) drop(before);
  said.push(one);
  one.settled = record(one);
  return one;
}

/** Whether no answer came, or one that says nothing of what was asked. @param {unknown} error */
const isOpen = (error) => error instanceof ApiError && (error.status === 0 || error.status >= 500);

/** Whether it may have been recorded all the same. @param {Said} one */
export const isUnsure = ({ state, error }) => state === "failed" && isOpen(error);

/** Lets go of what was not recorded; where that is not known, the records say first whether it was. @param {Said} one */
export async function forget(one) {
  if (one.state !== "failed") return;
  try {
    const review = isUnsure(one) ? await recorded(one.wish) : null;
    if (one.state !== "failed") return;
    if (!review) return drop(one);
    one.answer = /** @type {any} */ ({ review });
    one.error = null;
    mark(one.wish.evaluation, true);
    become(one, "stands");
  } catch (error) {
    if (isOpen(error)) become(one, "failed");
    else drop(one);
  }
}

/** @param {Said} one */
function drop(one) {
  if (!said.includes(one)) return;
  said.splice(said.indexOf(one), 1);
  for (const listener of listeners) listener(one);
}

/** The record of one's own that says this, if it stands. @param {Wish} wish @returns {Promise<Review | null>} */
async function recorded(wish) {
  const path = `evaluations/${wish.evaluation}/reviews`;
  const isIt = (/** @type {Review} */ one) => one.kind === "decision" && one.state.state === "stands" && one.by === subject()
    && one.evaluation_id === wish.evaluation && (one.step ?? null) === (wish.step ?? null) && one.decision === wish.decision && one.reason === wish.reason;
  for (let cursor = ""; ;) {
    const page = await get(path + cursor);
    const found = page.reviews.findLast(isIt);
    if (found || !page.next) return found ?? null;
    cursor = `?cursor=${encodeURIComponent(page.next)}`;
  }
}

/** @param {Wish} one @param {Wish} other */
const isOfSame = (one, other) => one.evaluation === other.evaluation && (one.step ?? null) === (other.step ?? null);

/** A decision that was recorded before, as one of these. @param {Review} review @param {{ evaluation_id: string, dr_number: string }} of @returns {Said} */
export function known(review, of) {
  const before = said.find(({ wish, answer }) => wish.evaluation === of.evaluation_id && answer?.review?.number === review.number);
  if (before) return before;
  const wish = { evaluation: of.evaluation_id, dr: of.dr_number, decision: review.decision ?? "", reason: review.reason ?? "", step: review.step };
  /** @type {Said} */
  const one = { wish, key: "", batch: newBatch(), state: "stands", answer: /** @type {any} */ ({ review }), error: null, settled: Promise.resolve(), at: -Infinity };
  said.push(one);
  return one;
}

/** Sends it once more, with the same key. @param {Said} one */
export function again(one) {
  one.settled = record(one);
  return one.settled;
}

/** What would be taken back now: the last decision, with those of the same batch. @returns {Said[]} */
export function last() {
  const one = said.findLast(({ state }) => state === "going" || state === "stands");
  return one ? said.filter(({ batch, state }) => batch === one.batch && (state === "going" || state === "stands")) : [];
}

/** Whether something is on its way of an evaluation that is known as of then, or came of it since. @param {string} evaluation @param {number} asOf */
export const isNews = (evaluation, asOf) => said.some(({ wish, at }) => wish.evaluation === evaluation && at > asOf);

/** Whether something is on its way. */
export const isGoing = () => said.some(({ state }) => state === "going" || state === "taking");

/** Takes it back, by a record. @param {Said} one */
export async function takeBack(one) {
  await one.settled;
  if (one.state !== "stands" || !one.answer?.review) return;
  one.settled = withdraw(one, one.answer.review.number);
  await one.settled;
}

/** @param {Said} one */
async function record(one) {
  const { evaluation, decision, reason, step, photo, reading } = one.wish;
  const path = `evaluations/${evaluation}/reviews`;
  const seen = etagOf(path);
  become(one, "going");
  mark(evaluation, true);
  const body = { decision, reason, ...(step ? { step } : {}), ...(photo ? { photo } : {}), ...(reading ? { reading } : {}) };
  try {
    one.answer = await send("POST", path, body, { "idempotency-key": one.key, ...(seen ? { "if-match": seen } : {}) });
    one.error = null;
    become(one, "stands");
  } catch (error) {
    one.error = error;
    mark(evaluation, false);
    become(one, "failed");
  }
}

/** @param {Said} one @param {number} number */
async function withdraw(one, number) {
  const path = `evaluations/${one.wish.evaluation}/reviews/${number}`;
  become(one, "taking");
  try {
    await send("DELETE", path, { reason: t.review.reasons.takenBack });
    mark(one.wish.evaluation, false);
    one.error = null;
    become(one, "taken");
  } catch (error) {
    one.error = error;
    // It was withdrawn already, by a request whose answer was lost, or by somebody else.
    const isGone = error instanceof ApiError && error.status === 404;
    become(one, isGone ? "taken" : "stands");
  }
}

/** @param {Said} one @param {Said["state"]} state */
function become(one, state) {
  one.state = state;
  one.at = state === "going" || state === "taking" ? Infinity : performance.now();
  for (const listener of listeners) listener(one);
}

addEventListener("beforeunload", (event) => {
  if (isGoing()) event.preventDefault();
});
