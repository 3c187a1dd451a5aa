// SPDX-License-Identifier: LGPL-2.1-or-later
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import gettextParser, { type Catalogue, type Message } from "gettext-parser";
import { describe, expect, test } from "vitest";
import { format, gather, merge, messagesOf, messagesOfManifest } from "../extract.js";
import { translations } from "../translations.js";

const FOLDER = new URL("../../po/", import.meta.url);
const LANGUAGES = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".po"))
    .map((name) => name.slice(0, -3));
const TABLE = gather();
const read = (name: string) => readFileSync(new URL(name, FOLDER), "utf8");
const messages = ({ translations: contexts }: Catalogue) =>
    Object.values(contexts)
        .flatMap((context) => Object.values(context))
        .filter(({ msgid }) => msgid);
const nameOf = ({ msgctxt, msgid }: Message) => (msgctxt ? `${msgctxt}: ${msgid}` : msgid);
const holes = (text: string) => [...new Set(text.match(/\$\d/g))].sort().join(" ");

interface Locale {
    "": { "plural-forms": (count: number) => number | boolean; language: string; "language-direction": string };
    [message: string]: unknown;
}

/** Return what a script tells Cockpit. */
function told(script: string | undefined): Locale {
    let locale: unknown;
    // As the browser does it with what stands in a file of the page.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
    new Function("cockpit", script ?? "")({ locale: (data: unknown) => (locale = data) });
    return locale as Locale;
}

describe("gathering", () => {
    test.each([
        ['const _ = cockpit.gettext; _("a");', [{ msgid: "a" }]],
        ['function f() { const tr = cockpit.gettext; return <b title={tr("a")}>{tr("b")}</b>; }', [{ msgid: "a" }, { msgid: "b" }]],
        ['cockpit.gettext("menu", "Open");', [{ msgctxt: "menu", msgid: "Open" }]],
        ['cockpit.ngettext("one", "many", n);', [{ msgid: "one", msgid_plural: "many" }]],
        ['const { ngettext } = cockpit; ngettext("one", "many", n);', [{ msgid: "one", msgid_plural: "many" }]],
        ['const { gettext: _ } = cockpit; _("a");', [{ msgid: "a" }]],
        ['ngettext("mail", "one", "many", n);', [{ msgctxt: "mail", msgid: "one", msgid_plural: "many" }]],
        ['call("a"); const x = y.z; x("b");', []],
    ])("%s", (source, found) => expect(messagesOf("x.tsx", source)).toEqual(found));

    test("only a literal can be translated", () =>
        expect(() => messagesOf("x.ts", "\ncockpit.gettext(`a ${b}`);")).toThrow("x.ts:2:"));

    test("of the manifest: labels, and words to search for unless they are names", () => {
        const keywords = [{ matches: ["mail"] }, { matches: ["imap"], translate: false }];
        const manifest = JSON.stringify({ menu: { index: { label: "Mail", keywords } } });
        expect(messagesOfManifest(manifest)).toEqual([{ msgid: "Mail" }, { msgid: "mail" }]);
    });

    test("a language keeps what it has, and drops what is no more", () => {
        const older = gettextParser.po.parse(
            'msgid ""\nmsgstr "Plural-Forms: nplurals=3; plural=0;\\n"\n\nmsgid "Password"\nmsgstr "Heslo"\n\nmsgid "Gone"\nmsgstr "Pryč"\n',
        );
        const merged = merge(TABLE, older).translations[""];
        expect(merged?.Password?.msgstr).toEqual(["Heslo"]);
        expect(merged?.["$0 connector"]?.msgstr).toEqual(["", "", ""]);
        expect(merged).not.toHaveProperty("Gone");
    });
});

test("the template is what the sources hold: npm run extract", () => expect(read("getmail.pot")).toBe(format(TABLE)));

describe.each(LANGUAGES)("%s", (language) => {
    const catalogue = gettextParser.po.parse(read(`${language}.po`));
    const forms = Number(/^nplurals=(\d);/.exec(catalogue.headers["Plural-Forms"] ?? "")?.[1]);

    test("has the messages of the template: npm run extract", () =>
        expect(read(`${language}.po`)).toBe(format(merge(TABLE, catalogue))));

    test("says which language it is", () => expect(catalogue.headers.Language).toBe(language));

    test("is complete", () => {
        const missing = messages(catalogue).filter(({ msgstr }) => !msgstr.every((text) => text.trim()));
        expect(missing.map(nameOf)).toEqual([]);
        expect(messages(catalogue).filter(({ comments }) => comments?.flag?.includes("fuzzy"))).toEqual([]);
    });

    test("has each plural's forms", () => {
        const wrong = messages(catalogue).filter(
            ({ msgid_plural, msgstr }) => msgstr.length !== (msgid_plural ? forms : 1),
        );
        expect(wrong.map(nameOf)).toEqual([]);
    });

    test("leaves the same holes to fill", () => {
        const wrong = messages(catalogue).filter(({ msgid, msgid_plural, msgstr }) => {
            const [first, ...others] = msgstr.map(holes);
            return first !== holes(msgid) || others.some((other) => other !== holes(msgid_plural ?? msgid));
        });
        expect(wrong.map(nameOf)).toEqual([]);
    });

    test("begins and ends as the message does", () => {
        const shape = (text: string) => [/^\s/.test(text), /[.:…?]?$/.exec(text.trimEnd())?.[0], /\s$/.test(text)].join();
        const wrong = messages(catalogue).filter(({ msgid, msgstr }) => msgstr.some((text) => shape(text) !== shape(msgid)));
        expect(wrong.map(nameOf)).toEqual([]);
    });

    test("is a script that Cockpit reads", () => {
        const scripts = translations(fileURLToPath(FOLDER));
        const locale = told(scripts[`po.${language}.js`]);
        expect(locale[""]).toMatchObject({ language, "language-direction": "ltr" });
        // What cockpit.ngettext does.
        const form = (count: number) =>
            (locale["$0 connector"] as string[])[Number(locale[""]["plural-forms"](count)) + 1];
        const { msgstr } = catalogue.translations[""]?.["$0 connector"] ?? {};
        expect([form(1), form(2), form(0)]).toEqual([msgstr?.[0], msgstr?.[1], msgstr?.[1]]);
        expect(form(1)).not.toBe(form(2));
        expect(Object.keys(locale)).toHaveLength(messages(catalogue).length + 1);
    });

    test("gives Cockpit's menu its words and no others", () => {
        const locale = told(translations(fileURLToPath(FOLDER))[`po.manifest.${language}.js`]);
        const words = messagesOfManifest(readFileSync(new URL("../manifest.json", import.meta.url), "utf8"));
        expect(Object.keys(locale)).toEqual(["", ...words.map(({ msgid }) => msgid)]);
    });
});
