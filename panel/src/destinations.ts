// SPDX-License-Identifier: LGPL-2.1-or-later
/** Where mail is delivered to: kind and place, written as `maildir:PATH`, `lmtp:unix:PATH`, `lmtp:HOST:PORT` or `command:PROGRAM`. */
import cockpit from "cockpit";
import { isolate } from "./format";

export const KINDS = ["maildir", "lmtp", "command"] as const;
export type Kind = (typeof KINDS)[number];

export interface Destination {
    /** undefined: not said, or none of these. */
    kind: Kind | undefined;
    place: string;
}

export function parseDestination(text: string): Destination {
    const [, word = "", place = ""] = /^([^:]*):?(.*)$/s.exec(text) ?? [];
    const kind = KINDS.find((known) => known === word);
    return kind ? { kind, place } : { kind, place: text };
}

export function formatDestination({ kind, place }: Destination): string {
    return kind ? `${kind}:${place}` : "";
}

/** Return a place that shows how one of this kind is written. */
export function exampleOf(kind: Kind): string {
    const examples: Record<Kind, string> = {
        maildir: "~/Maildir",
        lmtp: "unix:/run/dovecot/lmtp",
        command: "/usr/libexec/dovecot/dovecot-lda -e -d {account}",
    };
    return examples[kind];
}

export function kindWord(kind: Kind): string {
    const _ = cockpit.gettext;
    const words: Record<Kind, string> = {
        maildir: _("Maildir folder"),
        lmtp: _("Mail server, by LMTP"),
        command: _("Program"),
    };
    return words[kind];
}

/** Return what a destination is, in a few words. */
export function destinationWords(text: string): string {
    const _ = cockpit.gettext;
    const { kind, place } = parseDestination(text);
    const socket = place.replace(/^unix:/, "");
    const words: Record<Kind, string> = {
        maildir: _("Maildir $0"),
        lmtp: socket === place ? _("LMTP at $0") : _("LMTP through the socket $0"),
        command: _("Program $0"),
    };
    return kind ? cockpit.format(words[kind], isolate(socket)) : text;
}
