// @ts-check
/**
 * Photos on their way from this phone to where they are stored, whichever view is open.
 *
 * Invariants
 * - A photo is kept before it is sent, and called stored only once S3, or the list of what lies there, says so.
 * - What did not work is tried again by itself, later each time and at once when the connection is back; what trying
 *   again can't help is said, with what to do.
 * - Windows of one browser know of each other's photos: none says that nothing waits while another one keeps some, or
 *   before it has read what is kept.
 */
import { ApiError, send } from "./api.js";
import { called, hash, kind, refusal, small, wanted } from "./photo-files.js";
import * as kept from "./kept.js";
import { waits } from "./session.js";
import { t } from "./texts.js";
import { goodFor, transfer } from "./transfer.js";

/**
 * @typedef {"waiting" | "queued" | "sending"} Phase `queued`: it is its turn, once no other window sends it
 * @typedef {"" | "stalled" | "cut" | "busy" | "changed" | "unread" | "signedOut" | "noRight"} Trouble
 * @typedef {object} Upload
 * @property {import("./kept.js").Photo} photo
 * @property {Phase} phase
 * @property {number} sent bytes
 * @property {number} tries that did not work
 * @property {number} changed how often S3 did not take what came
 * @property {number} unread how often its file could not be read
 * @property {number} next when it is tried again
 * @property {Trouble} trouble why it was not stored yet
 */

const AT_ONCE = 3;
/** So many addresses are asked for at once: all of them are used while they are good. */
const BATCH = 10;
const LONGEST_WAIT_MS = 30_000;
/** So often may what arrives be something else than what was sent, or a file not be read. */
const MOST_CHANGED = 5;
/** So long is waited for another window that sends a photo: it may be asleep, and would keep all others from it. */
const TURN_MS = 30_000;
/** So soon is what is kept read again, where it never could be read yet. */
const READ_AGAIN_MS = 5000;
/** So long after it was stored a photo is looked for at its DR. */
const AWAITED_MS = 10 * 60_000;
/** What happens in another window is taken up so soon. */
const OTHERS_MS = 300;
/** So long it is known what was stored. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;

/** @type {Map<string, Upload>} */
const uploads = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let isAsking = false;
/** What lies at each DR, as far as it was told. @type {Map<string, Set<string>>} */
const listed = new Map();
/** Files of each DR that are being read and are kept in a moment. @type {Map<string, number>} */
const reading = new Map();
/** @type {Promise<void> | undefined} */
let resumed;
let isRead = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let readAgain;
/** Other windows of this browser: they are told that something is kept otherwise. */
const others = globalThis.BroadcastChannel ? new BroadcastChannel("photos") : null;
let drawn = Promise.resolve();
/** Removed here: what was read before that must not bring them back. @type {Set<string>} */
const removed = new Set();

/** Called when something about them changes. @param {() => void} listener */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The photos of a DR that this phone knows of. @param {string} dr */
export const of = (dr) => [...uploads.values()].filter(({ photo }) => photo.dr === dr);

/** Those that aren't stored yet, and will be. @param {string} dr */
export const open = (dr) => of(dr).filter(({ photo }) => photo.state === "kept");

/** How many of a DR's photos are not stored yet, those that are being read among them. @param {string} dr */
export const waiting = (dr) => open(dr).length + (reading.get(dr) ?? 0);

/** Those that were not accepted, and may be yet: they are on this phone alone. @param {string} dr */
export const heldBack = (dr) => of(dr).filter(isHeldBack);

/** @param {Upload} upload */
const isHeldBack = ({ photo }) => photo.state === "refused" && !photo.hopeless;

/** Those that are on this phone alone. */
const here = () => [...uploads.values()].filter((upload) => upload.photo.state === "kept" || isHeldBack(upload));

/** Whether it is known what this phone keeps. */
export const isKnown = () => isRead;

/** Whether a photo is stored, and to be seen at its DR in a moment. @param {Upload} upload */
export const isAwaited = ({ photo }) => photo.state === "stored" && Date.now() - photo.at < AWAITED_MS;

/** How many photos of each DR are on this phone alone. @returns {Map<string, number>} */
export function left() {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { photo } of here()) counts.set(photo.dr, (counts.get(photo.dr) ?? 0) + 1);
  return counts;
}

