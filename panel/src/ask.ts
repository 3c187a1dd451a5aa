// SPDX-License-Identifier: LGPL-2.1-or-later
/** Asking helpers while somebody looks. */
import cockpit from "cockpit";
import { useCallback, useEffect, useRef, useState } from "react";

export interface Answered<Answer> {
    /** undefined until the first one; it still stands when a later question is not answered. */
    answer: Answer | undefined;
    /** Why the last question was not answered. */
    problem: unknown;
    /** Ask again, now. */
    again: () => Promise<void>;
}

/** Ask at once, and again whenever `key` is another. */
export function useAnswer<Answer>(ask: () => Promise<Answer>, key: unknown): Answered<Answer> {
    const [answer, setAnswer] = useState<Answer>();
    const [problem, setProblem] = useState<unknown>();
    const last = useRef(0);
    const asked = useRef(ask);
    useEffect(() => {
        asked.current = ask;
    });

    const again = useCallback(async () => {
        // A later question's answer is newer, whichever comes first.
        const mine = ++last.current;
        try {
            const found = await asked.current();
            if (mine !== last.current) return;
            setAnswer(found);
            setProblem(undefined);
        } catch (met) {
            if (mine === last.current) setProblem(met);
        }
    }, []);

    useEffect(() => {
        const count = last;
        void again();
        return () => {
            count.current++;
        };
    }, [again, key]);
    return { answer, problem, again };
}

/** Do something at once and then again so long after each time, unless nobody sees the page; not at all if not `active`. */
export function usePoll(action: () => Promise<void>, milliseconds: number, active: boolean): void {
    const latest = useRef(action);
    const begun = useRef(false);
    useEffect(() => {
        latest.current = action;
    });
    useEffect(() => {
        // Another pace is no reason to do it at once.
        const isNew = !begun.current;
        begun.current = active;
        if (!active) return undefined;
        let timer = 0;
        let over = false;
        let busy = false;
        const go = async () => {
            if (busy) return;
            busy = true;
            window.clearTimeout(timer);
            if (!cockpit.hidden) await latest.current();
            busy = false;
            if (!over) timer = window.setTimeout(() => void go(), milliseconds);
        };
        const shown = () => {
            if (!cockpit.hidden) void go();
        };
        if (isNew) void go();
        else timer = window.setTimeout(() => void go(), milliseconds);
        cockpit.addEventListener("visibilitychange", shown);
        return () => {
            over = true;
            window.clearTimeout(timer);
            cockpit.removeEventListener("visibilitychange", shown);
        };
    }, [milliseconds, active]);
}
