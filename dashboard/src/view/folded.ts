// Texts as a search compares them. Pure.

const LETTERS: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  ø: "o",
  ł: "l",
  đ: "d",
  ı: "i",
};
const UMLAUTS: Readonly<Record<string, string>> = { ä: "ae", ö: "oe", ü: "ue" };

/** A text in small letters, without accents and marks; and once more with ä as ae, if that differs. */
export function folded(text: string): string[] {
  const small = text
    .toLowerCase()
    .normalize("NFC")
    .replace(/[ßæøłđı]/g, (letter) => LETTERS[letter] ?? "");
  const spelled = small.replace(/[äöü]/g, (letter) => UMLAUTS[letter] ?? "");
  const plain = [small, spelled].map((name) =>
    name
      .normalize("NFD")
      .replace(/\p{M}/gu, "")
      .replace(/[^\p{L}\p{N}+:]+/gu, " ")
      .trim(),
  );
  return [...new Set(plain)];
}
