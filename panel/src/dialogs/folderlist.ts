// SPDX-License-Identifier: LGPL-2.1-or-later
/** The prop Folders, read and written as the helpers do. Nothing here asks or shows. */
import type { RemoteFolder } from "../api";

/** One item of the list, and how it is written. */
interface Item {
    kind: "name" | "pattern" | "use";
    text: string;
    isLeftOut: boolean;
}

/** What to take of a folder to know whether it is meant. */
type Named = Pick<RemoteFolder, "name" | "special_use" | "separator">;

const WRITTEN = /((?:[^",]|"(?:[^"\\]|\\.)*")*)(?:,|$)/y;
const INBOX: Item = { kind: "name", text: "INBOX", isLeftOut: false };

/** Return the items of a list; what is wrong with it, the helpers tell. */
export function parseFolders(list: string): Item[] {
    if (!list.trim()) return [INBOX];
    const items: Item[] = [];
    WRITTEN.lastIndex = 0;
    while (WRITTEN.lastIndex < list.length) {
        const found = WRITTEN.exec(list);
        // A quote that does not end: as it stands there.
        if (!found) break;
        const written = found[1]?.trim();
        if (written) items.push(parseItem(written));
    }
    return items;
}

function parseItem(written: string): Item {
    const isLeftOut = written.startsWith("!");
    const text = isLeftOut ? written.slice(1).trim() : written;
    if (text.startsWith('"')) return { kind: "name", text: inbox(text.slice(1, -1).replace(/\\(.)/g, "$1")), isLeftOut };
    if (text.startsWith("\\")) return { kind: "use", text, isLeftOut };
    if (/[*%]/.test(text)) return { kind: "pattern", text, isLeftOut };
    return { kind: "name", text: inbox(text), isLeftOut };
}

/** That name alone is the same however it is written (RFC 3501, section 5.1). */
function inbox(name: string): string {
    return name.toUpperCase() === INBOX.text ? INBOX.text : name;
}

function formatFolders(items: Item[]): string {
    return items
        .map(({ kind, text, isLeftOut }) => (isLeftOut ? "!" : "") + (kind === "name" ? quote(text) : text))
        .join(", ");
}

function quote(name: string): string {
    return /[",*%]|^[!\\ ]| $/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name;
}

function isMeant({ kind, text }: Item, { name, special_use, separator }: Named): boolean {
    if (kind === "use") return special_use?.toLowerCase() === text.toLowerCase();
    const [named, meant] = [fold(name, separator), fold(text, separator)];
    return kind === "name" ? named === meant : isLike(named, meant, separator);
}

/** Return a name or pattern in one form: Unicode's NFC, and the first level INBOX in capitals. */
function fold(text: string, separator: string): string {
    const whole = text.normalize("NFC");
    const isInbox = inbox(whole.slice(0, 5)) === INBOX.text && ["", separator, "*", "%"].includes(whole.slice(5, 6));
    return isInbox ? INBOX.text + whole.slice(5) : whole;
}

/** Whether a pattern means a name: letter by letter, with all the places in the pattern that are reached. */
function isLike(name: string, pattern: string, separator: string): boolean {
    const skip = (places: Set<number>) => {
        // A set grows while it is walked through.
        for (const place of places) if ("*%".includes(pattern[place] ?? "-")) places.add(place + 1);
        return places;
    };
    let reached = skip(new Set([0]));
    for (const letter of name) {
        const next = new Set<number>();
        for (const place of reached) {
            const wanted = pattern[place];
            if (wanted === "*" || (wanted === "%" && letter !== separator)) next.add(place);
            else if (wanted !== undefined && pattern.startsWith(letter, place)) next.add(place + letter.length);
        }
        reached = skip(next);
    }
    return reached.has(pattern.length);
}

/** Whether a list takes a folder. */
export function isChosen(list: string, folder: Named): boolean {
    const meant = parseFolders(list).filter((item) => isMeant(item, folder));
    return meant.length > 0 && !meant.some(({ isLeftOut }) => isLeftOut);
}

/** Return the list with a folder, or without it: by its own name, and without what leaves it out if it is wanted. */
export function choose(list: string, folder: Named, isWanted: boolean): string {
    const name = inbox(folder.name);
    const others = parseFolders(list).filter(
        (item) =>
            (item.kind !== "name" || item.text !== name) && !(isWanted && item.isLeftOut && isMeant(item, folder)),
    );
    // An empty list is the inbox alone.
    const isTaken = others.length > 0 && isChosen(formatFolders(others), folder);
    return shorten(isTaken === isWanted ? others : [...others, { kind: "name", text: name, isLeftOut: !isWanted }]);
}

/** Return it as short as it can be: the inbox alone is what an empty one means. */
function shorten(items: Item[]): string {
    const taken = items.filter(({ isLeftOut }) => !isLeftOut);
    const isInbox = items.length === 1 && taken.every(({ kind, text }) => kind === "name" && text === INBOX.text);
    return isInbox || !taken.length ? "" : formatFolders(items);
}
