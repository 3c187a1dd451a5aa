// SPDX-License-Identifier: LGPL-2.1-or-later
/** What a message says, as text: of HTML too, which never becomes a part of the page. */
import type { ReadMessage } from "../api";

/** So much of HTML is looked at: what is after it nobody reads here. */
const HTML_LIMIT = 2_000_000;

/** What is not for reading. */
const LEFT_OUT = "head, script, style, template, noscript, object, iframe, svg, math, select, textarea, [hidden]";
const HIDDEN = /(^|;)\s*(display\s*:\s*none|visibility\s*:\s*hidden)/i;
const PARAGRAPHS = new Set("P H1 H2 H3 H4 H5 H6 UL OL DL PRE TABLE BLOCKQUOTE HR FIGURE".split(" "));
const BLOCKS = new Set(
    "DIV LI TR DT DD SECTION ARTICLE HEADER FOOTER MAIN NAV ASIDE ADDRESS CENTER CAPTION FIGCAPTION FORM BODY".split(" "),
);
const BLANKS = /[ \t\n\f\r]+/g;

/** Grows as a page is read from top to bottom. */
class Reading {
    private text = "";
    private gap = "";

    add(words: string): void {
        if (!words) return;
        this.text += (this.text && this.gap) + words;
        this.gap = "";
    }

    /** Words between which any blanks are one. */
    flow(words: string): void {
        const plain = words.replace(BLANKS, " ");
        if (plain.startsWith(" ")) this.blank();
        this.add(plain.trim());
        if (plain.length > 1 && plain.endsWith(" ")) this.blank();
    }

    blank(): void {
        this.gap ||= " ";
    }

    cell(): void {
        if (!this.gap.includes("\n")) this.gap = "\t";
    }

    /** Begin a line; after so many ends of lines at least. */
    line(count: number): void {
        if (this.gap.length < count || !this.gap.includes("\n")) this.gap = "\n".repeat(count);
    }

    get whole(): string {
        return this.text;
    }
}

/**
 * Return the text of HTML. It is read in a document of its own, in which nothing is run, loaded or shown.
 */
export function textOf(html: string): string {
    const page = new DOMParser().parseFromString(html.slice(0, HTML_LIMIT), "text/html");
    const reading = new Reading();
    const root: Node = page.body;
    let node: Node | null = root;
    // Not by recursion: senders may nest as deep as they like.
    while (node) {
        if (enter(node, reading) && node.firstChild) {
            node = node.firstChild;
            continue;
        }
        while (node) {
            leave(node, reading);
            if (node === root || node.nextSibling) break;
            node = node.parentNode;
        }
        node = node === root ? null : (node?.nextSibling ?? null);
    }
    return reading.whole;
}

/** Take what stands at the beginning of a node; return whether to look into it. */
function enter(node: Node, reading: Reading): boolean {
    if (node.nodeType === Node.TEXT_NODE) {
        const words = node.nodeValue ?? "";
        if (node.parentElement?.closest("pre")) reading.add(words);
        else reading.flow(words);
        return false;
    }
    // Of the document's own kind: not of this page's.
    if (node.nodeType !== Node.ELEMENT_NODE) return false;
    const element = node as Element;
    if (element.matches(LEFT_OUT) || HIDDEN.test(element.getAttribute("style") ?? "")) return false;
    begin(element.tagName, reading);
    if (element.tagName === "LI") reading.add("• ");
    if (element.tagName === "IMG") reading.flow(bracket(element.getAttribute("alt")?.trim()));
    return true;
}

function leave(node: Node, reading: Reading): void {
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const element = node as Element;
    if (element.tagName === "A") reading.add(bracket(placeOf(element), " "));
    begin(element.tagName, reading);
    if (["TD", "TH"].includes(element.tagName)) reading.cell();
}

function begin(tag: string, reading: Reading): void {
    if (tag === "BR") reading.line(1);
    if (BLOCKS.has(tag)) reading.line(1);
    if (PARAGRAPHS.has(tag)) reading.line(2);
}

function bracket(words: string | undefined, before = ""): string {
    return words ? `${before}[${words}]` : "";
}

/** Return the host where a link leads, if its text does not say so. */
function placeOf(link: Element): string | undefined {
    const [, host] = /^\s*https?:\/\/(?:[^/?#]*@)?([^/?#:]+)/i.exec(link.getAttribute("href") ?? "") ?? [];
    const text = link.textContent.toLowerCase();
    return host && text.trim() && !text.includes(host.toLowerCase()) ? host : undefined;
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
