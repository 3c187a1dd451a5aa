// SPDX-License-Identifier: LGPL-2.1-or-later
import cockpit from "cockpit";
import { expect, test, vi } from "vitest";
import { formatRoute, go as goTo, parseRoute, TABS } from "../src/route";

test.each([[[]], [["connector"]], [["connector", ""]], [["elsewhere", "ann"]]])("%j is the overview", (path) => {
    expect(parseRoute(path)).toEqual({ tab: "status" });
});

test("a connector is shown with its status first, also where a tab is unknown", () => {
    expect(parseRoute(["connector", "ann@host"])).toEqual({ name: "ann@host", tab: "status" });
    expect(parseRoute(["connector", "ann@host", "nonsense", "more"])).toEqual({ name: "ann@host", tab: "status" });
});

test.each(TABS)("there and back: %s", (tab) => {
    const route = { name: "ann/ü@host", tab };
    expect(parseRoute(formatRoute(route))).toEqual(route);
});

test("the settings of the server have a place of their own", () => {
    expect(parseRoute(["settings"])).toEqual({ tab: "status", isSettings: true });
    expect(formatRoute({ tab: "status", isSettings: true })).toEqual(["settings"]);
});

test("the overview has no path", () => {
    expect(formatRoute({ tab: "log" })).toEqual([]);
});

test("what is open in the remote mailbox is no part of the path, whatever it is called", () => {
    const path = ["connector", "ann", "mailbox"];
    const folder = "../../etc";
    expect(parseRoute(path, { folder, uid: "7" })).toEqual({ name: "ann", tab: "mailbox", folder, uid: "7" });
    expect(parseRoute(path, { folder: ["a", "b"], uid: "7" })).toEqual({ name: "ann", tab: "mailbox" });
    expect(parseRoute(["connector", "ann", "log"], { folder })).toEqual({ name: "ann", tab: "log" });
    const go = vi.fn();
    Object.assign(cockpit, { location: { go } });
    goTo({ name: "ann", tab: "mailbox", folder, uid: "7" });
    goTo({ name: "ann", tab: "mailbox", folder });
    goTo({ name: "ann" });
    expect(go.mock.calls).toEqual([[path, { folder, uid: "7" }], [path, { folder }], [["connector", "ann"]]]);
});
