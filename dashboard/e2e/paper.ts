// The page on paper: printed to a real PDF by the browser, and read and drawn again by a reader of PDFs.

import { type Browser, expect, type Page } from "@playwright/test";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** Where the reader finds its files; no such host is asked. */
const HOST = "http://paper.test";
const READER = new URL("../node_modules/pdfjs-dist/build/", import.meta.url);
/**
 * Pixels for each point of the paper: one for each of CSS. A line of text lies on a whole one of these, so it is drawn at the same
 * height each time; between two pixels it would be rounded up in one picture and down in the next.
 */
const SCALE = 96 / 72;

export interface Word {
  text: string;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Sheet {
  width: number;
  height: number;
  words: Word[];
  /** The sheet as a PNG. */
  picture: Buffer;
  /** How many pixels between two heights have a colour, not just a grey. */
  coloured: (top: number, bottom: number) => Promise<number>;
}

/** Prints the page as a person does who changes nothing in the dialog: A4, upright, without backgrounds. */
export async function printed(page: Page, browser: Browser): Promise<Sheet[]> {
  const pdf = await page.pdf({ format: "A4" });
  const reader = await browser.newPage();
  await reader.route(`${HOST}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/") return route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    if (pathname === "/printed.pdf") return route.fulfill({ contentType: "application/pdf", body: pdf });
    const body = await readFile(fileURLToPath(new URL(pathname.slice(1), READER)));
    return route.fulfill({ contentType: "text/javascript", body });
  });
  await reader.goto(`${HOST}/`);
  const sheets = await reader.evaluate(async (scale) => {
    const address = "/pdf.mjs";
    const pdfjs = (await import(address)) as typeof import("pdfjs-dist");
    pdfjs.GlobalWorkerOptions.workerSrc = "/pdf.worker.mjs";
    const document_ = await pdfjs.getDocument("/printed.pdf").promise;
    const sheets = [];
    for (let number = 1; number <= document_.numPages; number += 1) {
      const sheet = await document_.getPage(number);
      const viewport = sheet.getViewport({ scale });
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [viewport.width, viewport.height];
      document.body.append(canvas);
      await sheet.render({ canvas, viewport }).promise;
      const { items } = await sheet.getTextContent();
      const words = items.flatMap((item) => {
        if (!("str" in item) || item.str.trim() === "") return [];
        const [x, y] = [item.transform[4] as number, item.transform[5] as number];
        const [left = 0, bottom = 0] = viewport.convertToViewportPoint(x, y) as number[];
        const [right, top] = [left + item.width * scale, bottom - item.height * scale];
        return [{ text: item.str, left, top, right, bottom }];
      });
      const picture = canvas.toDataURL("image/png").slice("data:image/png;base64,".length);
      sheets.push({ width: viewport.width, height: viewport.height, words, picture });
    }
    return sheets;
  }, SCALE);
  return sheets.map((sheet, index) => ({
    ...sheet,
    picture: Buffer.from(sheet.picture, "base64"),
    coloured: (top, bottom) =>
      reader.evaluate(
        ([index, top, bottom]) => {
          const canvas = document.querySelectorAll("canvas")[index];
          const drawing = canvas?.getContext("2d");
          if (canvas === undefined || drawing == null) return 0;
          const { data } = drawing.getImageData(0, top, canvas.width, Math.max(1, bottom - top));
          let count = 0;
          for (let at = 0; at < data.length; at += 4) {
            const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
            if (Math.max(red, green, blue) - Math.min(red, green, blue) > 40) count += 1;
          }
          return count;
        },
        [index, Math.round(top), Math.round(bottom)] as const,
      ),
  }));
}

/** The words that are written over each other, in pairs. */
export function overlaps({ words }: Sheet): string[] {
  return words.flatMap((one, index) =>
    words
      .slice(index + 1)
      .filter((other) => shared(one, other) > 0.25 * Math.min(area(one), area(other)))
      // A label with a halo is written twice: its edge first, then its ink.
      .filter((other) => !one.text.includes(other.text.trim()) && !other.text.includes(one.text.trim()))
      .map((other) => `${one.text} / ${other.text}`),
  );
}

/** All that is written, without blanks: a PDF writes a word in as many parts as it likes. */
export function written(sheets: readonly Sheet[]): string {
  return sheets.flatMap(({ words }) => words.map(({ text }) => text.replaceAll(/\s/g, ""))).join("");
}

function area({ left, top, right, bottom }: Word): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}

function shared(one: Word, other: Word): number {
  return area({
    text: "",
    left: Math.max(one.left, other.left),
    top: Math.max(one.top, other.top),
    right: Math.min(one.right, other.right),
    bottom: Math.min(one.bottom, other.bottom),
  });
}

/** The first word on the sheets that has this text, with its sheet. */
export function place(sheets: readonly Sheet[], text: string | RegExp): { sheet: Sheet; word: Word } {
  const found = sheets.flatMap((sheet) =>
    sheet.words
      .filter((word) => (typeof text === "string" ? word.text.includes(text) : text.test(word.text)))
      .map((word) => ({ sheet, word })),
  )[0];
  expect(found, `"${String(text)}" on paper`).toBeDefined();
  return found as NonNullable<typeof found>;
}
