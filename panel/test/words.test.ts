// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FIELDS } from "../src/dialogs/form";
import { Problem } from "../src/helpers";
import { STATUS_COLOUR, causeHint, causeWords, faultWords, problemWords, propWord, statusWord } from "../src/words";
import type { Status } from "../src/api";

type Node = Record<string, unknown>;

/** Return what a schema of the helpers has at a path. */
function schema(file: string, ...path: string[]): unknown {
    // npm runs this in the panel's folder.
    const text = readFileSync(`../schemas/${file}`, "utf8");
    return path.reduce<unknown>((node, name) => (node as Node)[name], JSON.parse(text));
}

test("each status has a word and a colour", () => {
    for (const status of schema("connector.json", "$defs", "conditions", "enum") as Status[]) {
        expect(statusWord(status)).toBeTruthy();
        expect(STATUS_COLOUR[status]).toBeTruthy();
    }
});

test("each cause has a sentence and a next step", () => {
    for (const cause of schema("connector.json", "$defs", "cause", "enum") as string[]) {
        expect(causeWords(cause)).toMatch(/\.$/);
        expect(causeHint(cause)).toMatch(/\.$/);
    }
    expect(causeWords(undefined)).toBe("");
    expect(causeHint("unheard of")).toBe("");
});

test("each kind of fault has a sentence that needs no code word", () => {
    const kinds = schema("problem.json", "$defs", "fault", "properties", "error", "enum") as string[];
    for (const error of kinds.filter((kind) => kind !== "type"))
        for (const parameter of FIELDS) {
            expect(faultWords({ parameter, error })).toMatch(/\.$/);
            expect(faultWords({ parameter, error })).not.toContain("(");
        }
    expect(faultWords({ parameter: "Time", error: "strange" })).toContain("strange");
});

test("each field has a name for people", () => {
    for (const field of FIELDS) expect(schema("connector.json", "$defs", field)).toBeTruthy();
    expect(FIELDS.map(propWord).filter((word) => !word)).toEqual([]);
    expect(new Set(FIELDS.map(propWord)).size).toBe(FIELDS.length);
    expect(propWord("Unheard")).toBe("Unheard");
});

test("faults are told with their fields, other problems in their own words", () => {
    const faults = [{ parameter: "Server", error: "required" }];
    expect(problemWords(new Problem("NotValid", "validation_failed", {}, faults))).toBe(
        "Server: Fill in this field.",
    );
    expect(problemWords(new Problem("Conflict", "It is busy."))).toBe("It is busy.");
    expect(problemWords(new TypeError("no"))).toContain("no");
});