/** Goes on with what was kept before, and with what another window has kept. */
export function resume() {
  // What can't be read now may be the next time; nothing that is here, or comes in, waits for it.
  resumed ??= takeUp().catch(() => {}).finally(() => {
    resumed = undefined;
    clearTimeout(readAgain);
    if (!isRead) readAgain = setTimeout(resume, READ_AGAIN_MS);
    go();
  });
  return resumed;
}

async function takeUp() {
  const all = await kept.all();
  isRead ||= all !== null || !globalThis.indexedDB;
  if (all) forgetRemoved(new Set(all.map(({ id }) => id)));
  for (const photo of all ?? []) {
    if (removed.has(photo.id)) continue;
    const known = uploads.get(photo.id);
    const isEnded = photo.state === "done" || photo.state === "stored";
    if (known && isOpen(known) && isEnded) known.photo = photo;
    else if (!known && isEnded && Date.now() - photo.at > REMEMBERED_MS) await kept.drop(photo.id);
    else if (!known) uploads.set(photo.id, begun(photo));
  }
  tell();
  drawn = drawn.then(pictures);
}

/** Whether another window may have stored or removed it meanwhile. @param {Upload} upload */
const isOpen = ({ photo, phase }) => phase === "waiting" && (photo.state === "kept" || photo.state === "refused");

/** What was removed in another window. @param {Set<string>} there what is kept now */
function forgetRemoved(there) {
  for (const [id, upload] of uploads) {
    if (isOpen(upload) && !there.has(id) && !kept.isHereAlone(id)) uploads.delete(id);
  }
}

/**
 * Takes files as photos of a DR.
 * @param {string} dr
 * @param {Iterable<File>} files
 * @param {{ number: number, step: string } | null} [taken] the step that they were taken for
 * @returns {Promise<{ kept: number, known: number, refused: number }>}
 */
export async function add(dr, files, taken) {
  await resume();
  navigator.storage?.persist?.().catch(() => false);
  const counts = { kept: 0, known: 0, refused: 0 };
  const all = [...files];
  reading.set(dr, (reading.get(dr) ?? 0) + all.length);
  tell();
  for (const file of all) {
    const as = await take(dr, file, taken);
    counts[as] += 1;
    reading.set(dr, (reading.get(dr) ?? 1) - 1);
    tell();
  }
  drawn = drawn.then(pictures);
  return counts;
}

/** @param {string} dr @param {File} file @param {{ number: number, step: string } | null} [taken] @returns {Promise<"kept" | "known" | "refused">} */
async function take(dr, file, taken) {
  const name = called(file);
  const common = { dr, name, size: file.size, at: Date.now() };
  const unread = `${dr}/${name}/${file.size}`;
  try {
    const type = await kind(file);
    const why = refusal(file, type);
    if (why || !type) {
      await hold({ ...common, id: unread, wanted: "", type: "", sha256: "", state: "refused", hopeless: true, why: why ?? "" });
      return "refused";
    }
    const bytes = await file.arrayBuffer();
    const sha256 = await hash(bytes);
    const id = `${dr}/${sha256}`;
    // It could not be read before: it was chosen again, as was said.
    if (uploads.has(unread)) await remove(unread);
    const known = uploads.get(id);
    const isThere = known && (known.photo.state === "kept" || isAwaited(known) || listed.get(dr)?.has(known.photo.wanted));
    if (isThere && known.photo.state !== "refused") return "known";
    const blob = new Blob([bytes], { type });
    const photo = { ...common, id, wanted: wanted(name, type, sha256, taken), type, sha256, state: /** @type {const} */ ("kept") };
    await hold(photo, blob);
    go();
    return "kept";
  } catch {
    await hold({ ...common, id: unread, wanted: "", type: "", sha256: "", state: "refused", hopeless: true, why: t.technician.refused.unread });
    return "refused";
  }
}

/** @param {import("./kept.js").Photo} photo @param {Blob} [file] */
async function hold(photo, file) {
  removed.delete(photo.id);
  await kept.keep(photo, file);
  uploads.set(photo.id, begun(photo));
  others?.postMessage(photo.dr);
  tell();
}

/** Small pictures are nice to have: they are made once all photos are kept, one at a time. */
async function pictures() {
  for (const { photo } of uploads.values()) {
    if (photo.small || photo.hopeless || photo.state === "done") continue;
    const { file } = await kept.one(photo.id).catch(() => ({ file: undefined }));
    const made = file && (await small(file));
    if (made) await change(photo.id, { small: made });
  }
}

