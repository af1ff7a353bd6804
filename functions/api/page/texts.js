// @ts-check
/** The texts in the reader's language. A second language is one more file like texts.en.js, and a line here. */
import { texts as en } from "./texts.en.js";

/** @type {Record<string, typeof en>} */
const languages = { en };
const wanted = navigator.languages.map((one) => one.slice(0, 2)).find((one) => one in languages) ?? "en";
document.documentElement.lang = wanted;

export const t = languages[wanted];
