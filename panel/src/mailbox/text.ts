// SPDX-License-Identifier: LGPL-2.1-or-later
/** What a message says, as text: of HTML too, which never becomes a part of the page. */
import type { ReadMessage } from "../api";
import { attributeOf, piecesOf, type Tag } from "./html";

/** So much of HTML is looked at: what is after it nobody reads here. */
const HTML_LIMIT = 2_000_000;

const PARAGRAPHS = new Set("p h1 h2 h3 h4 h5 h6 ul ol dl pre table blockquote hr figure".split(" "));
const BLOCKS = new Set(
    "br div li tr dt dd section article header footer main nav aside address center caption figcaption form body".split(" "),
);
const BLANKS = /[ \t\n\f\r]+/g;

/** Grows as a page is read from top to bottom. */
class Reading {
    text = "";
    /** What was added of a link. To cut it out of all text would copy that for each link. */
    linked = "";
    private gap = "";

    add(words: string): void {
        if (!words) return;
        const added = (this.text && this.gap) + words;
        this.text += added;
        this.linked += added;
        this.gap = "";
    }

    /** Words between which any blanks are one. */
    flow(words: string): void {
        const plain = words.replace(BLANKS, " ");
        if (plain.startsWith(" ")) this.gap ||= " ";
        this.add(plain.trim());
        if (plain.length > 1 && plain.endsWith(" ")) this.gap ||= " ";
    }

    cell(): void {
        if (!this.gap.includes("\n")) this.gap = "\t";
    }

    /** Begin a line; after so many ends of lines at least. */
    line(count: number): void {
        if (this.gap.length < count || !this.gap.includes("\n")) this.gap = "\n".repeat(count);
    }
}

/** Return the text of HTML. */
export function textOf(html: string): string {
    const reading = new Reading();
    let link: Tag | undefined;
    let isExact = false;
    for (const piece of piecesOf(html.slice(0, HTML_LIMIT))) {
        if (typeof piece === "string") {
            if (isExact) reading.add(piece.replaceAll("\r\n", "\n"));
            else reading.flow(piece);
            continue;
        }
        const { name, isEnd } = piece;
        if (name === "a") {
            if (link) reading.add(bracket(placeOf(link, reading.linked), " "));
            link = isEnd ? undefined : piece;
            reading.linked = "";
        }
        if (name === "pre") isExact = !isEnd;
        if (BLOCKS.has(name)) reading.line(1);
        if (PARAGRAPHS.has(name)) reading.line(2);
        if (isEnd && ["td", "th"].includes(name)) reading.cell();
        if (name === "li" && !isEnd) reading.add("• ");
        if (name === "img") reading.flow(bracket(attributeOf(piece, "alt")?.trim()));
    }
    return reading.text;
}

function bracket(words: string | undefined, before = ""): string {
    return words ? `${before}[${words}]` : "";
}

/** Return the host where a link leads, if its text does not say so. */
function placeOf(link: Tag, text: string): string | undefined {
    const host = hostOf(attributeOf(link, "href"));
    return host && text.trim() && !names(text, host) ? host : undefined;
}

/** Return the host of a web address as browsers read it: to them a backslash is a slash, and some blanks are nothing. */
function hostOf(address = ""): string | undefined {
    const plain = address.replace(/[\t\r\n]/g, "");
    const [, host] = /^\s*https?:[/\\]*(?:[^/\\?#]*@)?([^/\\?#:]+)/i.exec(plain) ?? [];
    return host?.toLowerCase();
}

/** Whether a text has the name of a host in it, and not as a part of another one. */
function names(text: string, host: string): boolean {
    const found = text.toLowerCase().match(/[\p{L}\p{N}.-]+/gu) ?? [];
    return found.some((word) => word.startsWith(host) && /^\.*$/.test(word.slice(host.length)));
}

export interface Body {
    text: string;
    /** Whether it was made of HTML, because there is no other. */
    isOfHtml: boolean;
}

export function bodyOf({ body: { plain, html } }: Pick<ReadMessage["message"], "body">): Body {
    const text = together(plain);
    return text || !html.length ? { text, isOfHtml: false } : { text: together(html.map(textOf)), isOfHtml: true };
}

function together(parts: string[]): string {
    return parts
        .map((part) => part.replaceAll("\r\n", "\n").trim())
        .filter(Boolean)
        .join("\n\n");
}
