// SPDX-License-Identifier: LGPL-2.1-or-later
/** What there is to know of many connectors at once. Nothing here asks or shows. */
import type { Connector, Status } from "./api";
import { localDay } from "./format";

export type Order = "name" | "status" | "last_run" | "next_run" | "messages";

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
const SEVERITY: Status[] = [
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

/** Return those that every word of `text` is found in, and that have this status. */
export function filter(connectors: Connector[], text: string, status?: Status | "running"): Connector[] {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return connectors.filter(
        (connector) =>
            (status === undefined || (status === "running" ? connector.running : connector.status === status)) &&
            words.every((word) => searched(connector).includes(word)),
    );
}

function searched({ name, props }: Connector): string {
    return [name, props.Account, props.Server, props.Username, props.Label].join("\n").toLowerCase();
}

export function sort(connectors: Connector[], order: Order, descending: boolean): Connector[] {
    const compare = COMPARE[order];
    const sorted = [...connectors].sort((a, b) => compare(a, b) || COMPARE.name(a, b));
    return descending ? sorted.reverse() : sorted;
}

const names = new Intl.Collator(undefined, { numeric: true });
/** null is never, and so before everything. */
const times = (a: number | null, b: number | null) => (a ?? 0) - (b ?? 0);
const COMPARE: Record<Order, (a: Connector, b: Connector) => number> = {
    name: (a, b) => names.compare(a.name, b.name),
    status: (a, b) => SEVERITY.indexOf(a.status) - SEVERITY.indexOf(b.status),
    last_run: (a, b) => times(a.last_run, b.last_run),
    next_run: (a, b) => times(a.next_run, b.next_run),
    messages: (a, b) => a.messages - b.messages,
};

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

export function summarize(connectors: Connector[], now: number): Summary {
    const today = localDay(now);
    return {
        running: connectors.filter(({ running }) => running).length,
        failing: connectors.filter(isFailing).length,
        paused: connectors.filter(({ status }) => status === "DISABLED").length,
        today: connectors.reduce((sum, { days }) => sum + (days?.[today] ?? 0), 0),
    };
}
