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
    /** Of what could not be converted, and stays as it is, the first: a sentence each. */
    sentences: string[];
    /** Of how many connectors. */
    count: number;
}

/** Convert all as long as it is wanted; `done` is told how many are. Never rejects. */
export async function convert(
    action: Conversion,
    done: (secrets: number) => void,
    isWanted: () => boolean,
): Promise<Failed & { secrets: number }> {
    const met: Failed & { secrets: number } = { secrets: 0, problem: undefined, sentences: [], count: 0 };
    let after: string | undefined;
    do {
        try {
            const answer = await api[action](after);
            met.secrets += answer.secrets;
            met.sentences.push(...(answer.failed ?? []).map(({ name, message }) => `${name}: ${message}`));
            met.count += answer.failed_count ?? 0;
            after = answer.after;
            done(met.secrets);
        } catch (problem) {
            return { ...met, problem };
        }
    } while (after !== undefined && isWanted());
    return met;
}

/** So many are told one by one. */
const TOLD = 3;

/** Return why not all were converted. */
export function reasonWords({ problem, sentences, count }: Failed): string {
    const shown = sentences.slice(0, TOLD);
    const more = count - shown.length;
    if (more > 0) shown.push(cockpit.format(cockpit.ngettext("$0 more.", "$0 more.", more), formatNumber(more)));
    if (problem !== undefined) shown.push(problemWords(problem));
    return shown.join(" ");
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
