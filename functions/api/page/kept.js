// @ts-check
/**
 * Photos that are kept on this phone, in IndexedDB, until they are stored and looked at.
 *
 * Invariants
 * - A photo is here before anything is done with it, so a reload, a cut or a crash loses none.
 * - A file is deleted only once its photo was stored and looked at, or by who took it.
 * - A full phone refuses what is new, and never that something is deleted; and a connection that the browser has closed,
 *   as phones do to pages behind others, is opened again.
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
 * @property {boolean} [isUnread] whether that is because the phone can't read its file, which it may yet
 * @property {{ url: string, headers: Record<string, string>, until: number }} [address] where it is to be sent
 * @property {Blob} [small] a small picture of it
 */

const NAME = "photos";
const RECORDS = "photos";
const FILES = "files";

/** @type {Promise<IDBDatabase | null> | undefined} */
let opened;
/** Files where the browser keeps nothing. @type {Map<string, Blob>} */
const inMemory = new Map();
/** Photos that the browser does not keep. @type {Set<string>} */
const unkept = new Set();

/** Whether what is here is still here after a reload. */
export const isSafe = () => inMemory.size === 0;

/** All photos; null where they can't be read, now or ever. @returns {Promise<Photo[] | null>} */
export async function all() {
  return (await within(RECORDS, "readonly", (look) => done(look.objectStore(RECORDS).getAll()))) ?? null;
}

/**
 * One, and its file, as they are kept at one moment: another window may go on with it, or remove it, at any. It fails
 * where that can't be known.
 * @param {string} id @returns {Promise<{ photo?: Photo, file?: Blob }>}
 */
export async function one(id) {
  const here = inMemory.get(id);
  if (here) return { file: here };
  const both = (/** @type {IDBTransaction} */ look) =>
    Promise.all([done(look.objectStore(RECORDS).get(id)), done(look.objectStore(FILES).get(id))]);
  const found = await within([RECORDS, FILES], "readonly", both);
  if (!found) throw new Error("what is kept can't be read now");
  const [photo, file] = found;
  return { photo, file };
}

/** Whether a photo is in this window alone, for the phone keeps it not. @param {string} id */
export const isHereAlone = (id) => unkept.has(id);

/** Lets go of the file of a photo that the phone does not keep: it is stored. @param {string} id */
export const release = (id) => inMemory.delete(id);

/**
 * Keeps a photo, with its file if one is given.
 * @param {Photo} photo
 * @param {Blob} [file]
 */
export async function keep(photo, file) {
  const put = (/** @type {IDBTransaction} */ change) => {
    change.objectStore(RECORDS).put(photo);
    if (file) change.objectStore(FILES).put(file, photo.id);
    return ended(change).then(() => true);
  };
  // The phone is full, or keeps nothing at all.
  const isKept = await within([RECORDS, FILES], "readwrite", put).catch(() => false);
  inMemory.delete(photo.id);
  unkept.delete(photo.id);
  if (isKept) return;
  unkept.add(photo.id);
  if (file) inMemory.set(photo.id, file);
}

/** Keeps what is known of a photo now, while it is kept: what another window has removed stays removed. @param {Photo} photo */
export async function renew(photo) {
  const put = (/** @type {IDBTransaction} */ change) => {
    const records = change.objectStore(RECORDS);
    const there = records.getKey(photo.id);
    there.onsuccess = () => {
      try {
        if (there.result !== undefined) records.put(photo);
      } catch {
        change.abort();
      }
    };
    return ended(change);
  };
  // A full phone knows less of it after a reload, and finds out anew.
  await within(RECORDS, "readwrite", put).catch(() => {});
}

/** Keeps a photo no more, or only what is known of it. @param {string} id @param {Photo} [rest] */
export async function drop(id, rest) {
  inMemory.delete(id);
  unkept.delete(id);
  try {
    await within([RECORDS, FILES], "readwrite", (change) => {
      change.objectStore(FILES).delete(id);
      if (rest) change.objectStore(RECORDS).put(rest);
      else change.objectStore(RECORDS).delete(id);
      return ended(change);
    });
  } catch {
    // A full phone has no room for the rest. What can't be deleted at all is found to be done the next time.
    if (rest) await drop(id);
  }
}

/**
 * Does something within a transaction; nothing where nothing can be kept.
 * @template T
 * @param {string | string[]} stores @param {IDBTransactionMode} mode @param {(change: IDBTransaction) => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
async function within(stores, mode, work) {
  const db = await database();
  const change = db && begun(db, stores, mode);
  if (change) return work(change);
  // It could not be opened, or the browser has closed it: once more now, and the next time.
  opened = undefined;
  const again = await database();
  if (again) return work(again.transaction(stores, mode));
  opened = undefined;
  return undefined;
}

/** @param {IDBDatabase} db @param {string | string[]} stores @param {IDBTransactionMode} mode */
function begun(db, stores, mode) {
  try {
    return db.transaction(stores, mode);
  } catch {
    return null;
  }
}

/** @returns {Promise<IDBDatabase | null>} */
function database() {
  opened ??= new Promise((use) => {
    const none = () => use(null);
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
