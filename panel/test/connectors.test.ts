// SPDX-License-Identifier: LGPL-2.1-or-later
import { describe, expect, it } from "vitest";
import type { Connector } from "../src/api";
import {
    accountOf,
    count,
    daily,
    filter,
    flatten,
    group,
    isFailing,
    isSame,
    paginate,
    sort,
    summarize,
    titleOf,
} from "../src/connectors";

function connector(name: string, known: Partial<Connector> = {}): Connector {
    return {
        name,
        type: "getmail",
        props: { Account: "anna@example.org", Server: "imap.example.com", Username: "anna@example.com" },
        status: "OK",
        last_run: null,
        next_run: null,
        failures: 0,
        messages: 0,
        bytes: 0,
        running: false,
        ...known,
    };
}

const of = (name: string, account: string, known: Partial<Connector> = {}) =>
    connector(name, { ...known, props: { Account: account } });
const names = (connectors: Connector[]) => connectors.map(({ name }) => name);

describe("flatten", () => {
    it("puts the groups one after the other", () => {
        const [a, b, c] = [connector("a"), connector("b"), connector("c")];
        expect(flatten({ one: [a, b], two: [c] })).toEqual([a, b, c]);
    });
});

describe("titleOf", () => {
    it("is the label", () => expect(titleOf(connector("a", { props: { Label: "Work" } }))).toBe("Work"));
    it.each([{}, { Label: "" }, { Label: " " }])("is the name with %j", (props) =>
        expect(titleOf(connector("a", { props }))).toBe("a"),
    );
});

describe("isFailing", () => {
    it.each(["OK", "NEVER_RUN", "DISABLED"] as const)("is not %s", (status) =>
        expect(isFailing(connector("a", { status }))).toBe(false),
    );
    it.each(["INVALID_CREDENTIALS", "CONNECTION_IMPOSSIBLE", "NO_ACCESS_TO_ALL_MAIL", "TEMP_DISABLED"] as const)(
        "is %s",
        (status) => expect(isFailing(connector("a", { status }))).toBe(true),
    );
});

describe("filter", () => {
    const all = [
        connector("a", { props: { Account: "anna", Server: "imap.example.com", Username: "shop", Label: "Büro" } }),
        connector("b", { props: { Account: "bruno" }, status: "DISABLED", running: true }),
        connector("c", { props: { Account: "carla" }, status: "TEMP_DISABLED" }),
    ];
    it.each([
        ["", "abc"],
        ["  ", "abc"],
        ["ANNA", "a"],
        ["example", "a"],
        ["shop", "a"],
        ["büro", "a"],
        ["anna shop", "a"],
        ["anna bruno", ""],
    ])("finds with %j", (text, found) => expect(names(filter(all, text)).join("")).toBe(found));
    it("does not find what spans two props", () => expect(filter(all, "annaimap")).toEqual([]));
    it.each([
        ["running", "b"],
        ["failing", "c"],
        ["DISABLED", "b"],
        ["OK", "a"],
        ["NEVER_RUN", ""],
    ] as const)("shows %s", (shown, found) => expect(names(filter(all, "", shown)).join("")).toBe(found));
});

describe("sort", () => {
    it("is by account, then title as a person counts", () => {
        const all = [of("a10", "bruno"), of("a9", "bruno"), of("z", "anna")];
        expect(names(sort(all, "name", false))).toEqual(["z", "a9", "a10"]);
        expect(names(sort(all, "name", true))).toEqual(["a10", "a9", "z"]);
    });
    it("has never before all times", () => {
        const all = [connector("a", { last_run: 5 }), connector("b"), connector("c", { last_run: 2 })];
        expect(names(sort(all, "last_run", false))).toEqual(["b", "c", "a"]);
    });
    it("has what is wrong first", () => {
        const all = [connector("a"), connector("b", { status: "DISABLED" }), connector("c", { status: "TEMP_DISABLED" })];
        expect(names(sort(all, "status", false))).toEqual(["c", "a", "b"]);
    });
    it("is by what came of late, and by name where that is equal", () => {
        const days = { "2026-11-19": 1, "2026-11-21": 2 };
        const all = [connector("b", { messages: 9 }), connector("c", { days }), connector("a", { days: {} })];
        expect(names(sort(all, "messages", true))).toEqual(["c", "b", "a"]);
    });
    it("leaves what it is given", () => {
        const all = [connector("b"), connector("a")];
        sort(all, "name", false);
        expect(names(all)).toEqual(["b", "a"]);
    });
});

describe("group", () => {
    it("takes the account up to its @", () => {
        expect(accountOf(of("a", "anna@example.org"))).toBe("anna");
        expect(accountOf(connector("a", { props: {} }))).toBe("");
    });
    it("keeps the order in which accounts come", () => {
        const groups = group([of("a", "bruno"), of("b", "anna@one"), of("c", "bruno@two")]);
        expect(groups.map(({ account, connectors }) => [account, names(connectors)])).toEqual([
            ["bruno", ["a", "c"]],
            ["anna", ["b"]],
        ]);
    });
});

describe("paginate", () => {
    const groups = group([of("a", "x"), of("b", "x"), of("c", "x"), of("d", "y"), of("e", "y")]);
    const shown = (page: number, size: number) => {
        const there = paginate(groups, page, size);
        return [there.page, ...there.groups.map(({ account, connectors }) => account + names(connectors).join(""))];
    };
    it("lets a group go on on the next page", () => {
        expect(shown(1, 2)).toEqual([1, "xab"]);
        expect(shown(2, 2)).toEqual([2, "xc", "yd"]);
        expect(shown(3, 2)).toEqual([3, "ye"]);
    });
    it("has the last page for one beyond it", () => expect(shown(9, 2)).toEqual([3, "ye"]));
    it("has one page without anything", () => expect(paginate([], 3, 2)).toEqual({ page: 1, groups: [] }));
});

describe("summarize", () => {
    const all = [
        connector("a", { running: true, days: { "2026-11-20": 7, "2026-11-21": 3 } }),
        connector("b", { status: "INVALID_CREDENTIALS", running: true, days: { "2026-11-21": 2 } }),
        connector("c", { status: "DISABLED", days: { "2026-11-20": 1 } }),
        connector("d", { status: "NEVER_RUN" }),
    ];
    it("counts", () => {
        expect(summarize(all, "2026-11-21")).toEqual({ running: 2, failing: 1, paused: 1, today: 5 });
    });
    it("counts each status, also those that none has", () => {
        expect(count(all)).toEqual({
            running: 2,
            failing: 1,
            OK: 1,
            NEVER_RUN: 1,
            DISABLED: 1,
            INVALID_CREDENTIALS: 1,
            CONNECTION_IMPOSSIBLE: 0,
            NO_ACCESS_TO_ALL_MAIL: 0,
            TEMP_DISABLED: 0,
        });
    });
});

describe("daily", () => {
    it("has days without mail too", () => {
        expect(daily({ "2026-11-21": 4, "2026-11-01": 9 }, ["2026-11-20", "2026-11-21"])).toEqual([
            { day: "2026-11-20", messages: 0 },
            { day: "2026-11-21", messages: 4 },
        ]);
        expect(daily(undefined, ["2026-11-21"])).toEqual([{ day: "2026-11-21", messages: 0 }]);
    });
});

describe("isSame", () => {
    it("compares what is told", () => {
        expect(isSame(connector("a"), connector("a"))).toBe(true);
        expect(isSame(connector("a"), connector("a", { percent: 1 }))).toBe(false);
        expect(isSame(connector("a"), connector("a", { props: { Label: "x" } }))).toBe(false);
    });
});
