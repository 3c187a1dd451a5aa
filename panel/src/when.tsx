// SPDX-License-Identifier: LGPL-2.1-or-later
/** A time as far as it is from now. */
import cockpit from "cockpit";
import { createContext, useContext } from "react";
import { formatRelative, formatTime } from "./format";

/** Seconds since 1970: what shows a time follows it, and not the whole row that it stands in. */
export const Now = createContext(0);

export interface WhenProps {
    at: number | null;
    /** What to say if there is no such time. */
    never: string;
    /** For a time to come. */
    isNext?: boolean;
    /** Whether the time itself is shown too. */
    isExact?: boolean;
}

export function When({ at, never, isNext = false, isExact = false }: WhenProps) {
    const _ = cockpit.gettext;
    const now = useContext(Now);
    if (at === null) return <span className="getmail-quiet">{never}</span>;
    if (isNext && at < now + 1) return <>{_("Due now")}</>;
    return (
        <time dateTime={new Date(at * 1000).toISOString()} {...(!isExact && { title: formatTime(at) })}>
            {/* The clock here is told now and then only: what is over was not in some seconds. */}
            {formatRelative(at, isNext ? now : Math.max(now, at))}
            {isExact && (
                <>
                    <br />
                    <small>{formatTime(at)}</small>
                </>
            )}
        </time>
    );
}
