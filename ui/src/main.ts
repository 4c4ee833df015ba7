// What every page does beyond HTML. Nothing here decides anything: without it each page still reads and every form still works.
import "htmx.org";
import { copying } from "./copying.ts";
import { keys } from "./keys.ts";
import { map } from "./map.ts";
import { palette } from "./palette.ts";
import { rows } from "./rows.ts";

copying(document);
const table = rows(document);
const jump = palette(document);
keys(document, table, jump);
map(document);
// Tests wait for this instead of for a time.
document.documentElement.dataset.ready = "";
