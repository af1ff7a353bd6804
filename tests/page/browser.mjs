// Unpacks the browser into TMPDIR, and prints `{"program"}`.
import chromium from "@sparticuz/chromium";

console.log(JSON.stringify({ program: await chromium.executablePath() }));
