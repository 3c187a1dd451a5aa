// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import { choose, isChosen, parseFolders } from "../src/dialogs/folderlist";

const NAMES = ["INBOX", "Sent", "Work", "Work/2026", "Work/2026/Jan", "Trash", "a, b", 'say "x"', "!odd", "*", "caffè"];
const USES: Record<string, string> = { Sent: "\\Sent", Trash: "\\Trash" };
const folder = (name: string) => ({ name, special_use: USES[name] ?? null, separator: "/" });
const chosen = (list: string) => NAMES.filter((name) => isChosen(list, folder(name)));

test.each([
    ["", ["INBOX"]],
    ["inbox", ["INBOX"]],
    ["*", NAMES],
    ["%", NAMES.filter((name) => !name.includes("/"))],
    ["Work/%", ["Work/2026"]],
    ["Work*", ["Work", "Work/2026", "Work/2026/Jan"]],
    ["W%k/*n", ["Work/2026/Jan"]],
    ["INBOX, \\Sent", ["INBOX", "Sent"]],
    ['"a, b", "say \\"x\\"", "*"', ["a, b", 'say "x"', "*"]],
    ["*, !\\Trash, !Work/*, ! \"!odd\"", ["INBOX", "Sent", "Work", "a, b", 'say "x"', "*", "caffè"]],
    ["!Work, Work*", ["Work/2026", "Work/2026/Jan"]],
    ["sent", []],
])("%j takes its folders", (list, names) => {
    expect(chosen(list)).toEqual(names);
});

test("a name is the same in another form of Unicode, and below INBOX in whatever letters", () => {
    for (const list of ["Inbox/a", "inbox/%", "inbox*", "bu\u0308ro, INBOX/*"]) expect(isChosen(list, folder("INBOX/a"))).toBe(true);
    expect(isChosen("inboxes", folder("INBOXes"))).toBe(false);
    expect(isChosen("b\u00fcro", folder("bu\u0308ro"))).toBe(true);
    expect(choose("*", folder("Inbox/a"), false)).toBe("*, !Inbox/a");
});

test("a list that is being typed has what is whole of it", () => {
    expect(parseFolders('INBOX, "Wor').map(({ text }) => text)).toEqual(["INBOX"]);
    expect(parseFolders("INBOX,, ")).toHaveLength(1);
});

test.each([
    ["", "Sent", true, "INBOX, Sent"],
    ["INBOX, Sent", "INBOX", false, "Sent"],
    ["INBOX, Sent", "Sent", false, ""],
    ["*", "Trash", false, "*, !Trash"],
    ["*, !Trash", "Trash", true, "*"],
    ["*, !\\Trash", "Trash", true, "*"],
    ["*, !Work/*, !Sent", "Work/2026", true, "*, !Sent"],
    ["\\Sent", "Sent", false, "\\Sent, !Sent"],
    ["INBOX, \\Sent", "Sent", false, "INBOX, \\Sent, !Sent"],
    ["", "a, b", true, 'INBOX, "a, b"'],
    ["", "!odd", true, 'INBOX, "!odd"'],
    ["Sent, !Trash", "Sent", false, ""],
    ["", "inbox", true, ""],
])("%j with %j: %j is %j", (list, name, isWanted, after) => {
    expect(choose(list, folder(name), isWanted)).toBe(after);
});

test("whatever the list, a folder can be chosen and left", () => {
    for (const list of ["", "*", "INBOX, Work*", "*, !Work/%", "\\Sent, Trash", "*, !\\Trash"])
        for (const name of NAMES.filter((one) => one !== "INBOX")) {
            const isWanted = !isChosen(list, folder(name));
            expect([list, name, isChosen(choose(list, folder(name), isWanted), folder(name))]).toEqual([list, name, isWanted]);
        }
});

test("a pattern of many wildcards is matched in no time", () => {
    expect(isChosen("*a".repeat(200), folder("a".repeat(1000) + "b"))).toBe(false);
});
