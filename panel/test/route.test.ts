// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import { formatRoute, parseRoute, TABS } from "../src/route";

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
