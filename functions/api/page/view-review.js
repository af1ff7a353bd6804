// @ts-check
import { html } from "./parts.js";

/** @param {import("./main.js").Frame} frame @param {string[]} rest @returns {import("./main.js").View} */
export function open(frame, rest) {
  return { title: "review", render: () => html`<h1>review ${rest.join("/")}</h1>` };
}
