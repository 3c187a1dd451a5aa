// SPDX-License-Identifier: LGPL-2.1-or-later
/** What is typed to look for messages. */

/** What search criteria begin with (RFC 3501, section 6.4.4; RFC 5032; Gmail). */
const KEYS = new Set(
    (
        "ALL ANSWERED BCC BEFORE BODY CC DELETED DRAFT FLAGGED FROM HEADER KEYWORD LARGER NEW NOT OLD ON OR RECENT SEEN " +
        "OLDER SENTBEFORE SENTON SENTSINCE SINCE SMALLER SUBJECT TEXT TO UID UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNKEYWORD " +
        "UNSEEN X-GM-LABELS X-GM-RAW YOUNGER"
    ).split(" "),
);

/** Return criteria for what is typed: words that are none are looked for in the messages. undefined: nothing is looked for. */
export function criteriaOf(typed: string): string | undefined {
    const text = typed.trim();
    if (!text) return undefined;
    const [first = ""] = text.split(/[\s(]/);
    if (text.startsWith("(") || KEYS.has(first.toUpperCase())) return text;
    return `TEXT "${text.replace(/["\\]/g, "\\$&")}"`;
}
