// @ts-check
/**
 * Photos that are kept on this phone, in IndexedDB, until they are stored and looked at.
 *
 * Invariants
 * - A photo is here before anything is done with it, so a reload, a cut or a crash loses none.
 * - A file is deleted only once its photo was stored and looked at, or by who took it.
 *
 * @typedef {"kept" | "stored" | "done" | "refused"} KeptState
 *
 * @typedef {object} Photo
 * @property {string} id its DR and what is in it
 * @property {string} dr
 * @property {string} name what it is called on the phone
 * @property {string} wanted what it is to be called where it is stored: no other photo is called so
 * @property {string} type
 * @property {number} size
 * @property {string} sha256
 * @property {number} at when it came, or was stored
 * @property {KeptState} state
 * @property {string} [why] why it can't be accepted
 * @property {boolean} [hopeless] whether sending it again can't help
 * @property {{ url: string, headers: Record<string, string>, until: number }} [address] where it is to be sent
 * @property {Blob} [small] a small picture of it
 */

const NAME = "photos";
const RECORDS = "photos";
const FILES = "files";

/** @type {Promise<IDBDatabase | null> | undefined} */
let opened;
/** Where the browser keeps nothing. @type {Map<string, Blob>} */
const inMemory = new Map();
let keeps = true;

/** Whether what is here is still here after a reload. */
export const isSafe = () => keeps;

/** All photos. @returns {Promise<Photo[]>} */
export async function all() {
  const db = await database();
  if (!db) return [];
  return done(db.transaction(RECORDS).objectStore(RECORDS).getAll());
}

/** One, as it is kept now: another window may have gone on with it. @param {string} id @returns {Promise<Photo | undefined>} */
export async function one(id) {
  const db = await database();
  return db ? done(db.transaction(RECORDS).objectStore(RECORDS).get(id)) : undefined;
}

/**
 * Keeps a photo, with its file if one is given.
 * @param {Photo} photo
 * @param {Blob} [file]
 */
export async function keep(photo, file) {
  const db = await database();
  if (!db) {
    if (file) inMemory.set(photo.id, file);
    return;
  }
  try {
    const change = db.transaction([RECORDS, FILES], "readwrite");
    change.objectStore(RECORDS).put(photo);
    if (file) change.objectStore(FILES).put(file, photo.id);
    await ended(change);
  } catch {
    // The phone is full.
    keeps = false;
    if (file) inMemory.set(photo.id, file);
  }
}

/** Its file, while it is kept. @param {string} id @returns {Promise<Blob | undefined>} */
export async function file(id) {
  const held = inMemory.get(id);
  const db = await database();
  return held || !db ? held : done(db.transaction(FILES).objectStore(FILES).get(id));
}

/** Keeps a photo no more, or only what is known of it. @param {string} id @param {Photo} [rest] */
export async function drop(id, rest) {
  inMemory.delete(id);
  const db = await database();
  if (!db) return;
  const change = db.transaction([RECORDS, FILES], "readwrite");
  change.objectStore(FILES).delete(id);
  if (rest) change.objectStore(RECORDS).put(rest);
  else change.objectStore(RECORDS).delete(id);
  await ended(change);
}

/** @returns {Promise<IDBDatabase | null>} */
function database() {
  opened ??= new Promise((use) => {
    const none = () => {
      keeps = false;
      use(null);
    };
    try {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore(RECORDS, { keyPath: "id" });
        asked.result.createObjectStore(FILES);
      };
      asked.onsuccess = () => use(asked.result);
      asked.onerror = none;
    } catch {
      none();
    }
  });
  return opened;
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) =>
  new Promise((use, fail) => {
    request.onsuccess = () => use(request.result);
    request.onerror = () => fail(request.error);
  });

/** @param {IDBTransaction} change @returns {Promise<void>} */
const ended = (change) =>
  new Promise((use, fail) => {
    change.oncomplete = () => use();
    change.onabort = () => fail(change.error);
    change.onerror = () => fail(change.error);
  });
