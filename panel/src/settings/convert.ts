// SPDX-License-Identifier: LGPL-2.1-or-later
/** Converting all stored passwords and tokens, some at a time, and telling what became of them. */
import cockpit from "cockpit";
import * as api from "../api";
import { formatNumber } from "../format";
import { problemWords } from "../words";

export type Conversion = "seal" | "unseal";

export interface Failed {
    /** Why it went no further. */
    problem: unknown;
    /** Connectors of which something could not be converted, and stays as it is, by the reason. */
    refused: Map<string, string[]>;
}

/** Convert all as long as it is wanted; `done` is told how many are. Never rejects. */
export async function convert(
    action: Conversion,
    done: (secrets: number) => void,
    isWanted: () => boolean,
): Promise<Failed & { secrets: number }> {
    const met: Failed & { secrets: number } = { secrets: 0, problem: undefined, refused: new Map() };
    let after: string | undefined;
    do {
        try {
            const answer = await api[action](after);
            met.secrets += answer.secrets;
            for (const { name, message } of answer.failed ?? [])
                met.refused.set(message, [...(met.refused.get(message) ?? []), name]);
            after = answer.after;
            done(met.secrets);
        } catch (problem) {
            return { ...met, problem };
        }
    } while (after !== undefined && isWanted());
    return met;
}

/** So many connectors are named for a reason. */
const NAMED = 5;

/** Return why not all were converted, a sentence each. */
export function reasonWords({ problem, refused }: Failed): string[] {
    const sentences = [...refused].map(([message, names]) => `${nameWords(names)}: ${message}`);
    return problem === undefined ? sentences : [...sentences, problemWords(problem)];
}

function nameWords(names: string[]): string {
    const more = names.length - NAMED;
    // One more takes no more room than to say so.
    if (more <= 1) return names.join(", ");
    const text = cockpit.ngettext("$0 and $1 more", "$0 and $1 more", more);
    return cockpit.format(text, names.slice(0, NAMED).join(", "), formatNumber(more));
}

export function failedWords(action: Conversion): string {
    const _ = cockpit.gettext;
    return action === "seal" ? _("Not all were sealed") : _("Not all were unsealed");
}

export function doneWords(action: Conversion, count: number): string {
    const { format, ngettext } = cockpit;
    const text =
        action === "seal"
            ? ngettext("$0 password or token was sealed", "$0 passwords and tokens were sealed", count)
            : ngettext("$0 password or token was unsealed", "$0 passwords and tokens were unsealed", count);
    return format(text, formatNumber(count));
}
