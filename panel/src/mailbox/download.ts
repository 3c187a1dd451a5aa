// SPDX-License-Identifier: LGPL-2.1-or-later
/** A file of a message, fetched in parts and handed to the browser. */
import cockpit from "cockpit";
import type { FilePart } from "../api";
import { Problem } from "../helpers";

/** Each part is a visit at the server, and of what fits into one answer. */
export const PART = 4_000_000;

type Octets = Uint8Array<ArrayBuffer>;

/**
 * Return the parts of a file; undefined if it is no longer wanted. `told` hears how many octets are there after each.
 */
export async function fetchParts(
    ask: (offset: number) => Promise<FilePart>,
    told: (count: number) => void,
    isWanted: () => boolean,
): Promise<Octets[] | undefined> {
    const parts: Octets[] = [];
    let count = 0;
    let offset: number | null = 0;
    while (offset !== null) {
        const { data, next }: FilePart = await ask(offset);
        if (!isWanted()) return undefined;
        const part = octetsOf(data);
        if (next !== null && (next <= offset || !part.length)) throw noEnd();
        parts.push(part);
        count += part.length;
        told(count);
        offset = next;
    }
    return parts;
}

function noEnd(): Problem {
    return new Problem("NoAnswer", cockpit.gettext("The file does not come to an end."));
}

function octetsOf(base64: string): Octets {
    return Uint8Array.from(atob(base64), (octet) => octet.charCodeAt(0));
}

/** Let the browser keep a file: whatever it is, it is never opened here. */
export function keep(parts: Octets[], name: string): void {
    const address = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = name || cockpit.gettext("attachment");
    link.click();
    // The browser has read it by then.
    window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
