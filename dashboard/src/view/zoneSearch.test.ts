// What people type, and the zones they mean; and that every zone in the tables is one.

import { beforeAll, describe, expect, it } from "vitest";
import { loadTemporal } from "./temporal";
import { zoneNamed } from "./zone";
import { ABBREVIATIONS, CITIES, COUNTRIES, COUNTRY_NAMES, MAJOR } from "./zonePlaces";
import { offsetIn, zoneSearch, type ZoneSearch } from "./zoneSearch";

await loadTemporal();

const WINTER = { from: new Date("2026-02-01T00:00:00Z"), to: new Date("2026-02-25T00:00:00Z") };
const SUMMER = { from: new Date("2026-07-01T00:00:00Z"), to: new Date("2026-07-25T00:00:00Z") };
const SPRING = { from: new Date("2026-03-01T00:00:00Z"), to: new Date("2026-04-25T00:00:00Z") };

let english: ZoneSearch;
let german: ZoneSearch;
beforeAll(() => {
  english = zoneSearch("en-GB");
  german = zoneSearch("de-DE");
});

const zones = (text: string, search = english, over = WINTER) =>
  search.find(text, over).map(({ zone }) => zone);
const first = (text: string, search = english) => {
  const [found] = search.find(text, WINTER);
  return found === undefined ? "nothing" : `${found.place}, ${found.country}: ${found.zone}`;
};

describe("in English", () => {
  it.each([
    // cities that no zone is named after, in either language, with and without accents
    ["Munich", "Munich, Germany: Europe/Berlin"],
    ["münchen", "Munich, Germany: Europe/Berlin"],
    ["Muenchen", "Munich, Germany: Europe/Berlin"],
    ["munchen", "Munich, Germany: Europe/Berlin"],
    ["  mun", "Munich, Germany: Europe/Berlin"],
    ["Mumbai", "Mumbai, India: Asia/Kolkata"],
    ["Beijing", "Beijing, China: Asia/Shanghai"],
    ["San Francisco", "San Francisco, United States: America/Los_Angeles"],
    ["francisco", "San Francisco, United States: America/Los_Angeles"],
    ["Geneve", "nothing"],
    ["Geneva", "Geneva, Switzerland: Europe/Zurich"],
    ["lodz", "Łódź, Poland: Europe/Warsaw"],
    ["sao paulo", "São Paulo, Brazil: America/Sao_Paulo"],
    // cities that zones are named after
    ["New York", "New York, United States: America/New_York"],
    ["york", "New York, United States: America/New_York"],
    ["buenos", "Buenos Aires, Argentina: America/Argentina/Buenos_Aires"],
    ["calcutta", "Calcutta, India: Asia/Kolkata"],
    // countries
    ["Germany", "Berlin, Germany: Europe/Berlin"],
    ["india", "Kolkata, India: Asia/Kolkata"],
    ["USA", "New York, United States: America/New_York"],
    ["UK", "London, United Kingdom: Europe/London"],
    ["jp", "Tokyo, Japan: Asia/Tokyo"],
    ["new zea", "Auckland, New Zealand: Pacific/Auckland"],
    // names
    ["Europe/Berlin", "Berlin, Germany: Europe/Berlin"],
    ["europe/berlin", "Berlin, Germany: Europe/Berlin"],
    ["Etc/GMT+5", "UTC−5, : Etc/GMT+5"],
    ["Pacific Time", "Los Angeles, United States: America/Los_Angeles"],
    ["utc", "UTC, : UTC"],
    ["Coordinated", "UTC, : UTC"],
    // nothing
    ["Atlantis", "nothing"],
    ["", "nothing"],
    ["//", "nothing"],
  ])("%s is first of all %s", (text, expected) => {
    expect(first(text)).toBe(expected);
  });

  it.each([
    ["IST", ["Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"]],
    ["PST", ["America/Los_Angeles", "America/Vancouver", "America/Tijuana", "Asia/Manila"]],
    ["cet", ["Europe/Berlin", "Europe/Paris", "Europe/Madrid"]],
    ["GMT", ["Europe/London", "UTC", "Africa/Accra"]],
  ])("%s may be any of %s", (text, expected) => {
    expect(zones(text).slice(0, expected.length)).toEqual(expected);
  });

  it("names what an abbreviation may mean", () => {
    const names = english.find("IST", WINTER).map(({ place, name }) => `${place}: ${name}`);
    expect(names.slice(0, 3)).toEqual([
      "Kolkata: India Standard Time",
      "Jerusalem: Israel Time",
      "Dublin: Ireland Time",
    ]);
  });

  it.each([
    ["UTC+1", ["Europe/Berlin", "Europe/Paris", "Europe/Madrid"]],
    ["+5:30", ["Asia/Kolkata", "Asia/Colombo"]],
    ["GMT -3", ["America/Sao_Paulo", "America/Argentina/Buenos_Aires"]],
    ["utc+0", ["UTC", "Europe/London"]],
    ["+0545", ["Asia/Kathmandu"]],
  ])("%s is had by %s", (text, expected) => {
    expect(zones(text).slice(0, expected.length)).toEqual(expected);
  });

  it("finds by the offset that the range has", () => {
    expect(zones("UTC+1", english, SUMMER).slice(0, 2)).toEqual(["Europe/London", "Europe/Lisbon"]);
    expect(zones("UTC+2", english, SPRING)).toContain("Europe/Berlin");
    expect(zones("UTC+9:59")).toEqual([]);
  });
});

