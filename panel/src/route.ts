// SPDX-License-Identifier: LGPL-2.1-or-later
/** Where in this page the person is: kept in the location, so that it can be gone back to. */
import cockpit from "cockpit";
import { useEffect, useState } from "react";

export const TABS = ["status", "history", "log", "quarantine", "mailbox"] as const;
export type Tab = (typeof TABS)[number];

/** Without a name: the overview, or the settings of the server. */
export interface Route {
    name?: string;
    tab: Tab;
    isSettings?: true;
    /** What is open in the remote mailbox; any name may be there, so that they are no parts of the path. */
    folder?: string;
    uid?: string;
}

export type Options = Record<string, string | string[]>;

export function parseRoute(path: string[], options: Options = {}): Route {
    const [kind, name, tab] = path;
    if (kind === "settings") return { tab: "status", isSettings: true };
    if (kind !== "connector" || !name) return { tab: "status" };
    const route = { name, tab: TABS.find((known) => known === tab) ?? "status" };
    const { folder, uid } = options;
    if (route.tab !== "mailbox" || typeof folder !== "string") return route;
    return { ...route, folder, ...(typeof uid === "string" && { uid }) };
}

export function formatRoute({ name, tab, isSettings }: Route): string[] {
    if (isSettings) return ["settings"];
    if (!name) return [];
    return tab === "status" ? ["connector", name] : ["connector", name, tab];
}

export function go(route: Partial<Route>): void {
    const path = formatRoute({ tab: "status", ...route });
    const { folder, uid } = route;
    if (folder === undefined) cockpit.location.go(path);
    else cockpit.location.go(path, { folder, ...(uid !== undefined && { uid }) });
}

export function useRoute(): Route {
    const [{ path, options }, setPlace] = useState(cockpit.location);
    useEffect(() => {
        const changed = () => setPlace(cockpit.location);
        cockpit.addEventListener("locationchanged", changed);
        return () => cockpit.removeEventListener("locationchanged", changed);
    }, []);
    return parseRoute(path, options);
}
