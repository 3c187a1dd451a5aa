// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import type { RemoteFolder } from "../src/api";
import { criteriaOf } from "../src/mailbox/criteria";
import { arrange, purposeWord, remarks } from "../src/mailbox/tree";

function folder(name: string, more: Partial<RemoteFolder> = {}): RemoteFolder {
    const counts = { messages: 3, unseen: 0, size: null, special_use: null, local: null, separator: "/" };
    return { name, ...counts, subscribed: true, selectable: true, chosen: false, ...more };
}

function shown(...names: string[]): string[] {
    return arrange(names.map((name) => folder(name))).map(({ depth, label }) => "-".repeat(depth) + label);
}

test("the inbox is first, and each folder below the one it is in", () => {
    expect(shown("Work/2", "Work", "a", "INBOX/x", "Work/10", "Inbox", "Work-old", "Work/2/z")).toEqual([
        "Inbox",
        "INBOX/x",
        "a",
        "Work",
        "-2",
        "--z",
        "-10",
        "Work-old",
    ]);
});

test("a folder whose own is not listed has its whole name", () => {
    expect(shown("a/b/c", "a/b/c/d", "a")).toEqual(["a", "-b/c", "--d"]);
});

test("where names have no parts, they have no places", () => {
    const flat = { separator: "" };
    expect(arrange([folder("b/a", flat), folder("b", flat)]).map(({ depth, label }) => [depth, label])).toEqual([
        [0, "b"],
        [0, "b/a"],
    ]);
});

test("names from a server are only ever text", () => {
    const names = ["../../etc", "<img src=x>", "قائمة", "😀", "a".repeat(500), ".", ".."];
    expect(arrange(names.map((name) => folder(name))).map((one) => one.folder.name).sort()).toEqual(names.sort());
});

test("what is special about a folder is told", () => {
    expect(remarks(folder("Sent", { special_use: "\\Sent", unseen: 2 }), "Sent Items")).toEqual(["Sent", "2 unread"]);
    expect(remarks(folder("Sent", { special_use: "\\Sent" }), "sent")).toEqual([]);
    expect(remarks(folder("a", { selectable: false, subscribed: false }), "a")).toEqual(["Holds only folders"]);
    expect(remarks(folder("a", { subscribed: false }), "a")).toEqual(["Not subscribed"]);
    expect(remarks(folder("INBOX", { subscribed: false, unseen: null }), "INBOX")).toEqual([]);
    expect(purposeWord("\\Strange")).toBe("\\Strange");
});

test.each([
    ["", undefined],
    ["  ", undefined],
    ["invoice", 'TEXT "invoice"'],
    ['say "hi\\"', 'TEXT "say \\"hi\\\\\\""'],
    ["caffè 2026", 'TEXT "caffè 2026"'],
    ["unseen", "unseen"],
    [" FROM anna SINCE 1-Nov-2026 ", "FROM anna SINCE 1-Nov-2026"],
    ["(OR SEEN FLAGGED)", "(OR SEEN FLAGGED)"],
    ["NOT(SEEN)", "NOT(SEEN)"],
    ["seenwhat", 'TEXT "seenwhat"'],
])("%j is searched for by %j", (typed, criteria) => {
    expect(criteriaOf(typed)).toBe(criteria);
});