it("speaks German", () => {
  expect(first("München", german)).toBe("München, Deutschland: Europe/Berlin");
  expect(first("Munich", german)).toBe("München, Deutschland: Europe/Berlin");
  expect(first("Österreich", german)).toBe("Wien, Österreich: Europe/Vienna");
  expect(first("Austria", german)).toBe("Wien, Österreich: Europe/Vienna");
  expect(first("Vereinigte Staaten", german)).toBe("New York, Vereinigte Staaten: America/New_York");
  expect(german.describe("Europe/Berlin", WINTER).name).toBe("Mitteleuropäische Zeit");
  expect(zones("mitteleuropäische", german)).toContain("Europe/Berlin");
});

it("says the offset in the range, and both if clocks change in it", () => {
  expect(english.describe("Europe/Berlin", WINTER).offset).toBe("UTC+1");
  expect(english.describe("Europe/Berlin", SPRING).offset).toBe("UTC+1 / UTC+2");
  expect(english.describe("Asia/Kolkata", SPRING).offset).toBe("UTC+5:30");
});

it("lists without a text what is likely, each zone once", () => {
  const likely = english.likely(["UTC", "Europe/Berlin", "Europe/Berlin"], WINTER).map(({ zone }) => zone);
  expect(likely.slice(0, 3)).toEqual(["UTC", "Europe/Berlin", "Europe/London"]);
  expect(new Set(likely).size).toBe(likely.length);
});

it.each([
  ["UTC+1", 60],
  ["gmt-3:30", -210],
  ["+530", 330],
  ["−5", -300],
  ["+5:60", null],
  ["5:30", null],
  ["UTC", null],
  ["+", null],
])("%s says the offset %o", (text, offset) => {
  expect(offsetIn(text)).toBe(offset);
});

describe("the tables", () => {
  it("name only zones that there are, by their present names", () => {
    const lists = [COUNTRIES, ABBREVIATIONS].flatMap((table) =>
      Object.values(table).flatMap((zones) => zones.split(" ")),
    );
    for (const zone of [...lists, ...Object.keys(CITIES), ...MAJOR]) expect(zoneNamed(zone), zone).toBe(zone);
  });

  it("name each zone of a city or an abbreviation with its country", () => {
    const known = new Set(["UTC", ...Object.values(COUNTRIES).flatMap((zones) => zones.split(" "))]);
    const used = [...Object.values(ABBREVIATIONS).flatMap((zones) => zones.split(" ")), ...MAJOR];
    for (const zone of [...used, ...Object.keys(CITIES)]) expect(known, zone).toContain(zone);
  });

  it("name only countries that there are", () => {
    for (const code of Object.keys(COUNTRY_NAMES)) expect(COUNTRIES, code).toHaveProperty(code);
  });

  it("name no city twice in a zone", () => {
    for (const [zone, cities] of Object.entries(CITIES)) {
      const names = cities.split(", ").map((city) => city.split("=")[0]);
      expect(new Set(names).size, zone).toBe(names.length);
    }
  });
});
