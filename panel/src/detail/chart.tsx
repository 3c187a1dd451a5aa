// SPDX-License-Identifier: LGPL-2.1-or-later
/** Messages per day, and on which days runs failed. */
import cockpit from "cockpit";
import { useEffect, useRef, useState } from "react";
import { bars } from "../bars";
import { formatShortDay, formatShortNumber } from "../format";
import { chartWords, dayWords, labelled, ticks, type Day } from "./runs";

const HEIGHT = 200;
/** What is left free around the bars: for marks above, days below, numbers before. */
const ABOVE = 18;
const BELOW = 24;
const BEFORE = 44;
const AFTER = 16;
const DAY_WIDTH = 64;
/** Half the width of a mark. */
const MARK = 5;

export function Chart({ days }: { days: Day[] }) {
    const _ = cockpit.gettext;
    const [place, width] = useWidth();
    return (
        <figure className="getmail-chart" ref={place}>
            {width > 0 && <Drawing days={days} width={width} />}
            <figcaption>
                <svg width={2 * MARK} height={2 * MARK} aria-hidden="true">
                    <rect className="getmail-chart-bar" width={2 * MARK} height={2 * MARK} />
                </svg>
                {_("Messages")}
                <svg width={2 * MARK} height={2 * MARK} aria-hidden="true">
                    <Mark x={MARK} y={2 * MARK} />
                </svg>
                {_("Runs failed")}
            </figcaption>
        </figure>
    );
}

function Drawing({ days, width }: { days: Day[]; width: number }) {
    const values = days.map(({ messages }) => messages);
    const scale = ticks(Math.max(0, ...values));
    const most = scale.at(-1) ?? 1;
    const field = { width: width - BEFORE - AFTER, height: HEIGHT - ABOVE - BELOW };
    const placed = bars(values, field.width, field.height, most);
    const slot = field.width / Math.max(days.length, 1);
    return (
        <svg width={width} height={HEIGHT} role="img" aria-label={chartWords(days)}>
            {scale.map((value) => {
                const y = ABOVE + field.height * (1 - value / most);
                return (
                    <g key={value}>
                        <line className="getmail-chart-line" x1={BEFORE} x2={width - AFTER} y1={y} y2={y} />
                        <text x={BEFORE - 8} y={y} dy="0.32em" textAnchor="end">
                            {formatShortNumber(value)}
                        </text>
                    </g>
                );
            })}
            {labelled(days.length, field.width, DAY_WIDTH).map((index) => (
                <text key={index} x={BEFORE + (index + 0.5) * slot} y={HEIGHT - 6} textAnchor="middle">
                    {formatShortDay(days[index]?.day ?? "")}
                </text>
            ))}
            {days.map((day, index) => {
                const bar = placed[index];
                if (!bar) return null;
                return (
                    <g key={day.day} className="getmail-chart-day" transform={`translate(${BEFORE} ${ABOVE})`}>
                        <title>{dayWords(day)}</title>
                        <rect x={index * slot} y={-ABOVE} width={slot} height={field.height + ABOVE} />
                        <rect className="getmail-chart-bar" {...bar} />
                        {day.failed > 0 && <Mark x={(index + 0.5) * slot} y={bar.y - 3} />}
                    </g>
                );
            })}
        </svg>
    );
}

/** A triangle that stands on a point. */
function Mark({ x, y }: { x: number; y: number }) {
    const points = `${x - MARK},${y} ${x + MARK},${y} ${x},${y - 2 * MARK}`;
    return <polygon className="getmail-chart-mark" points={points} />;
}

function useWidth() {
    const place = useRef<HTMLElement>(null);
    const [width, setWidth] = useState(0);
    useEffect(() => {
        const element = place.current;
        if (!element) return undefined;
        const observer = new ResizeObserver(() => setWidth(element.clientWidth));
        observer.observe(element);
        return () => observer.disconnect();
    }, []);
    return [place, width] as const;
}
