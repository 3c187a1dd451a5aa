// SPDX-License-Identifier: LGPL-2.1-or-later
/** What past runs come to by day, and how that is drawn. */
import cockpit from "cockpit";
import type { Run, TaskState, Unfetched } from "../api";
import { formatDay, formatNumber, lastDays, localDay } from "../format";
import type { Colour } from "../words";

export interface Day {
    day: string;
    messages: number;
    runs: number;
    failed: number;
}

/**
 * Return the last `count` days up to today, the oldest first. If there are `limit` runs, then not all were told, and
 * days that may lack some are left out.
 */
export function sumUp(runs: Run[], count: number, now: number, limit: number): Day[] {
    const days = new Map(lastDays(count, now).map((day) => [day, { day, messages: 0, runs: 0, failed: 0 }]));
    for (const run of runs) {
        const found = days.get(localDay(run.start));
        if (!found) continue;
        found.messages += run.messages;
        found.runs += 1;
        found.failed += run.result === "failed" ? 1 : 0;
    }
    const oldest = runs.at(-1);
    if (runs.length < limit || !oldest) return [...days.values()];
    const cut = localDay(oldest.start);
    return [...days.values()].filter(({ day }, index, all) => day > cut || index === all.length - 1);
}

/** Return round values for an axis from 0 up to at least `largest`: 3 to 6 of them, whole ones. */
export function ticks(largest: number): number[] {
    const most = Math.max(largest, 2);
    const power = 10 ** Math.floor(Math.log10(most / 2));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => most / size <= 5) ?? most;
    return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** Return which of `count` things in a row of this width are named if a name takes so much: the last one is. */
export function labelled(count: number, width: number, name: number): number[] {
    const every = Math.max(1, Math.ceil((name * count) / Math.max(width, 1)));
    return Array.from({ length: count }, (_, index) => index).filter((index) => (count - 1 - index) % every === 0);
}

export function dayWords({ day, messages, failed }: Day): string {
    const _ = cockpit.gettext;
    const { format, ngettext } = cockpit;
    const mail = format(ngettext("$0 message", "$0 messages", messages), formatNumber(messages));
    if (!failed) return format(_("$0: $1"), formatDay(day), mail);
    const bad = format(ngettext("$0 run failed", "$0 runs failed", failed), formatNumber(failed));
    return format(_("$0: $1, $2"), formatDay(day), mail, bad);
}

/** Return what the chart shows, for who does not see it. */
export function chartWords(days: Day[]): string {
    const _ = cockpit.gettext;
    const { format, ngettext } = cockpit;
    const total = days.reduce((sum, { messages }) => sum + messages, 0);
    const bad = days.filter(({ failed }) => failed);
    const sentences = [
        format(ngettext("Messages of the last $0 day.", "Messages of the last $0 days.", days.length), days.length),
        format(ngettext("$0 message in all.", "$0 messages in all.", total), formatNumber(total)),
    ];
    if (total) {
        const best = days.reduce((most, day) => (day.messages > most.messages ? day : most));
        sentences.push(format(_("Most on $0: $1."), formatDay(best.day), formatNumber(best.messages)));
    }
    sentences.push(
        bad.length
            ? format(ngettext("Runs failed on $0 day.", "Runs failed on $0 days.", bad.length), bad.length)
            : _("No run failed."),
    );
    return sentences.join(" ");
}

export function resultWord({ result, end }: Run): string {
    const _ = cockpit.gettext;
    if (result !== "running" && end === null) return _("Cut off");
    const words: Record<TaskState, string> = {
        running: _("Running"),
        succeeded: _("Succeeded"),
        failed: _("Failed"),
        cancelled: _("Stopped"),
    };
    return words[result];
}

/** Return what a run did not fetch, a sentence each. */
export function unfetchedWords({ baselined, left, passedOver }: Unfetched): string[] {
    const { format, ngettext } = cockpit;
    const told: [number, string][] = [
        [baselined, ngettext("$0 message was marked as fetched.", "$0 messages were marked as fetched.", baselined)],
        [left, ngettext("$0 message is left for later runs.", "$0 messages are left for later runs.", left)],
        [passedOver, ngettext("$0 message was passed over.", "$0 messages were passed over.", passedOver)],
    ];
    return told.filter(([count]) => count > 0).map(([count, text]) => format(text, formatNumber(count)));
}

export const RESULT_COLOUR: Record<TaskState, Colour> = {
    running: "blue",
    succeeded: "green",
    failed: "red",
    cancelled: "grey",
};
