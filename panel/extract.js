// SPDX-License-Identifier: LGPL-2.1-or-later
// Gather what is to be translated: into po/getmail.pot, and into each language's file beside what is translated already.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import gettextParser from "gettext-parser";
import ts from "typescript";

const here = fileURLToPath(new URL(".", import.meta.url));
const po = join(here, "../po");
const WITH_PLURAL = "ngettext";
const FUNCTIONS = ["gettext", WITH_PLURAL];
const HEADERS = {
    "Project-Id-Version": "cockpit-getmail",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
};
const COMMENT = "Translations of cockpit-getmail.\nSPDX-License-Identifier: LGPL-2.1-or-later";

/** Return the messages of a source: [{ msgctxt, msgid, msgid_plural }], as they come in it. */
export function messagesOf(name, text) {
    const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
    const aliases = new Map(FUNCTIONS.map((known) => [known, known]));
    const found = [];
    const visit = (node) => {
        // const _ = cockpit.gettext, const { gettext: _ } = cockpit
        if (ts.isVariableDeclaration(node) && node.initializer && ts.isPropertyAccessExpression(node.initializer))
            aliases.set(node.name.getText(), node.initializer.name.text);
        if (ts.isBindingElement(node) && node.propertyName) aliases.set(node.name.getText(), node.propertyName.getText());
        if (ts.isCallExpression(node)) {
            const called = ts.isPropertyAccessExpression(node.expression)
                ? node.expression.name.text
                : aliases.get(node.expression.getText());
            if (FUNCTIONS.includes(called)) found.push(message(node, called === WITH_PLURAL));
        }
        ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
}

function message(call, plural) {
    const texts = (plural ? call.arguments.slice(0, -1) : [...call.arguments]).map((argument) => {
        if (ts.isStringLiteral(argument)) return argument.text;
        const source = call.getSourceFile();
        const { line } = source.getLineAndCharacterOfPosition(call.getStart());
        throw new Error(`${source.fileName}:${line + 1}: only a literal can be translated`);
    });
    const many = plural && texts.pop();
    const [msgid, msgctxt] = texts.reverse();
    return { msgid, ...(msgctxt && { msgctxt }), ...(many && { msgid_plural: many }) };
}

/** Return the messages of Cockpit's manifest: labels, and the words by which a page is found. */
export function messagesOfManifest(text) {
    const { menu = {}, tools = {} } = JSON.parse(text);
    return [...Object.values(menu), ...Object.values(tools)]
        .flatMap(({ label, keywords = [] }) => [
            label,
            ...keywords.filter(({ translate }) => translate !== false).flatMap(({ matches }) => matches),
        ])
        .map((msgid) => ({ msgid }));
}

/** Return the catalogue of all there is to translate, as gettext-parser knows it. */
export function gather() {
    const table = { charset: "utf-8", headers: HEADERS, translations: { "": { "": { comments: { translator: COMMENT } } } } };
    const add = (file, messages) => messages.forEach((found) => addMessage(table.translations, `panel/${file}`, found));
    add("manifest.json", messagesOfManifest(readFileSync(join(here, "manifest.json"), "utf8")));
    for (const file of readdirSync(join(here, "src"), { recursive: true }).map(String).sort())
        if (/(?<!\.d)\.tsx?$/.test(file)) add(`src/${file}`, messagesOf(file, readFileSync(join(here, "src", file), "utf8")));
    return table;
}

function addMessage(contexts, file, { msgctxt = "", msgid, msgid_plural }) {
    const messages = (contexts[msgctxt] ??= {});
    const known = (messages[msgid] ??= { msgid, ...(msgctxt && { msgctxt }), comments: { reference: file } });
    if (msgid_plural && (known.msgid_plural ??= msgid_plural) !== msgid_plural)
        throw new Error(`${file}: "${msgid}" has another plural elsewhere`);
    known.msgstr = known.msgid_plural ? ["", ""] : [""];
    // A file without a line: a text that moves leaves the catalogues as they are.
    const files = known.comments.reference.split("\n");
    if (!files.includes(file)) known.comments.reference = [...files, file].join("\n");
}

/** Return the catalogue with what an older one has translated of it; its other messages are dropped. */
export function merge(table, older) {
    const forms = Number(/nplurals\s*=\s*(\d+)/.exec(older.headers["Plural-Forms"])?.[1] ?? 2);
    const merged = ({ msgctxt = "", msgid, msgid_plural, comments, ...rest }) => {
        const count = msgid_plural ? forms : 1;
        const { msgstr = [], comments: said = {} } = older.translations[msgctxt]?.[msgid] ?? {};
        return {
            ...rest,
            ...(msgctxt && { msgctxt }),
            msgid,
            ...(msgid_plural && { msgid_plural }),
            comments: { ...comments, translator: said.translator, flag: said.flag },
            msgstr: msgstr.length === count ? msgstr : Array(count).fill(""),
        };
    };
    const translations = Object.fromEntries(
        Object.entries(table.translations).map(([context, messages]) => [
            context,
            Object.fromEntries(
                Object.values(messages)
                    .filter(({ msgid }) => msgid)
                    .map((one) => [one.msgid, merged(one)]),
            ),
        ]),
    );
    translations[""][""] = older.translations[""][""];
    return { charset: "utf-8", headers: older.headers, translations };
}

export const format = (table) => gettextParser.po.compile(table).toString();

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const table = gather();
    writeFileSync(join(po, "getmail.pot"), format(table));
    for (const name of readdirSync(po).filter((file) => file.endsWith(".po"))) {
        const path = join(po, name);
        writeFileSync(path, format(merge(table, gettextParser.po.parse(readFileSync(path)))));
    }
}
