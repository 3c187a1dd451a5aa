// SPDX-License-Identifier: LGPL-2.1-or-later
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import gettextParser from "gettext-parser";

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);
const PLURAL = /^\s*nplurals\s*=\s*\d+\s*;\s*plural\s*=\s*([n0-9\s!=<>%&|?:()]+);?\s*$/;

/** Return, by language, the script that hands cockpit.js the translations of each .po file in a folder. */
export function translations(folder) {
    const files = readdirSync(folder).filter((name) => name.endsWith(".po"));
    return Object.fromEntries(files.map((name) => [name.slice(0, -3), script(join(folder, name))]));
}

function script(path) {
    const { headers, translations: contexts } = gettextParser.po.parse(readFileSync(path));
    const plural = PLURAL.exec(headers["Plural-Forms"])?.[1];
    if (!plural) throw new Error(`${path}: no Plural-Forms that can be used`);
    const language = headers.Language;
    const entries = Object.values(contexts)
        .flatMap((messages) => Object.values(messages))
        .filter(({ msgid, msgstr, comments }) => msgid && msgstr.every(Boolean) && !/fuzzy/.test(comments?.flag ?? ""))
        .map(({ msgctxt, msgid, msgstr }) => [msgctxt ? `${msgctxt}\u0004${msgid}` : msgid, [null, ...msgstr]]);
    const head = `"plural-forms":(n)=>${plural.trim()},"language":${JSON.stringify(language)},` +
        `"language-direction":"${RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr"}"`;
    const body = JSON.stringify(Object.fromEntries(entries)).slice(1, -1);
    return `cockpit.locale({"":{${head}}${body && ","}${body}});\n`;
}
