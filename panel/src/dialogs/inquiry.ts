// SPDX-License-Identifier: LGPL-2.1-or-later
/** Asking a server about what is in the form, while that may change. */
import { useRef, useState } from "react";
import { Problem } from "../helpers";

export type Outcome<Found> = { is: "busy" } | { is: "works"; found: Found } | { is: "fails"; problem: unknown };

export interface Inquiry<Found> {
    outcome: Outcome<Found> | undefined;
    begin: (ask: () => Promise<Found>) => void;
    /** What was found is not of what the form holds now. */
    forget: () => void;
}

/** `refused` is told of faults of the form, which are shown at their fields. */
export function useInquiry<Found>(refused: (problem: unknown) => void): Inquiry<Found> {
    const [outcome, setOutcome] = useState<Outcome<Found>>();
    const last = useRef(0);
    const begin = (ask: () => Promise<Found>) => {
        const mine = ++last.current;
        setOutcome({ is: "busy" });
        ask().then(
            (found) => mine === last.current && setOutcome({ is: "works", found }),
            (problem: unknown) => {
                if (mine !== last.current) return;
                const isOfForm = problem instanceof Problem && problem.faults.length > 0;
                setOutcome(isOfForm ? undefined : { is: "fails", problem });
                if (isOfForm) refused(problem);
            },
        );
    };
    const forget = () => {
        last.current++;
        setOutcome(undefined);
    };
    return { outcome, begin, forget };
}

/** As useInquiry; what was found about other props than these is forgotten. */
export function useInquiryOf<Found>(props: object, refused: (problem: unknown) => void): Inquiry<Found> {
    const { outcome, begin, forget } = useInquiry<Found>(refused);
    const [asked, setAsked] = useState("");
    const key = JSON.stringify(props);
    return {
        outcome: asked === key ? outcome : undefined,
        begin: (ask) => {
            setAsked(key);
            begin(ask);
        },
        forget,
    };
}
