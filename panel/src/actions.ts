// SPDX-License-Identifier: LGPL-2.1-or-later
/** Doing one thing to some connectors. */
import cockpit from "cockpit";
import * as api from "./api";
import { formatNumber } from "./format";
import { problemWords } from "./words";

export type Action = "run" | "cancel" | "enable" | "disable" | "reset" | "remove";

export interface Failure {
    name: string;
    problem: unknown;
}

/** So many helpers work at once: each is a process of its own. */
const AT_ONCE = 4;

/**
 * Do it to each connector, in this order; return for which it did not work. `done` is told how many are. What is not
 * begun when it is no longer wanted is left.
 */
export async function act(
    action: Action,
    names: string[],
    done?: (count: number) => void,
    isWanted = () => true,
): Promise<Failure[]> {
    const waiting = [...names];
    const failures: Failure[] = [];
    let count = 0;
    const work = async () => {
        while (isWanted()) {
            const name = waiting.shift();
            if (name === undefined) break;
            await api[action](name).catch((problem: unknown) => failures.push({ name, problem }));
            done?.(++count);
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return failures;
}

/** Return what did not work, a sentence a connector; the rest is counted. */
export function failureWords(failures: Failure[]): string {
    const shown = failures.slice(0, 3).map(({ name, problem }) => `${name}: ${problemWords(problem)}`);
    const more = failures.length - shown.length;
    if (more) shown.push(cockpit.format(cockpit.ngettext("$0 more.", "$0 more.", more), formatNumber(more)));
    return shown.join(" ");
}

/** Return the title of what is told when it did not work for one, or for some of many. */
export function failedWords(action: Action): string {
    const _ = cockpit.gettext;
    const words: Record<Action, string> = {
        run: _("Starting failed"),
        cancel: _("Stopping failed"),
        enable: _("Enabling failed"),
        disable: _("Disabling failed"),
        reset: _("Resetting failed"),
        remove: _("Removing failed"),
    };
    return words[action];
}

/** Return what is being done, as far as it is. */
export function doingWords(action: Action, done: number, total: number): string {
    const _ = cockpit.gettext;
    const words: Record<Action, string> = {
        run: _("Starting: $0 of $1"),
        cancel: _("Stopping: $0 of $1"),
        enable: _("Enabling: $0 of $1"),
        disable: _("Disabling: $0 of $1"),
        reset: _("Resetting: $0 of $1"),
        remove: _("Removing: $0 of $1"),
    };
    return cockpit.format(words[action], formatNumber(done), formatNumber(total));
}

/** Return what was done to so many connectors. */
export function doneWords(action: Action, count: number): string {
    const { ngettext } = cockpit;
    const words: Record<Action, string> = {
        run: ngettext("$0 connector started", "$0 connectors started", count),
        cancel: ngettext("$0 connector stopped", "$0 connectors stopped", count),
        enable: ngettext("$0 connector enabled", "$0 connectors enabled", count),
        disable: ngettext("$0 connector disabled", "$0 connectors disabled", count),
        reset: ngettext("$0 connector reset", "$0 connectors reset", count),
        remove: ngettext("$0 connector removed", "$0 connectors removed", count),
    };
    return cockpit.format(words[action], formatNumber(count));
}
