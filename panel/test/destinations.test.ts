// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import { KINDS, destinationWords, exampleOf, formatDestination, kindWord, parseDestination } from "../src/destinations";

test.each([
    ["maildir:/var/mail/{account}", "maildir", "/var/mail/{account}"],
    ["maildir:~/Maildir", "maildir", "~/Maildir"],
    ["lmtp:unix:/run/dovecot/lmtp", "lmtp", "unix:/run/dovecot/lmtp"],
    ["lmtp:[::1]:24", "lmtp", "[::1]:24"],
    ["command:/bin/mda -d {account}", "command", "/bin/mda -d {account}"],
    ["lmtp:", "lmtp", ""],
])("%s", (text, kind, place) => {
    expect(parseDestination(text)).toEqual({ kind, place });
    expect(formatDestination(parseDestination(text))).toBe(text);
});

test.each(["", "mbox:/var/mail/u", "/var/mail/u"])("%j is of no kind", (text) => {
    expect(parseDestination(text)).toEqual({ kind: undefined, place: text });
    expect(destinationWords(text)).toBe(text);
});

test("each kind has a word and an example of its own", () => {
    expect(new Set(KINDS.map(kindWord)).size).toBe(KINDS.length);
    for (const kind of KINDS) expect(parseDestination(`${kind}:${exampleOf(kind)}`).kind).toBe(kind);
});

test("a destination is told in a few words", () => {
    const words = (text: string) => destinationWords(text).replace(/[\u2068\u2069]/g, "");
    expect(words("maildir:~/Maildir")).toBe("Maildir ~/Maildir");
    expect(words("lmtp:unix:/run/lmtp")).toBe("LMTP through the socket /run/lmtp");
    expect(words("lmtp:mail.example:24")).toBe("LMTP at mail.example:24");
    expect(words("command:/bin/mda")).toBe("Program /bin/mda");
});
