// @ts-check
import { html } from "./parts.js";

/** @param {import("./main.js").Frame} frame @param {string[]} rest @returns {import("./main.js").View} */
export function open(frame, rest) {
  return { title: "operator", render: () => html`<h1>operator ${rest.join("/")}</h1>` };
}
