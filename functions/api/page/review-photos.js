// @ts-check
/**
 * Photos of evaluations, by links that are good for minutes.
 *
 * Invariants
 * - A photo that was loaded stays on hand for a while: what was looked at, and what is next, is shown at once.
 * - A link is asked for again when it is over.
 */
import { ApiError, get } from "./api.js";
import { t } from "./texts.js";

/** @typedef {import("./api.js").Schemas["PhotoLink"]} PhotoLink */
/** @typedef {import("./api.js").Schemas["EvaluatedPhoto"]} Photo */

/**
 * @typedef {object} Shown
 * @property {"loading" | "here" | "failed"} state
 * @property {HTMLImageElement | null} image
 * @property {PhotoLink | null} link
 * @property {unknown} error
 * @property {Promise<void>} settled
 * @property {number} tries
 * @property {number} at when it was asked for, by `performance.now()`
 */

const MOST_ORIGINALS = 10;
const MOST_THUMBNAILS = 300;
const THUMBNAILS_AT_ONCE = 4;
/** A small picture that could not be loaded is asked for again when it is drawn later than this, so many times in all. */
const AGAIN_AFTER_MS = 15_000;
const MOST_TRIES = 3;
/** What says that there is no small picture, and perhaps the photo itself. */
const NO_PICTURE = new Set([400, 404, 409, 422]);

/** @type {Map<string, Shown>} */
const originals = new Map();
/** @type {Map<string, Shown>} */
const thumbnails = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {(() => void)[]} */
const waiting = [];
let going = 0;

/** Called when a photo has come, or has not; what is returned ends that. @param {() => void} listener */
export function onPhoto(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The photo itself. @param {string} evaluation @param {{ photo_id: string, name: string }} photo */
export function original(evaluation, photo) {
  return kept(originals, MOST_ORIGINALS, evaluation, photo, load);
}

/** A small picture of it, where there is one. @param {string} evaluation @param {{ photo_id: string, name: string }} photo */
export function thumbnail(evaluation, photo) {
  return kept(thumbnails, MOST_THUMBNAILS, evaluation, photo, small);
}

/** Has it loaded once more. @param {string} evaluation @param {{ photo_id: string, name: string }} photo */
export function again(evaluation, photo) {
  originals.delete(`${evaluation}/${photo.photo_id}`);
  return original(evaluation, photo);
}

/**
 * @param {Map<string, Shown>} known @param {number} most
 * @param {string} evaluation @param {{ photo_id: string, name: string }} photo
 * @param {(shown: Shown, evaluation: string, photo: { photo_id: string, name: string }) => Promise<void>} how
 */
function kept(known, most, evaluation, photo, how) {
  const key = `${evaluation}/${photo.photo_id}`;
  const before = known.get(key);
  const isOld = before?.state === "failed" && before.tries < MOST_TRIES && performance.now() - before.at > AGAIN_AFTER_MS;
  if (before && !(isOld && known === thumbnails)) {
    known.delete(key);
    known.set(key, before);
    return before;
  }
  /** @type {Shown} */
  const shown = { state: "loading", image: null, link: null, error: null, settled: Promise.resolve(), tries: (before?.tries ?? 0) + 1, at: performance.now() };
  known.set(key, shown);
  const [oldest] = known.keys();
  if (known.size > most && oldest !== undefined) known.delete(oldest);
  shown.settled = how(shown, evaluation, photo)
    .then(() => void (shown.state = "here"))
    .catch((error) => void Object.assign(shown, { state: "failed", error }))
    .then(() => {
      for (const listener of listeners) listener();
    });
  return shown;
}

/** @param {Shown} shown @param {string} evaluation @param {{ photo_id: string, name: string }} photo */
async function load(shown, evaluation, photo) {
  shown.link = await get(`evaluations/${evaluation}/photos/${photo.photo_id}`);
  shown.image = await picture(/** @type {PhotoLink} */ (shown.link).url, t.review.photoAlt(photo.name));
}

/** @param {Shown} shown @param {string} evaluation @param {{ photo_id: string, name: string }} photo */
async function small(shown, evaluation, photo) {
  await turn();
  try {
    const path = `evaluations/${evaluation}/photos/${photo.photo_id}`;
    shown.link = await get(`${path}?as=thumbnail`).catch((error) => {
      if (error instanceof ApiError && NO_PICTURE.has(error.status)) return get(path);
      throw error;
    });
    shown.image = await picture(/** @type {PhotoLink} */ (shown.link).url, "");
  } finally {
    going -= 1;
    waiting.shift()?.();
  }
}

// What failed without a connection is asked for again as it is drawn.
addEventListener("online", () => {
  for (const known of [originals, thumbnails]) {
    for (const [key, shown] of known) if (shown.state === "failed") known.delete(key);
  }
  for (const listener of listeners) listener();
});

/** Waits for one's turn. */
async function turn() {
  if (going >= THUMBNAILS_AT_ONCE) await new Promise((go) => waiting.push(() => go(null)));
  going += 1;
}

/** @param {string} url @param {string} alt */
async function picture(url, alt) {
  const image = new Image();
  image.alt = alt;
  image.decoding = "async";
  image.draggable = false;
  image.src = url;
  await image.decode().catch(() => {
    throw new Error(t.review.noPicture);
  });
  return image;
}
