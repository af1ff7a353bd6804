// @ts-check
/**
 * Calls the API, as who is signed in.
 *
 * Invariants
 * - What is read again brings its ETag: what has not changed is not sent twice.
 * - A request that changes something is sent once; it is sent again only where the API says that this is the same.
 * - Nobody asks without being signed in.
 */
import { isSignedIn, renew, token } from "./session.js";
import { base } from "./settings.js";

/** @typedef {import("./openapi.d.ts").components["schemas"]} Schemas */

/** The last answer to each thing that is read, by its path; the oldest is forgotten. @type {Map<string, Answer>} */
const known = new Map();
const MOST_KNOWN = 200;
const TRIES = 3;
const WITHIN_MS = 35_000;

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {any} body
 * @property {string | null} etag
 * @property {number | null} retryAfterMs
 */

/** Why there is no answer: what the API says, or that it can't be reached (status 0). */
export class ApiError extends Error {
  /** @param {number} status @param {Partial<Schemas["Problem"]>} problem @param {string | null} [trace] */
  constructor(status, problem, trace) {
    super(problem.detail ?? problem.title ?? "");
    this.status = status;
    /** Which problem it is, such as `claimed`. */
    this.kind = String(problem.type ?? "").split(":").pop() ?? "";
    this.problem = problem;
    /** By what its log lines are found. */
    this.trace = trace ?? null;
  }
  /** Whether the API could not be reached. */
  get isOffline() {
    return this.status === 0;
  }
}

/**
 * Reads.
 * @param {string} path
 * @param {{ signal?: AbortSignal }} [how]
 * @returns {Promise<any>}
 */
export async function get(path, how = {}) {
  const before = known.get(path);
  const answer = await tried("GET", path, { ...how, headers: before?.etag ? { "if-none-match": before.etag } : {} });
  if (answer.status === 304 && before) return before.body;
  if (answer.etag) remember(path, answer);
  return answer.body;
}

/**
 * Reads a file; where it comes in pages, all of them, each told with the bytes that are there by then.
 * @param {string} path
 * @param {string} accept its content type
 * @param {(bytes: number) => void} [told]
 */
export async function file(path, accept, told = () => {}) {
  let all = new Blob([], { type: accept });
  for (let next = /** @type {string | null} */ (path); next; ) {
    const asked = next;
    const page = await insisted({}, () => pageOf(asked, accept));
    all = new Blob([all, page.blob], { type: accept });
    told(all.size);
    next = page.next;
  }
  return all;
}

/** @param {string} path @param {string} accept */
async function pageOf(path, accept) {
  const response = await answered("GET", path, { headers: { accept } });
  if (!response.ok) throw refused(response, parsed(await response.text()));
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "");
  return { blob: await response.blob(), next: next ? next[1] : null };
}

/** The ETag of what was read last. @param {string} path */
export const etagOf = (path) => known.get(path)?.etag ?? null;

/**
 * Changes something.
 * @param {"POST" | "PUT" | "DELETE"} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
export async function send(method, path, body, headers = {}) {
  const again = method !== "POST" || "idempotency-key" in headers;
  const answer = await tried(method, path, { body, headers, tries: again ? TRIES : 1 });
  return answer.body;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, headers?: Record<string, string>, signal?: AbortSignal, tries?: number }} how
 * @returns {Promise<Answer>}
 */
const tried = (method, path, how) => insisted(how, () => once(method, path, how));

/**
 * Does it again where that may help.
 * @template T
 * @param {{ signal?: AbortSignal, tries?: number }} how
 * @param {() => Promise<T>} ask
 * @returns {Promise<T>}
 */
async function insisted(how, ask) {
  const tries = how.tries ?? TRIES;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      const mayHelp = error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!mayHelp || attempt >= tries || how.signal?.aborted) throw error;
      await wait(300 * 3 ** (attempt - 1));
    }
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} how
 * @returns {Promise<Answer>}
 */
async function once(method, path, how) {
  const response = await answered(method, path, how);
  const text = await response.text().catch((error) => {
    if (how.signal?.aborted) throw error;
    return null;
  });
  const body = parsed(text ?? "");
  // A cut may come in the middle of an answer: what did not come whole is none.
  if (text === null || (response.ok && text !== "" && body === null)) throw new ApiError(0, {});
  if (response.ok || response.status === 304) {
    const after = Number(response.headers.get("retry-after"));
    return { status: response.status, body, etag: response.headers.get("etag"), retryAfterMs: after ? after * 1000 : null };
  }
  throw refused(response, body);
}

/** What the API says, or the gateway, which refuses in another form. @param {Response} response @param {any} body */
function refused(response, body) {
  const problem = body && typeof body === "object" ? { detail: body.message, ...body } : {};
  return new ApiError(response.status, problem, response.headers.get("x-trace-id"));
}

/**
 * Once more with another token, where the API does not take this one.
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} how
 */
async function answered(method, path, how) {
  const { response, token } = await reached(method, path, how);
  return response.status === 401 && (await renew(token)) ? (await reached(method, path, how)).response : response;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} how
 */
async function reached(method, path, { body, headers, signal }) {
  const good = await token();
  if (!good) throw new ApiError(isSignedIn() ? 0 : 401, {});
  const sent = new Headers({ authorization: `Bearer ${good}`, ...headers });
  if (body !== undefined) sent.set("content-type", "application/json");
  const limit = AbortSignal.timeout(WITHIN_MS);
  try {
    const response = await fetch(base + path.replace(/^\//, ""), {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      cache: "no-store",
      // What is given back on leaving is sent though the page is closed.
      keepalive: method === "DELETE",
    });
    return { response, token: good };
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, {});
  }
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string} path @param {Answer} answer */
function remember(path, answer) {
  known.delete(path);
  known.set(path, answer);
  const [oldest] = known.keys();
  if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest);
}

/** @param {number} ms */
export const wait = (ms) => new Promise((done) => setTimeout(done, ms));
