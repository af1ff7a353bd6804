// @ts-check
import { html } from "./parts.js";

/** @param {import("./main.js").Frame} frame @param {string[]} rest @returns {import("./main.js").View} */
export function open(frame, rest) {
  return { title: "technician", render: () => html`<h1>technician ${rest.join("/")}</h1>` };
}
