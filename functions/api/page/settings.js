// @ts-check
/**
 * What the page is told of its stack, once, with itself.
 *
 * @typedef {object} Settings
 * @property {string | null} issuer who signs people in
 * @property {string | null} client_id who the page is to the issuer
 * @property {Record<Role, string>} scopes what the roles' scopes are called
 * @property {string} events_url where changes are told
 *
 * @typedef {'technician' | 'viewer' | 'reviewer' | 'operator'} Role
 */

/** @type {Settings} */
export const settings = JSON.parse(document.getElementById("settings")?.textContent ?? "{}");

/** Where the page is; the API is beside it. It ends with a slash. */
export const base = new URL(".", document.baseURI).href;
