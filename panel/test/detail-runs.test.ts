// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { expect, test } from "vitest";
import type { Progress, Run } from "../src/api";
import { chartWords, dayWords, labelled, resultWord, sumUp, ticks } from "../src/detail/runs";
import { outcome } from "../src/detail/task";

const NOON = new Date(2026, 10, 21, 12).getTime() / 1000;
const DAY = 86400;
const NONE = { passedOver: 0, left: 0, baselined: 0 };

function run(daysAgo: number, messages: number, more: Partial<Run> = {}): Run {
    const start = NOON - daysAgo * DAY;
    return { token: "", start, end: start + 5, result: "succeeded", messages, bytes: 0, ...NONE, ...more };
}

test("runs are summed up by day, and days without any are there", () => {
    const runs = [run(0, 3), run(0, 4), run(2, 0, { result: "failed" }), run(9, 100)];
    expect(sumUp(runs, 3, NOON, 100)).toEqual([
        { day: "2026-11-19", messages: 0, runs: 1, failed: 1 },
        { day: "2026-11-20", messages: 0, runs: 0, failed: 0 },
        { day: "2026-11-21", messages: 7, runs: 2, failed: 0 },
    ]);
});

test("a day of which not all runs were told is left out", () => {
    const days = sumUp([run(0, 1), run(1, 2), run(2, 3)], 30, NOON, 3);
    expect(days.map(({ day }) => day)).toEqual(["2026-11-20", "2026-11-21"]);
});

test("today is there, however many runs it had", () => {
    expect(sumUp([run(0, 1), run(0, 2)], 30, NOON, 2)).toMatchObject([{ day: "2026-11-21", messages: 3 }]);
});

test.each([
    [0, [0, 1, 2]],
    [1, [0, 1, 2]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2, 4, 6, 8]],
    [23, [0, 10, 20, 30]],
    [352, [0, 100, 200, 300, 400]],
    [1000, [0, 200, 400, 600, 800, 1000]],
])("an axis up to %d", (largest, values) => {
    expect(ticks(largest)).toEqual(values);
});

test("whatever is largest, an axis has few whole values and reaches it", () => {
    for (let largest = 0; largest < 5000; largest += 7) {
        const values = ticks(largest);
        expect(values.length).toBeGreaterThanOrEqual(3);
        expect(values.length).toBeLessThanOrEqual(6);
        expect(values.every(Number.isInteger)).toBe(true);
        expect(values.at(-1)).toBeGreaterThanOrEqual(largest);
    }
});

test("names have room, and today has one", () => {
    expect(labelled(5, 500, 50)).toEqual([0, 1, 2, 3, 4]);
    expect(labelled(30, 300, 60)).toEqual([5, 11, 17, 23, 29]);
    expect(labelled(2, 10, 60)).toEqual([1]);
    expect(labelled(0, 0, 60)).toEqual([]);
});

test("a day and a chart are told in words", () => {
    const days = sumUp([run(0, 1), run(1, 1200), run(1, 0, { result: "failed" })], 2, NOON, 100);
    expect(days.map(dayWords)).toEqual(["Nov 20, 2026: 1,200 messages, 1 run failed", "Nov 21, 2026: 1 message"]);
    expect(chartWords(days)).toBe(
        "Messages of the last 2 days. 1,201 messages in all. Most on Nov 20, 2026: 1,200. Runs failed on 1 day.",
    );
    expect(chartWords(sumUp([], 1, NOON, 100))).toBe("Messages of the last 1 day. 0 messages in all. No run failed.");
});

test("a run has one word for its end", () => {
    expect(resultWord(run(0, 1))).toBe("Succeeded");
    expect(resultWord(run(0, 1, { result: "running", end: null }))).toBe("Running");
    expect(resultWord(run(0, 1, { result: "failed", end: null }))).toBe("Cut off");
});

test("the end of a run is told", () => {
    const ended: Progress = {
        ...{ token: "", statusVersion: 1, statusCode: "succeeded", percentProgress: 100, statusText: null },
        ...{ logOutput: null, result: null, error: null },
    };
    const result = { messages: 2, bytes: 9, failed: 0, setAside: 0, deleted: 0, ...NONE };
    const told = (more: object) => outcome({ ...ended, result: { ...result, ...more } });
    expect(told({})).toEqual(["2 messages were fetched", ""]);
    expect(told({ left: 1, passedOver: 20 })).toEqual([
        "2 messages were fetched",
        "1 message is left for later runs. 20 messages were passed over.",
    ]);
    expect(told({ messages: 0, baselined: 3 })).toEqual(["What is there counts as fetched", "3 messages were marked as fetched."]);
    expect(outcome(ended)).toEqual(["There was no new mail", ""]);
    expect(outcome({ ...ended, statusCode: "cancelled" })).toEqual(["The run was stopped", ""]);
    const error = { cause: "network", message: "mail.example does not answer.", hint: "" };
    expect(outcome({ ...ended, statusCode: "failed", error })[1]).toBe("mail.example does not answer.");
});
