// SPDX-License-Identifier: LGPL-2.1-or-later
/** What there is to know of many connectors at once. Nothing here asks or shows. */
import type { Connector, Days, Status } from "./api";

export type Order = "name" | "status" | "last_run" | "next_run" | "messages";

/** What one may ask for: a status, or what a summary counts. */
export type Shown = Status | "running" | "failing";

export interface Group {
    account: string;
    connectors: Connector[];
}

export interface Summary {
    running: number;
    failing: number;
    paused: number;
    today: number;
}

/** From what is wrong to what is well. */
export const SEVERITY: readonly Status[] = [
    "INVALID_CREDENTIALS",
    "TEMP_DISABLED",
    "CONNECTION_IMPOSSIBLE",
    "NO_ACCESS_TO_ALL_MAIL",
    "NEVER_RUN",
    "OK",
    "DISABLED",
];
const WORKING = new Set<Status>(["OK", "NEVER_RUN", "DISABLED"]);

export function flatten(groups: Record<string, Connector[]>): Connector[] {
    return Object.values(groups).flat();
}

export function isFailing(connector: Connector): boolean {
    return !WORKING.has(connector.status);
}

/** Return what a connector is called: its label, if it has one. */
export function titleOf(connector: Connector): string {
    const label = connector.props.Label?.trim();
    return label === "" ? connector.name : (label ?? connector.name);
}

function isShown(connector: Connector, shown: Shown | undefined): boolean {
    if (shown === undefined) return true;
    if (shown === "running") return connector.running;
    return shown === "failing" ? isFailing(connector) : connector.status === shown;
}

/** Return those that every word of `text` is found in, and that are to be shown. */
export function filter(connectors: Connector[], text: string, shown?: Shown): Connector[] {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return connectors.filter((connector) => {
        if (!isShown(connector, shown)) return false;
        if (!words.length) return true;
        const searched = searchedText(connector);
        return words.every((word) => searched.includes(word));
    });
}

function searchedText({ name, props }: Connector): string {
    return [name, props.Account, props.Server, props.Username, props.Label].join("\n").toLowerCase();
}

export function sort(connectors: Connector[], order: Order, descending: boolean): Connector[] {
    const compare = COMPARE[order];
    const sorted = [...connectors].sort((a, b) => compare(a, b) || COMPARE.name(a, b));
    return descending ? sorted.reverse() : sorted;
}

const words = new Intl.Collator(undefined, { numeric: true });
/** null is never, and so before everything. */
const times = (a: number | null, b: number | null) => (a ?? 0) - (b ?? 0);
const COMPARE: Record<Order, (a: Connector, b: Connector) => number> = {
    name: (a, b) =>
        words.compare(accountOf(a), accountOf(b)) ||
        words.compare(titleOf(a), titleOf(b)) ||
        words.compare(a.name, b.name),
    status: (a, b) => SEVERITY.indexOf(a.status) - SEVERITY.indexOf(b.status),
    last_run: (a, b) => times(a.last_run, b.last_run),
    next_run: (a, b) => times(a.next_run, b.next_run),
    messages: (a, b) => recent(a) - recent(b),
};

/** Return how many messages came within the days that are told. */
export function recent({ days = {} }: Connector): number {
    return Object.values(days).reduce((sum, messages) => sum + messages, 0);
}

/** Return the local account that gets the mail: up to its first @, as list groups them. */
export function accountOf(connector: Connector): string {
    return (connector.props.Account ?? "").split("@", 1)[0] ?? "";
}

/** Group by account, in the order in which the accounts come. */
export function group(connectors: Connector[]): Group[] {
    const groups = new Map<string, Connector[]>();
    for (const connector of connectors) {
        const account = accountOf(connector);
        const known = groups.get(account);
        if (known) known.push(connector);
        else groups.set(account, [connector]);
    }
    return [...groups].map(([account, members]) => ({ account, connectors: members }));
}

export interface Page {
    /** From 1. */
    page: number;
    groups: Group[];
}

/** Return the page of so many connectors that there is: the last one, if this one is beyond it. */
export function paginate(groups: Group[], page: number, size: number): Page {
    const all = groups.flatMap(({ connectors }) => connectors);
    const there = Math.max(1, Math.min(page, Math.ceil(all.length / size)));
    return { page: there, groups: group(all.slice((there - 1) * size, there * size)) };
}

/** Return what there is of each kind; `today` as YYYY-MM-DD. */
export function summarize(connectors: Connector[], today: string): Summary {
    const { running, failing, DISABLED: paused } = count(connectors);
    return { running, failing, paused, today: connectors.reduce((sum, { days }) => sum + (days?.[today] ?? 0), 0) };
}

/** Return how many there are of each that one may ask for. */
export function count(connectors: Connector[]): Record<Shown, number> {
    const counts = Object.fromEntries(SEVERITY.map((status) => [status, 0])) as Record<Shown, number>;
    for (const { status } of connectors) counts[status]++;
    return {
        ...counts,
        running: connectors.filter(({ running }) => running).length,
        failing: connectors.filter(isFailing).length,
    };
}

export interface Day {
    day: string;
    messages: number;
}

/** Return each of these days, those without mail too. */
export function daily(messages: Days | undefined, days: string[]): Day[] {
    return days.map((day) => ({ day, messages: messages?.[day] ?? 0 }));
}

/** Whether two answers tell the same of a connector, so that its row may stay as it is. */
export function isSame(a: Connector, b: Connector): boolean {
    return a === b || JSON.stringify(a) === JSON.stringify(b);
}
