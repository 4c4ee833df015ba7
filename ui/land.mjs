// The base map of the Picture: land and boundaries of Natural Earth (public domain), drawn once as paths in the Equal Earth
// projection. Centred on 40° E, so that the Atlantic and the Pacific both lie whole beside the land between them; d3-geo cuts at the
// edge of that map, where world-atlas on a plane would draw lines across it.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { geoArea, geoCentroid, geoEqualEarth, geoPath } from "d3-geo";
import { feature, mesh } from "topojson-client";

const CENTRE = 40; // degrees east; kizuna.web.atlas draws its points by the same numbers
const SCALE = 1000 / 5.412; // units per radian: 1,000 units are the width of the world (Equal Earth is 5.412 radians wide)
const NORTH = 84, SOUTH = -57; // degrees: what lies beyond is not drawn

const atlas = (name) => JSON.parse(readFileSync(createRequire(import.meta.url).resolve(`world-atlas/${name}.json`), "utf8"));

export function land(file) {
  const projection = geoEqualEarth().rotate([-CENTRE, 0]).scale(SCALE).translate([500, 0]).precision(0.2);
  const [top, bottom] = [projection([CENTRE, NORTH])[1], projection([CENTRE, SOUTH])[1]];
  projection.clipExtent([[0, top], [1000, bottom]]);
  const path = geoPath(projection).digits(1);
  const world = atlas("countries-110m");
  const land = path(feature(atlas("land-110m"), "land"));
  const borders = path(mesh(world, world.objects.countries, (a, b) => a !== b));
  const view = [0, top, 1000, bottom - top].map((one) => one.toFixed(1)).join(" ");
  writeFileSync(file, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${view}"><path id="land" d="${land}"/><path id="borders" fill="none" d="${borders}"/></svg>\n`);
}

/** By ISO 3166-1 numeric code, where the middle of the largest part of a country lies: [longitude, latitude] in degrees. */
export function centres(file) {
  const found = {};
  for (const country of feature(atlas("countries-50m"), "countries").features) {
    if (!country.id) continue; // what has no code of its own is not placed
    const parts = country.geometry.type === "Polygon" ? [country.geometry.coordinates] : country.geometry.coordinates;
    const largest = parts.map((coordinates) => ({ type: "Polygon", coordinates })).reduce((a, b) => (geoArea(b) > geoArea(a) ? b : a));
    found[country.id] ??= geoCentroid(largest).map((one) => Number(one.toFixed(1)));
  }
  const lines = Object.keys(found).sort().map((id) => `  "${id}": [${found[id].join(", ")}]`);
  writeFileSync(file, `{\n${lines.join(",\n")}\n}\n`);
}
