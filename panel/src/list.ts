// SPDX-License-Identifier: LGPL-2.1-or-later
/** The connectors as they are now, asked again and again while somebody looks. */
import { useCallback, useEffect, useRef, useState } from "react";
import * as api from "./api";
import { usePoll } from "./ask";
import { flatten } from "./connectors";

export interface Listed {
    connectors: api.Connector[];
    broken: api.Broken[];
    today: string | undefined;
}

export interface List {
    /** undefined until the first answer. */
    listed: Listed | undefined;
    /** Why the last question was not answered; what was known before still stands. */
    problem: unknown;
    /** Ask now. */
    refresh: () => Promise<void>;
}

const WHILE_RUNNING = 2000;
const OTHERWISE = 15000;

/** `early` is the answer to a question that was asked already. */
export function useList(early?: Promise<api.ListAnswer>): List {
    const [listed, setListed] = useState<Listed>();
    const [problem, setProblem] = useState<unknown>();
    const last = useRef(0);
    const asked = useRef(early);

    const refresh = useCallback(async () => {
        // A later question's answer is newer, whichever comes first.
        const mine = ++last.current;
        const answer = asked.current ?? api.list();
        asked.current = undefined;
        try {
            const { connectors, broken = [], today } = await answer;
            if (mine !== last.current) return;
            setListed({ connectors: flatten(connectors), broken, today });
            setProblem(undefined);
        } catch (met) {
            if (mine === last.current) setProblem(met);
        }
    }, []);

    const pause = listed?.connectors.some(({ running }) => running) ? WHILE_RUNNING : OTHERWISE;
    usePoll(refresh, pause, true);
    return { listed, problem, refresh };
}

/** Return the seconds since 1970, told anew every few seconds. */
export function useNow(): number {
    const [now, setNow] = useState(() => Date.now() / 1000);
    useEffect(() => {
        const timer = window.setInterval(() => setNow(Date.now() / 1000), 5000);
        return () => window.clearInterval(timer);
    }, []);
    return now;
}
