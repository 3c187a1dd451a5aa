// SPDX-License-Identifier: LGPL-2.1-or-later
/** HTML in pieces, from its first letter to its last. It becomes no document, not even one that nobody sees. */

export interface Tag {
    name: string;
    isEnd: boolean;
    /** What stands after its name, as it is. */
    attributes: string;
}

/** A tag, or text between tags with its character references resolved. */
export type Piece = Tag | string;

/** What is between these is no markup, and nothing to read. */
const RAW = new Set("script style title textarea iframe noembed noframes xmp".split(" "));
/** What is in these is nothing to read, either. */
const LEFT_OUT = new Set("svg math object template select noscript".split(" "));
/** Only of these it is sure where they end. */
const HIDEABLE = new Set("div span table section".split(" "));
const HIDDEN = /(^|\s)hidden(\s|=|$)|display\s*:\s*none|visibility\s*:\s*hidden/i;
const BEGIN = /<(?:(\/?)([a-z][^\s/>]*)|!--|[!?/])/gi;

/** Return the pieces that are there to be read. Each letter is looked at once or twice, however odd it is. */
export function piecesOf(html: string): Piece[] {
    learn(html);
    const all = split(html);
    const pieces: Piece[] = [];
    let canSkip = true;
    for (let at = 0; at < all.length; at++) {
        const piece = all[at] ?? "";
        const end = canSkip && isLeftOut(piece) ? endOf(all, at) : at;
        // What has no end hides nothing: neither this nor what would come after it.
        if (end === undefined) canSkip = false;
        if (end === undefined || end === at) pieces.push(piece);
        else at = end;
    }
    return pieces;
}

function isLeftOut(piece: Piece): piece is Tag {
    if (typeof piece === "string" || piece.isEnd) return false;
    return LEFT_OUT.has(piece.name) || (HIDEABLE.has(piece.name) && HIDDEN.test(piece.attributes));
}

/** Return where the element that begins at a place ends. */
function endOf(pieces: Piece[], begin: number): number | undefined {
    const first = pieces[begin] as Tag;
    let depth = 0;
    for (let at = begin; at < pieces.length; at++) {
        const piece = pieces[at] ?? "";
        if (typeof piece === "string" || piece.name !== first.name) continue;
        depth += piece.isEnd ? -1 : 1;
        if (!depth) return at;
    }
    return undefined;
}

function split(html: string): Piece[] {
    const pieces: Piece[] = [];
    let at = 0;
    const tell = (end: number) => {
        if (end > at) pieces.push(resolve(html.slice(at, end)));
    };
    BEGIN.lastIndex = 0;
    for (let found = BEGIN.exec(html); found; found = BEGIN.exec(html)) {
        tell(found.index);
        const [written, slash, name] = found;
        const inside = found.index + written.length;
        if (written === "<!--") at = after(html, "-->", inside);
        else if (name === undefined) at = after(html, ">", inside);
        else {
            const end = endOfTag(html, inside);
            const tag = { name: name.toLowerCase(), isEnd: slash === "/", attributes: html.slice(inside, end) };
            pieces.push(tag);
            at = end + 1;
            if (!tag.isEnd && RAW.has(tag.name)) at = endOfRaw(html, tag.name, at);
        }
        BEGIN.lastIndex = at;
        if (at >= html.length) return pieces;
    }
    tell(html.length);
    return pieces;
}

function after(html: string, what: string, from: number): number {
    const found = html.indexOf(what, from);
    return found < 0 ? html.length : found + what.length;
}

/** Return where its > is: one in quotes after a = is none. */
function endOfTag(html: string, from: number): number {
    let quote = "";
    let isValue = false;
    for (let at = from; at < html.length; at++) {
        const letter = html[at] ?? "";
        if (quote) {
            if (letter === quote) quote = "";
            continue;
        }
        if (letter === ">") return at;
        if (isValue && /["']/.test(letter)) quote = letter;
        if (letter.trim()) isValue = letter === "=";
    }
    return html.length;
}

function endOfRaw(html: string, name: string, from: number): number {
    const end = new RegExp(`</${name}(?=[\\s/>])`, "gi");
    end.lastIndex = from;
    return end.exec(html)?.index ?? html.length;
}

/** Return the value of an attribute, with its character references resolved. */
export function attributeOf({ attributes }: Tag, name: string): string | undefined {
    const found = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, "i").exec(attributes);
    return found ? resolve(found.slice(1).join("")) : undefined;
}

function resolve(text: string): string {
    return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z][a-z\d]{1,31}));/gi, (written, ...found: (string | undefined)[]) => {
        const [decimal, hexadecimal, name] = found;
        if (name !== undefined) return named(name);
        const code = hexadecimal === undefined ? Number(decimal) : parseInt(hexadecimal, 16);
        return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : written;
    });
}

const known = new Map<string, string>();
/** There are 2000. */
const KNOWN = 10_000;
/** No name stands for it. */
const APART = "\u0001";

function named(name: string): string {
    return known.get(name) ?? `&${name};`;
}

/**
 * Ask the browser, which knows the characters of all names, for those that are in HTML: once for all of them, as it
 * takes a while. It is asked about letters and digits only.
 */
function learn(html: string): void {
    if (known.size > KNOWN) known.clear();
    const found = new Set([...html.matchAll(/&([a-z][a-z\d]{1,31});/gi)].map(([, name]) => name ?? ""));
    const names = [...found].filter((name) => !known.has(name));
    if (!names.length) return;
    const asked = names.map((name) => `&${name};`).join(APART);
    const told = new DOMParser().parseFromString(asked, "text/html").body.textContent.split(APART);
    names.forEach((name, at) => known.set(name, told[at] ?? `&${name};`));
}
