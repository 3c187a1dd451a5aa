// SPDX-License-Identifier: LGPL-2.1-or-later
/** Where in this page the person is: kept in the location, so that it can be gone back to. */
import cockpit from "cockpit";
import { useEffect, useState } from "react";

export const TABS = ["status", "history", "log", "quarantine"] as const;
export type Tab = (typeof TABS)[number];

/** Without a name: the overview, or the settings of the server. */
export interface Route {
    name?: string;
    tab: Tab;
    isSettings?: true;
}

export function parseRoute(path: string[]): Route {
    const [kind, name, tab] = path;
    if (kind === "settings") return { tab: "status", isSettings: true };
    if (kind !== "connector" || !name) return { tab: "status" };
    return { name, tab: TABS.find((known) => known === tab) ?? "status" };
}

export function formatRoute({ name, tab, isSettings }: Route): string[] {
    if (isSettings) return ["settings"];
    if (!name) return [];
    return tab === "status" ? ["connector", name] : ["connector", name, tab];
}

export function go(route: Partial<Route>): void {
    cockpit.location.go(formatRoute({ tab: "status", ...route }));
}

export function useRoute(): Route {
    const [path, setPath] = useState(cockpit.location.path);
    useEffect(() => {
        const changed = () => setPath(cockpit.location.path);
        cockpit.addEventListener("locationchanged", changed);
        return () => cockpit.removeEventListener("locationchanged", changed);
    }, []);
    return parseRoute(path);
}