/** @param {import("./kept.js").Photo} photo @returns {Upload} */
const begun = (photo) => ({ photo, phase: "waiting", sent: 0, tries: 0, changed: 0, unread: 0, next: 0, trouble: "" });

/** Forgets a photo that is not stored. @param {string} id */
export async function remove(id) {
  uploads.delete(id);
  removed.add(id);
  await kept.drop(id);
  others?.postMessage(id);
  tell();
}

/** Tries a photo again that was not accepted. @param {string} id */
export async function again(id) {
  await change(id, { state: "kept", why: undefined, isUnread: undefined, address: undefined });
  const upload = uploads.get(id);
  if (upload) Object.assign(upload, { tries: 0, changed: 0, unread: 0, next: 0, trouble: "" });
  go();
}

/**
 * What lies at the DR, by its checklist: what is stored and looked at need not be kept.
 * @param {string} dr
 * @param {{ name: string, state: string }[]} photos
 */
export async function settle(dr, photos) {
  const states = new Map(photos.map(({ name, state }) => [name, state]));
  listed.set(dr, new Set(states.keys()));
  for (const upload of of(dr)) {
    const { photo, phase } = upload;
    const state = states.get(photo.wanted);
    const isHopeless = photo.state === "refused" && !isHeldBack(upload);
    if (!state || phase !== "waiting" || photo.state === "done" || isHopeless) continue;
    if (state === "looked_at" || state === "unreadable") await change(photo.id, { state: "done", at: Date.now(), address: undefined }, true);
    else if (photo.state !== "stored") await change(photo.id, { state: "stored", at: Date.now(), address: undefined });
  }
}

/** @param {string} id @param {Partial<import("./kept.js").Photo>} what @param {boolean} [dropsFile] */
async function change(id, what, dropsFile) {
  const upload = uploads.get(id);
  if (!upload) return;
  upload.photo = { ...upload.photo, ...what };
  if (what.state === "stored") kept.release(id);
  tell();
  if (dropsFile) await kept.drop(id, upload.photo);
  else await kept.renew(upload.photo);
  if (what.state) others?.postMessage(id);
}

/** Does what can be done now, and comes back when more can. */
function go() {
  clearTimeout(timer);
  if (!navigator.onLine) return;
  const now = Date.now();
  const waiting = [...uploads.values()].filter(({ photo, phase }) => photo.state === "kept" && phase === "waiting");
  const due = waiting.filter(({ next }) => next <= now);
  const isGood = (/** @type {Upload} */ { photo }) => Boolean(photo.address && photo.address.until > now);
  const sending = [...uploads.values()].filter(({ phase }) => phase !== "waiting").length;
  for (const upload of due.filter(isGood).slice(0, AT_ONCE - sending)) push(upload);
  const lost = due.find((upload) => !isGood(upload));
  if (lost && !isAsking) ask(due.filter((upload) => !isGood(upload) && upload.photo.dr === lost.photo.dr).slice(0, BATCH));
  const soonest = Math.min(...waiting.map(({ next }) => next).filter((next) => next > now));
  if (Number.isFinite(soonest)) timer = setTimeout(go, soonest - now);
}

/** @param {Upload[]} batch */
async function ask(batch) {
  isAsking = true;
  await asked(batch);
  isAsking = false;
  go();
}

/** Asks where these photos of one DR are to be sent. @param {Upload[]} batch */
async function asked(batch) {
  try {
    const since = Date.now();
    const photos = batch.map(({ photo }) => ({ name: photo.wanted, content_type: photo.type, size: photo.size, sha256: photo.sha256 }));
    const answer = await send("POST", `/drs/${batch[0].photo.dr}/uploads`, { photos });
    for (const [at, upload] of batch.entries()) {
      const { url, headers, name } = answer.photos[at];
      // Another name, because something is stored under this one, and that is this photo.
      const isThere = name !== upload.photo.wanted;
      await change(upload.photo.id, isThere ? { state: "stored", at: Date.now() } : { address: { url, headers, until: since + goodFor(url) } });
    }
  } catch (error) {
    await notGiven(batch, error);
  }
}

