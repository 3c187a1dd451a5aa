// SPDX-License-Identifier: LGPL-2.1-or-later
/** Folders of a remote mailbox in order, and what they are called. Nothing here asks or shows. */
import cockpit from "cockpit";
import type { RemoteFolder } from "../api";
import { formatNumber, language } from "../format";

export const INBOX = "INBOX";

export interface Placed {
    folder: RemoteFolder;
    /** How many folders it is in. */
    depth: number;
    /** Its name within them. */
    label: string;
}

/** Return folders as a tree is read: the inbox first, each after the one it is in. */
export function arrange(folders: RemoteFolder[]): Placed[] {
    const known = new Map(folders.map((folder) => [folder.name, folder]));
    const collator = new Intl.Collator(language(), { numeric: true });
    const order = (one: string[], other: string[]) => {
        const index = one.findIndex((part, at) => part !== other[at]);
        if (index < 0) return one.length - other.length;
        return index < other.length ? compareParts(one[index] ?? "", other[index] ?? "", index, collator) : 1;
    };
    return folders
        .map((folder) => ({ folder, parts: partsOf(folder) }))
        .sort((one, other) => order(one.parts, other.parts))
        .map(({ folder, parts }) => {
            const around = parts
                .map((_part, index) => parts.slice(0, index).join(folder.separator))
                .filter((name, index) => index > 0 && known.has(name));
            const nearest = around.at(-1);
            const label = nearest === undefined ? folder.name : folder.name.slice(nearest.length + 1);
            return { folder, depth: around.length, label };
        });
}

function compareParts(one: string, other: string, index: number, collator: Intl.Collator): number {
    const isInbox = (part: string) => index === 0 && part.toUpperCase() === INBOX;
    return Number(isInbox(other)) - Number(isInbox(one)) || collator.compare(one, other) || (one < other ? -1 : 1);
}

function partsOf({ name, separator }: RemoteFolder): string[] {
    return separator ? name.split(separator) : [name];
}

/** Return what a folder is for; "" where nothing is said of it. */
export function purposeWord(use: string | null): string {
    const _ = cockpit.gettext;
    const words: Record<string, string> = {
        "\\all": _("All mail"),
        "\\archive": _("Archive"),
        "\\drafts": _("Drafts"),
        "\\flagged": _("Starred"),
        "\\important": _("Important"),
        "\\junk": _("Junk"),
        "\\sent": _("Sent"),
        "\\trash": _("Trash"),
    };
    return words[use?.toLowerCase() ?? ""] ?? use ?? "";
}

export function countWords(count: number): string {
    return cockpit.format(cockpit.ngettext("$0 message", "$0 messages", count), formatNumber(count));
}

/** Return what there is to say of a folder beside its name and its count. */
export function remarks({ special_use, unseen, subscribed, selectable, name }: RemoteFolder, label: string): string[] {
    const _ = cockpit.gettext;
    const purpose = purposeWord(special_use);
    return [
        purpose.toLowerCase() === label.toLowerCase() ? "" : purpose,
        unseen ? cockpit.format(_("$0 unread"), formatNumber(unseen)) : "",
        selectable ? "" : _("Holds only folders"),
        subscribed || !selectable || name.toUpperCase() === INBOX ? "" : _("Not subscribed"),
    ].filter(Boolean);
}
