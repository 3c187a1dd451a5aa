// SPDX-License-Identifier: LGPL-2.1-or-later
/** What is written in JavaScript, for node itself. */
declare module "gettext-parser" {
    export interface Message {
        msgctxt?: string;
        msgid: string;
        msgid_plural?: string;
        msgstr: string[];
        comments?: { reference?: string; translator?: string; flag?: string };
    }

    export interface Catalogue {
        headers: Record<string, string>;
        /** By context, "" being none, and msgid. */
        translations: Record<string, Record<string, Message>>;
    }

    const parser: { po: { parse(text: string): Catalogue } };
    export default parser;
}

declare module "*/extract.js" {
    import type { Catalogue, Message } from "gettext-parser";

    export function messagesOf(name: string, text: string): Partial<Message>[];
    export function messagesOfManifest(text: string): { msgid: string }[];
    export function gather(): Catalogue;
    export function merge(table: Catalogue, older: Catalogue): Catalogue;
    export function format(table: Catalogue): string;
}

declare module "*/translations.js" {
    export function translations(folder: string): Record<string, string>;
}
