// SPDX-License-Identifier: LGPL-2.1-or-later
/** Lines of the journal as they come in. */
import cockpit from "cockpit";
import type { LogLine } from "../api";
import { localDay } from "../format";

/** So many lines are kept. */
export const KEPT = 2000;

export interface Line extends LogLine {
    /** Grows from line to line. */
    key: number;
}

export interface Log {
    lines: Line[];
    /** Where to go on from; undefined if that is not told. */
    cursor?: string | undefined;
}

/** Add what came after the lines before, or take it in their place if it is not known to come after. */
export function append(before: Log, answer: { lines: LogLine[]; cursor?: string; restarted?: true }): Log {
    const next = (before.lines.at(-1)?.key ?? -1) + 1;
    const isNewer = before.cursor !== undefined && !answer.restarted;
    if (!isNewer && isSame(before.lines, answer.lines)) return { ...before, cursor: answer.cursor };
    if (isNewer && !answer.lines.length) return { ...before, cursor: answer.cursor ?? before.cursor };
    const added = answer.lines.map((line, index) => ({ ...line, key: next + index }));
    return {
        lines: (isNewer ? [...before.lines, ...added] : added).slice(-KEPT),
        cursor: answer.cursor ?? before.cursor,
    };
}

function isSame(before: Line[], after: LogLine[]): boolean {
    return (
        before.length === after.length &&
        before.every(({ time, message }, index) => time === after[index]?.time && message === after[index].message)
    );
}

/** Return lines by day, in their order. */
export function groupByDay(lines: Line[]): { day: string; lines: Line[] }[] {
    const groups: { day: string; lines: Line[] }[] = [];
    for (const line of lines) {
        const day = localDay(line.time);
        const last = groups.at(-1);
        if (last?.day === day) last.lines.push(line);
        else groups.push({ day, lines: [line] });
    }
    return groups;
}

export type Weight = "error" | "warning" | "plain";

export function weigh(priority: number): Weight {
    if (priority <= 3) return "error";
    return priority === 4 ? "warning" : "plain";
}

/** Return what a line is marked with; "" for what is nothing to worry about. */
export function weightWord(weight: Weight): string {
    const _ = cockpit.gettext;
    const words: Record<Weight, string> = { error: _("Error"), warning: _("Warning"), plain: "" };
    return words[weight];
}
