// SPDX-License-Identifier: LGPL-2.1-or-later
/** Following one run or verification to its end. */
import cockpit from "cockpit";
import { useState } from "react";
import * as api from "../api";
import type { Progress } from "../api";
import { formatNumber } from "../format";
import { causeWords } from "../words";
import { usePoll } from "../ask";
import { unfetchedWords } from "./runs";

const PAUSE = 1000;

export interface Task {
    /** undefined until the first answer. */
    progress: Progress | undefined;
    /** Why it cannot be told how far it is; it is asked again. */
    problem: unknown;
}

/**
 * Ask how far the task with a token is until it has ended, which `ended` is told once; `failed` is told each time that
 * there is no answer to that.
 */
export function useTask(
    token: string | undefined,
    ended?: (progress: Progress) => void,
    failed?: () => void,
    pause = PAUSE,
): Task {
    const [told, setTold] = useState<Task & { token?: string }>({ progress: undefined, problem: undefined });
    const mine = told.token === token ? told : { progress: undefined, problem: undefined };
    const isOver = mine.progress !== undefined && mine.progress.statusCode !== "running";

    usePoll(
        async () => {
            if (token === undefined) return;
            try {
                const progress = await api.progress(token, mine.progress?.statusVersion);
                setTold({ token, progress, problem: undefined });
                if (progress.statusCode !== "running") ended?.(progress);
            } catch (problem) {
                setTold({ token, progress: mine.progress, problem });
                failed?.();
            }
        },
        pause,
        token !== undefined && !isOver,
    );
    return mine;
}

/** Return how a run ended: a title, and what more there is to say. */
export function outcome({ statusCode, result, error }: Progress): [title: string, text: string] {
    const _ = cockpit.gettext;
    if (error) return [causeWords(error.cause) || _("The run failed"), error.message];
    if (statusCode === "cancelled") return [_("The run was stopped"), ""];
    const run = result && "messages" in result ? result : undefined;
    const rest = run ? unfetchedWords(run).join(" ") : "";
    if (run?.baselined) return [_("What is there counts as fetched"), rest];
    const count = run?.messages ?? 0;
    if (!count) return [_("There was no new mail"), rest];
    return [
        cockpit.format(cockpit.ngettext("$0 message was fetched", "$0 messages were fetched", count), formatNumber(count)),
        rest,
    ];
}
