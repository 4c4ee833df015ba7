// Builds what the pages load into src/kizuna/web/static, which a wheel carries: nobody who runs Kizuna needs Node.
// scripts/ui calls this when the sources are others than those of which the built files were made.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { centres, land } from "./land.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../src/kizuna/web/static");

await build({
  absWorkingDir: here,
  entryPoints: { kizuna: "src/main.ts", graph: "src/graph.ts" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "inline",
  logLevel: "warning",
});
land(join(out, "land.svg"));
centres(join(out, "../centres.json"));