/** @param {Upload[]} batch @param {unknown} error */
async function notGiven(batch, error) {
  const status = error instanceof ApiError ? error.status : -1;
  if (status === 400 || status === 422 || status === 413) {
    // One of them is the reason: each is asked for by itself.
    if (batch.length > 1) {
      for (const upload of batch) await asked([upload]);
      return;
    }
    const [{ photo }] = batch;
    await change(photo.id, { state: "refused", why: /** @type {ApiError} */ (error).message || t.technician.refused.api });
    return;
  }
  const trouble = status === 401 ? "signedOut" : status === 403 ? "noRight" : status === 0 ? "cut" : "busy";
  for (const upload of batch) later(upload, trouble);
}

/** @param {Upload} upload */
async function push(upload) {
  upload.phase = "queued";
  upload.sent = 0;
  const { id, address } = upload.photo;
  // What can't be read now may be another time: it is not lost, and must not be "going up" for ever.
  const end = await alone(id, async () => {
    upload.phase = "sending";
    tell();
    const { photo, file } = await kept.one(id);
    if (photo?.state === "stored" || photo?.state === "done") return "stored";
    if (!photo && !kept.isHereAlone(id)) return "removed";
    if (!file || !address) return "lost";
    // What is there may still be unreadable.
    await file.slice(0, 1).arrayBuffer();
    return transfer(address, file, (sent) => {
      upload.sent = sent;
      upload.trouble = "";
      tell();
    });
  }).catch(() => /** @type {const} */ ("unread"));
  upload.phase = "waiting";
  if (end === "removed") {
    uploads.delete(id);
    tell();
  } else if (uploads.has(id)) await after(upload, end);
  go();
}

/** @param {Upload} upload @param {import("./transfer.js").End | "lost" | "unread"} end */
async function after(upload, end) {
  const { id } = upload.photo;
  if (end === "stored") return change(id, { state: "stored", at: Date.now(), address: undefined });
  if (end === "lost") return change(id, { state: "refused", hopeless: true, why: t.technician.refused.lost });
  const isChanged = end === "refused" || end === "expired";
  upload.changed += isChanged ? 1 : 0;
  upload.unread += end === "unread" ? 1 : 0;
  if (upload.unread >= MOST_CHANGED) return change(id, { state: "refused", isUnread: true, why: t.technician.refused.unreadable });
  if (upload.changed >= MOST_CHANGED) return change(id, { state: "refused", why: t.technician.refused.s3 });
  if (isChanged) upload.photo = { ...upload.photo, address: undefined };
  later(upload, isChanged ? "changed" : end);
}

/** @param {Upload} upload @param {Trouble} trouble */
function later(upload, trouble) {
  upload.trouble = trouble;
  upload.tries += 1;
  upload.sent = 0;
  upload.next = Date.now() + Math.min(1000 * 2 ** (upload.tries - 1), LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
  tell();
}

/**
 * One window at a time sends a photo. Who waits too long for another one sends it, too: S3 stores it once.
 * @template T @param {string} id @param {() => Promise<T>} does @returns {Promise<T>}
 */
async function alone(id, does) {
  if (!navigator.locks) return does();
  let isBegun = false;
  const first = () => {
    isBegun = true;
    return does();
  };
  try {
    return await navigator.locks.request(`photo ${id}`, { signal: AbortSignal.timeout(TURN_MS) }, first);
  } catch (error) {
    if (isBegun) throw error;
    return does();
  }
}

function tell() {
  for (const listener of listeners) listener();
}

/** The connection is back, or somebody looks again: nobody waits any longer. */
function wake() {
  for (const upload of uploads.values()) {
    upload.next = 0;
    if (upload.photo.state === "refused" && upload.photo.isUnread) again(upload.photo.id);
  }
  resume();
}

waits.photos = () => here().length;
waits.inPageAlone = () => here().filter(({ photo }) => kept.isHereAlone(photo.id)).length;
addEventListener("beforeunload", (event) => {
  // What this browser does not keep would be lost.
  if (waits.inPageAlone() > 0) event.preventDefault();
});
/** @type {ReturnType<typeof setTimeout> | undefined} */
let soon;
if (others) {
  others.onmessage = () => {
    clearTimeout(soon);
    soon = setTimeout(resume, OTHERS_MS);
  };
}
addEventListener("online", wake);
addEventListener("offline", tell);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) wake();
});
