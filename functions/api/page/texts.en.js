// @ts-check
/** All that the page says, in English. */

/** @param {number} n @param {string} one @param {string} many */
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

export const texts = {
  name: "Fibre installations",
  skip: "Skip to content",
  main: "Main",

  signIn: {
    title: "Sign in",
    why: "Photos of installations are looked at here. Sign in with your account to see your part of it.",
    button: "Sign in",
    out: "Sign out",
    as: (/** @type {string} */ who) => `Signed in as ${who}`,
    failed: "Signing in did not work. Try again; if it stays so, tell your operator.",
    notSetUp: "Nobody can sign in here yet.",
    notSetUpHint:
      "The operator sets the stack's parameters JwtIssuer, JwtAudience and PageClientId. Until then callers sign their requests.",
    noRole: "Your account has no role here.",
    noRoleHint: "Ask your operator for one: technician, viewer, reviewer or operator.",
  },

  nav: { technician: "My DR", queue: "Queue", operator: "Operation", history: "History" },

  verdicts: /** @type {Record<string, string>} */ ({
    pass: "Pass",
    fail: "Fail",
    missing: "Missing",
    incomplete: "Incomplete",
    not_evaluated: "Not evaluated",
    unfinished: "In progress",
  }),

  states: {
    loading: "Loading …",
    offline: "There is no connection. What you see may be old; it goes on by itself once there is one.",
    back: "The connection is back.",
    signedOut: "You are signed out. Sign in again; nothing is lost.",
    noRight: "Your role does not show this.",
    gone: "This is not kept any more.",
    failed: (/** @type {number} */ status) => `It did not work (${status}). Try again in a moment.`,
    again: "Try again",
    trace: "For your operator:",
    notFound: "There is no such page.",
    home: "To the start",
    live: "Live",
    polling: "Changes are asked for every few seconds",
    reload: "A new release is out. Reload the page.",
  },

  keys: {
    title: "Keys",
    help: "Keys (?)",
    close: "Close",
    on: "Keys press buttons",
    change: "Change",
    press: "Press a key …",
    reset: "As they were",
    none: "There are no keys here.",
    actions: /** @type {Record<string, string>} */ ({}),
  },

  photos: (/** @type {number} */ n) => count(n, "photo", "photos"),
};
