// SPDX-License-Identifier: LGPL-2.1-or-later
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hintWords } from "../src/hints";

const LIBRARY = new URL("../../lib/cockpit_getmail/", import.meta.url);

/** Return the sentences of the library's own constants, however they are broken over lines. */
function sentences(path: string): string[] {
    const text = readFileSync(new URL(path, LIBRARY), "utf8").replace(/"\s*\n\s*"/g, "");
    return [...text.matchAll(/^[A-Z_]+ = (?:\(\s*)?"([A-Z][^"]*[.])"/gm)].map(([, sentence = ""]) => sentence);
}

test("each hint of a provider's refusal has words of ours", () => {
    const hints = sentences("oauth/hints.py");
    expect(hints.length).toBeGreaterThan(8);
    const translated = readFileSync(new URL("../src/hints.ts", import.meta.url), "utf8");
    expect(hints.filter((hint) => !translated.includes(`"${hint}": _(`))).toEqual([]);
});

test("what is not known here is told as it is", () => {
    expect(hintWords("Ask somebody else.")).toBe("Ask somebody else.");
    expect(hintWords(undefined)).toBe("");
    expect(hintWords("Check Scope: the provider does not grant it to this client.")).toMatch(/^Check the scope/);
});
