// @ts-check
/**
 * What changes, told as it does, by one connection for all views.
 *
 * Invariants
 * - After a cut, or a message that was lost, each thing that is watched is told anew (`state`): who watches never has to
 *   know that there was a gap.
 * - While there is no connection, who watches is told so, and asks by itself (`isUp`). One that answers nothing is none.
 */
import { isSignedIn, token } from "./session.js";
import { settings } from "./settings.js";

/** @typedef {{ dr_number?: string, evaluation_id?: string }} Watched */
/** @typedef {(message: any) => void} Listener */

const PING_EVERY_MS = 240_000;
/** A ping is answered within so long. */
const ANSWERED_WITHIN_MS = 10_000;
const LONGEST_WAIT_MS = 30_000;

/** @type {Map<string, { what: Watched, listeners: Set<Listener> }>} */
const watches = new Map();
/** @type {WebSocket | null} */
let socket = null;
let isConnecting = false;
let isOpen = false;
let sequence = 0;
let waitMs = 500;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** While an answer is waited for. @type {ReturnType<typeof setTimeout> | undefined} */
let asked;
/** @type {Set<() => void>} */
const changes = new Set();

/** Whether changes are told at once. */
export const isUp = () => isOpen;

/** Called when that changes. @param {() => void} listener */
export function onUp(listener) {
  changes.add(listener);
  return () => changes.delete(listener);
}

/**
 * Watches a DR or an evaluation until what is returned is called.
 * @param {Watched} what
 * @param {Listener} listener
 */
export function watch(what, listener) {
  const key = JSON.stringify(what);
  const known = watches.get(key);
  if (known) {
    known.listeners.add(listener);
  } else {
    watches.set(key, { what, listeners: new Set([listener]) });
  }
  if (isOpen) say({ action: "subscribe", ...what });
  else connect();
  return () => {
    const entry = watches.get(key);
    entry?.listeners.delete(listener);
    if (entry && entry.listeners.size === 0) {
      watches.delete(key);
      if (isOpen) say({ action: "unsubscribe", ...what });
    }
  };
}

/** Ends the connection: somebody has signed out. */
export function close() {
  watches.clear();
  socket?.close();
}

async function connect() {
  if (socket || isConnecting) return;
  const url = new URL(settings.events_url);
  isConnecting = true;
  const good = await token();
  isConnecting = false;
  if (watches.size === 0 || !isSignedIn()) return;
  if (!good) return later();
  url.searchParams.set("access_token", good);
  const opened = new WebSocket(url);
  socket = opened;
  opened.onopen = () => {
    sequence = 0;
    waitMs = 500;
    become(true);
    for (const { what } of watches.values()) say({ action: "subscribe", ...what });
    ping();
  };
  opened.onmessage = (event) => {
    answered();
    hear(JSON.parse(event.data));
  };
  opened.onclose = () => lost(opened);
}

/** A connection is none any more. @param {WebSocket} one */
function lost(one) {
  one.onopen = one.onmessage = one.onclose = null;
  answered();
  socket = null;
  become(false);
  later();
}

/** Asks whether the other end is still there: a phone that was elsewhere may have a connection that leads nowhere. */
function probe() {
  const one = socket;
  if (!one || !isOpen) return;
  say({ action: "ping" });
  asked ??= setTimeout(() => {
    one.close();
    lost(one);
  }, ANSWERED_WITHIN_MS);
}

function answered() {
  clearTimeout(asked);
  asked = undefined;
}

/** Connects once more, where anything is watched. */
function later() {
  clearTimeout(timer);
  if (watches.size === 0) return;
  timer = setTimeout(connect, waitMs * (0.5 + Math.random()));
  waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
}

/** @param {any} message */
function hear(message) {
  if (message.type === "pong") {
    if (message.last_sequence > sequence) again(message.last_sequence);
    return;
  }
  if (typeof message.sequence === "number") {
    if (message.sequence <= sequence) return;
    const isMissing = message.sequence > sequence + 1;
    sequence = message.sequence;
    if (isMissing) again(sequence);
  }
  for (const { what, listeners } of watches.values()) {
    if (concerns(message, what)) for (const listener of listeners) listener(message);
  }
}

/** @param {any} message @param {Watched} what */
function concerns(message, what) {
  const of = message.watch ?? message;
  if (what.dr_number) return of.dr_number === what.dr_number;
  return of.evaluation_id === what.evaluation_id;
}

/** A message was lost. @param {number} last */
function again(last) {
  sequence = last;
  for (const { what } of watches.values()) say({ action: "subscribe", ...what });
}

function ping() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    probe();
    ping();
  }, PING_EVERY_MS);
}

/** @param {unknown} what */
function say(what) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(what));
}

/** @param {boolean} now */
function become(now) {
  isOpen = now;
  for (const listener of changes) listener();
}

addEventListener("online", probe);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) probe();
});
