// SPDX-License-Identifier: LGPL-2.1-or-later
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import gettextParser from "gettext-parser";

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);
const PLURAL = /^\s*nplurals\s*=\s*\d+\s*;\s*plural\s*=\s*([n0-9\s!=<>%&|?:()]+);?\s*$/;

/**
 * Return, by name of the file, the scripts that hand cockpit.js the translations of each .po file in a folder.
 *
 * Cockpit's menu reads po.manifest.*.js; older ones read po.*.js for it, so that one has all.
 */
export function translations(folder) {
    const languages = readdirSync(folder).filter((name) => name.endsWith(".po"));
    return Object.fromEntries(
        languages.flatMap((name) => {
            const { headers, messages } = parse(join(folder, name));
            const ofMenu = messages.filter(({ comments }) => /manifest\.json/.test(comments?.reference ?? ""));
            const language = name.slice(0, -3);
            return [
                [`po.${language}.js`, script(headers, messages)],
                [`po.manifest.${language}.js`, script(headers, ofMenu)],
            ];
        }),
    );
}

function parse(path) {
    const { headers, translations: contexts } = gettextParser.po.parse(readFileSync(path));
    const plural = PLURAL.exec(headers["Plural-Forms"])?.[1].trim();
    const language = headers.Language;
    if (!plural || !language) throw new Error(`${path}: no Plural-Forms or Language that can be used`);
    const messages = Object.values(contexts)
        .flatMap((context) => Object.values(context))
        .filter(({ msgid, msgstr, comments }) => msgid && msgstr.every(Boolean) && !/fuzzy/.test(comments?.flag ?? ""));
    return { headers: { plural, language }, messages };
}

function script({ plural, language }, messages) {
    const direction = RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr";
    const head = `"plural-forms":(n)=>${plural},"language":${JSON.stringify(language)},"language-direction":"${direction}"`;
    const entries = messages.map(({ msgctxt, msgid, msgstr }) => [
        msgctxt ? `${msgctxt}\u0004${msgid}` : msgid,
        [null, ...msgstr],
    ]);
    return `cockpit.locale({"":{${head}},${JSON.stringify(Object.fromEntries(entries)).slice(1)});\n`;
}
