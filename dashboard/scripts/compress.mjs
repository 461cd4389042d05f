// Writes what `vite build` has made once more, compressed with Brotli as far as it goes: dist/br/NAME for dist/assets/NAME. The API
// serves it to browsers that take it, instead of compressing each time and less.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
/** Other files are pictures and fonts, which are compressed already. */
const SHRINKS = /\.(js|css|svg)$/;

mkdirSync(new URL("br/", dist), { recursive: true });
for (const name of readdirSync(new URL("assets/", dist)).filter((name) => SHRINKS.test(name))) {
  const content = readFileSync(new URL(`assets/${name}`, dist));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  writeFileSync(new URL(`br/${name}`, dist), brotliCompressSync(content, { params }));
}
