// Writes the types of the API, from its OpenAPI document: types.mjs DOCUMENT FILE.
import { readFile, writeFile } from "node:fs/promises";
import { argv } from "node:process";
import openapi, { astToString } from "openapi-typescript";

const [document, file] = argv.slice(2);
const types = await openapi(JSON.parse(await readFile(document, "utf8")));
await writeFile(file, `// Made of functions/api/openapi.json by infra/local page.\n${astToString(types)}`);
