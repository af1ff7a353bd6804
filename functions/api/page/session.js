// @ts-check
/**
 * Who is signed in, by OpenID Connect (authorization code with PKCE).
 *
 * Invariants
 * - Tokens are in this page's memory and nowhere else. After a reload the issuer is asked anew, which costs who has a
 *   session there no question.
 * - What a role may do is decided by the API; here roles decide what is shown.
 */
import { base, settings } from "./settings.js";

/** @typedef {import("./settings.js").Role} Role */

/** That one was signed in here: so that a reload asks the issuer at once. It holds nothing but that. */
const MARK = "signed-in";
/** What a sign-in is called that was begun in this window, and its state. */
const STATES = "sign-in.";
/** Signed in anew so long before a token ends. */
const RENEW_BEFORE_S = 60;
/** The issuer has so long for an answer. */
const REQUEST_WITHIN_S = 20;

/** So the issuer says that one has to sign in again; by anything else it may have refused nobody. */
const ENDED = new Set([
  "invalid_grant", "login_required", "interaction_required", "consent_required", "account_selection_required",
  "access_denied", "invalid_client", "unauthorized_client",
]);

// A classic script, loaded before this one.
const oidc = /** @type {any} */ (globalThis).oidc;

/** @type {any} */
let manager = null;
/** @type {any} */
let user = null;
/** @type {Set<() => void>} */
const listeners = new Set();
/** The renewal that is under way: all who need one wait for the same. @type {Promise<boolean> | null} */
let renewing = null;
/** How many photos wait for somebody to sign in, and how many of them go with this page: what sends them says so. */
export const waits = { photos: () => 0, inPageAlone: () => 0 };
/** One is leaving: whatever is answered from now on, nobody is signed in. */
let isLeaving = false;

/** Whether anybody can sign in to this stack. */
export const canSignIn = () => Boolean(settings.issuer && settings.client_id);

/** Whether somebody is signed in; without a connection one is that for longer than a token is good. */
export const isSignedIn = () => Boolean(user);

/** Called whenever somebody is signed in, or no more. @param {() => void} listener */
export function onChange(listener) {
  listeners.add(listener);
}

/** Ends a sign-in that the issuer has sent back, or begins one where somebody was signed in. */
export async function start() {
  if (!canSignIn()) return;
  manager = new oidc.UserManager({
    authority: settings.issuer,
    client_id: settings.client_id,
    redirect_uri: base,
    silent_redirect_uri: base,
    post_logout_redirect_uri: base,
    scope: ["openid", ...Object.values(settings.scopes)].join(" "),
    userStore: new oidc.WebStorageStateStore({ store: new oidc.InMemoryWebStorage() }),
    stateStore: new oidc.WebStorageStateStore({ store: sessionStorage, prefix: STATES }),
    accessTokenExpiringNotificationTimeInSeconds: RENEW_BEFORE_S,
    automaticSilentRenew: false,
    loadUserInfo: false,
    requestTimeoutInSeconds: REQUEST_WITHIN_S,
  });
  manager.events.addUserLoaded((/** @type {any} */ loaded) => become(loaded));
  manager.events.addUserUnloaded(() => become(null));
  manager.events.addAccessTokenExpiring(() => renew());
  const asked = new URLSearchParams(location.search);
  if (asked.has("state") && (asked.has("code") || asked.has("error"))) {
    await comeBack();
  } else if (sessionStorage.getItem(MARK)) {
    await signIn();
  }
}

async function comeBack() {
  const hash = location.hash;
  // Not asked for here: another window asked, and waits for it.
  if (!sessionStorage.getItem(`${STATES}${new URLSearchParams(location.search).get("state")}`)) {
    await manager.signinPopupCallback().catch(() => {});
  }
  try {
    const loaded = await manager.signinCallback();
    const place = typeof loaded?.state === "string" ? loaded.state : hash;
    history.replaceState(null, "", base + place);
    become(loaded ?? null);
  } catch (error) {
    history.replaceState(null, "", base + hash);
    sessionStorage.removeItem(MARK);
    throw error;
  }
}

/** Leaves for the issuer, and comes back to where one is. */
export async function signIn() {
  sessionStorage.setItem(MARK, "1");
  await manager.signinRedirect({ state: location.hash });
}

/** Has one sign in in a window of its own: this page, and what it holds, stays. */
export async function signInBeside() {
  await manager.signinPopup();
  sessionStorage.setItem(MARK, "1");
}

/** Leaves for good: here and at the issuer, where it can be done there. */
export async function signOut() {
  sessionStorage.removeItem(MARK);
  isLeaving = true;
  const ended = user;
  become(null);
  try {
    await manager.signoutRedirect({ id_token_hint: ended?.id_token });
  } catch {
    // The issuer has no page for it.
    await manager.removeUser();
    location.assign(base);
  }
}

/** A token that is good now; none if nobody is signed in, or the issuer can't be reached. @returns {Promise<string | undefined>} */
export async function token() {
  if (user?.expired && !(await renew())) return undefined;
  return user?.access_token;
}

/**
 * Has the token renewed without a question; false if that takes one, or the issuer can't be reached. A refresh token may
 * be good for one renewal only: there is never a second one beside it, and none for a token that was renewed since.
 * @param {string} [refused] the token that is not taken
 */
export function renew(refused) {
  if (!user) return Promise.resolve(false);
  if (refused && user.access_token !== refused) return Promise.resolve(true);
  renewing ??= renewed().finally(() => (renewing = null));
  return renewing;
}

async function renewed() {
  try {
    become(await manager.signinSilent());
    return isSignedIn();
  } catch (error) {
    // Who could not be asked, or can't answer now, has refused nobody.
    if (error instanceof oidc.ErrorResponse && ENDED.has(/** @type {any} */ (error).error)) become(null);
    return false;
  }
}

/** Who it is. @returns {string} */
export function name() {
  const profile = user?.profile ?? {};
  return profile.name ?? profile.email ?? profile.preferred_username ?? profile.sub ?? "";
}

/** By what the API knows one. @returns {string | null} */
export const subject = () => claims().sub ?? user?.profile?.sub ?? null;

/** Whether one has this role, or one that may all of it. @param {Role} role */
export function may(role) {
  const has = new Set(scopes());
  const scope = (/** @type {Role} */ name) => has.has(settings.scopes[name]);
  const above = { technician: ["reviewer", "operator"], viewer: ["reviewer", "operator"], reviewer: ["operator"], operator: [] };
  return scope(role) || above[role].some((name) => scope(/** @type {Role} */ (name)));
}

/** The scopes of the token, else those that the issuer named beside it. @returns {string[]} */
function scopes() {
  const { scope, scp } = claims();
  const said = scope ?? scp ?? user?.scope ?? "";
  return Array.isArray(said) ? said : String(said).split(" ");
}

/** What the token says, where it can be read; nothing here is believed, the API checks it. @returns {any} */
function claims() {
  try {
    const [, body] = String(user?.access_token).split(".");
    const bytes = Uint8Array.from(atob(body.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

/** @param {any} now */
function become(now) {
  user = isLeaving ? null : now;
  for (const listener of listeners) listener();
}
