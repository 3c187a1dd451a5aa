// SPDX-License-Identifier: LGPL-2.1-or-later
/** Doing one thing to some connectors. */
import cockpit from "cockpit";
import * as api from "./api";
import { problemWords } from "./words";

export type Action = "run" | "cancel" | "enable" | "disable" | "reset" | "remove";

export interface Failure {
    name: string;
    problem: unknown;
}

/** So many helpers work at once: each is a process of its own. */
const AT_ONCE = 4;

/** Do it to each connector; return for which it did not work. `done` is told how many are. */
export async function act(action: Action, names: string[], done?: (count: number) => void): Promise<Failure[]> {
    const waiting = [...names];
    const failures: Failure[] = [];
    let count = 0;
    const work = async () => {
        for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
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
    if (more) shown.push(cockpit.format(cockpit.ngettext("$0 more.", "$0 more.", more), more));
    return shown.join(" ");
}

/** Return what was asked for, for the title of what is told when it did not work. */
export function failedWords(action: Action): string {
    const _ = cockpit.gettext;
    const words: Record<Action, string> = {
        run: _("Not all could be started"),
        cancel: _("Not all could be stopped"),
        enable: _("Not all could be enabled"),
        disable: _("Not all could be disabled"),
        reset: _("Not all could be reset"),
        remove: _("Not all could be removed"),
    };
    return words[action];
}
