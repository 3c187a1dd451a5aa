// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { act, doingWords, doneWords, failedWords, failureWords, type Action } from "../src/actions";
import * as api from "../src/api";
import { Problem } from "../src/helpers";

vi.mock("../src/api");

const ACTIONS: Action[] = ["run", "cancel", "enable", "disable", "reset", "remove"];
const some = (number: number) => Array.from({ length: number }, (_, index) => `c${index}`);

beforeEach(() => {
    vi.resetAllMocks();
    for (const action of ACTIONS) vi.mocked(api[action]).mockResolvedValue({} as never);
});

describe("act", () => {
    it.each(ACTIONS)("does %s to each, once", async (action) => {
        expect(await act(action, some(10))).toEqual([]);
        expect(vi.mocked(api[action]).mock.calls.map(([name]) => name)).toEqual(some(10));
    });

    it("tells how many are done", async () => {
        const done = vi.fn();
        await act("reset", some(6), done);
        expect(done.mock.calls.flat()).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it("goes on after what fails, and returns that", async () => {
        const problem = new Problem("Conflict", "It is disabled.");
        vi.mocked(api.run).mockImplementation((name) =>
            name === "c1" || name === "c5" ? Promise.reject(problem) : Promise.resolve({ unit: "" }),
        );
        const done = vi.fn();
        expect(await act("run", some(7), done)).toEqual([
            { name: "c1", problem },
            { name: "c5", problem },
        ]);
        expect(done).toHaveBeenCalledTimes(7);
    });

    it("lets only a few helpers work at once", async () => {
        const working: (() => void)[] = [];
        vi.mocked(api.reset).mockImplementation(
            () => new Promise((resolve) => working.push(() => resolve({}))),
        );
        const all = act("reset", some(9));
        let ended = 0;
        while (ended < 9) {
            await vi.waitFor(() => expect(working.length).toBeGreaterThan(0));
            expect(working.length).toBeLessThanOrEqual(4);
            working.shift()?.();
            ended++;
        }
        expect(await all).toEqual([]);
    });

    it("begins nothing that is no longer wanted", async () => {
        let done = 0;
        await act("remove", some(20), (count) => (done = count), () => done < 5);
        // What was begun before comes to its end.
        expect(vi.mocked(api.remove).mock.calls).toHaveLength(done);
        expect(done).toBeLessThan(10);
    });

    it("does nothing to none", async () => expect(await act("remove", [])).toEqual([]));
});

describe("words", () => {
    const failures = some(5).map((name) => ({ name, problem: new Problem("Conflict", "No.") }));
    it("name what failed, the first ones of many", () => {
        expect(failureWords(failures.slice(0, 1))).toBe("c0: No.");
        expect(failureWords(failures)).toBe("c0: No. c1: No. c2: No. 2 more.");
    });
    it.each(ACTIONS)("tell of %s", (action) => {
        expect(failedWords(action)).toMatch(/ failed$/);
        expect(doingWords(action, 3, 10)).toMatch(/ing: 3 of 10$/);
        expect(doneWords(action, 1)).toMatch(/^1 connector \w+$/);
        expect(doneWords(action, 2)).toMatch(/^2 connectors \w+$/);
    });
});
