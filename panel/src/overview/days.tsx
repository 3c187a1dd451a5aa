// SPDX-License-Identifier: LGPL-2.1-or-later
/** A small chart of messages per day. */
import cockpit from "cockpit";
import { bars } from "../bars";
import type { Day } from "../connectors";
import { formatDay, formatNumber } from "../format";

const WIDTH = 112;
const HEIGHT = 24;

export function DaysChart({ days }: { days: Day[] }) {
    return (
        <svg className="getmail-days" role="img" aria-label={daysWords(days)} viewBox={`0 0 ${WIDTH} ${HEIGHT + 1}`}>
            <title>{daysWords(days)}</title>
            {bars(
                days.map(({ messages }) => messages),
                WIDTH,
                HEIGHT,
            ).map((bar, index) => (
                <rect key={days[index]?.day} {...bar} />
            ))}
            <line x1={0} y1={HEIGHT + 0.5} x2={WIDTH} y2={HEIGHT + 0.5} />
        </svg>
    );
}

function daysWords(days: Day[]): string {
    const { ngettext } = cockpit;
    const total = days.reduce((sum, { messages }) => sum + messages, 0);
    const [most] = [...days].sort((a, b) => b.messages - a.messages);
    if (!total || !most)
        return cockpit.format(ngettext("No message in $0 day", "No message in $0 days", days.length), days.length);
    return cockpit.format(
        ngettext("$0 message in $1 days, most on $2: $3", "$0 messages in $1 days, most on $2: $3", total),
        formatNumber(total),
        days.length,
        formatDay(most.day),
        formatNumber(most.messages),
    );
}
