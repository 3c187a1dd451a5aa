// SPDX-License-Identifier: LGPL-2.1-or-later
/** What of the connectors is looked at, and how it is ordered. */
import { useCallback, useEffect, useState } from "react";
import type { Order, Shown } from "../connectors";

export interface View {
    text: string;
    /** undefined: all. */
    shown: Shown | undefined;
    order: Order;
    descending: boolean;
    /** From 1. */
    page: number;
    /** Rows on a page. */
    size: number;
}

/** What is not said stays as it is, but for the page: another view begins with its first. */
export type Change = (part: Partial<View>) => void;

const START: View = { text: "", shown: undefined, order: "name", descending: false, page: 1, size: 25 };

/** Who comes back from a connector's page finds the list as it was left. */
let kept = START;

export function useView(): [View, Change] {
    const [view, setView] = useState(kept);
    useEffect(() => {
        kept = view;
    }, [view]);
    const change = useCallback<Change>((part) => setView((before) => ({ ...before, page: 1, ...part })), []);
    return [view, change];
}
