// SPDX-License-Identifier: LGPL-2.1-or-later
/** Doing something to one or many connectors, and telling how it goes. */
import { useCallback, useState } from "react";
import { act, doneWords, failedWords, failureWords, type Action } from "../actions";
import { useAlerts } from "../alerts";

/** What is being done to many. */
export interface Doing {
    action: Action;
    done: number;
    total: number;
}

export type Start = (action: Action, names: string[]) => Promise<void>;

/** One connector's row shows what was done to it; what was done to many is told. */
export function useActing(refresh: () => Promise<void>): [Doing | undefined, Start] {
    const tell = useAlerts();
    const [doing, setDoing] = useState<Doing>();
    const start = useCallback<Start>(
        async (action, names) => {
            const total = names.length;
            const isMany = total > 1;
            if (isMany) setDoing({ action, done: 0, total });
            const failures = await act(action, names, (done) => isMany && setDoing({ action, done, total }));
            if (isMany) setDoing(undefined);
            if (failures.length) tell("danger", failedWords(action), failureWords(failures));
            else if (isMany) tell("success", doneWords(action, total));
            await refresh();
        },
        [tell, refresh],
    );
    return [doing, start];
}
