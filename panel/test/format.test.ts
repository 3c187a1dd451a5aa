// SPDX-License-Identifier: LGPL-2.1-or-later
import cockpit from "cockpit";
import { afterEach, expect, test } from "vitest";
import {
    formatBytes,
    formatClock,
    formatDuration,
    formatNumber,
    formatRelative,
    formatShortDay,
    formatShortNumber,
    isolate,
    language,
    lastDays,
    localDay,
} from "../src/format";

const mutable = cockpit as { language?: string; language_direction?: "ltr" | "rtl" };

afterEach(() => {
    delete mutable.language;
    delete mutable.language_direction;
});

test("the language is Cockpit's, named as browsers do", () => {
    expect(language()).toBe("en");
    mutable.language = "pt_BR";
    expect(language()).toBe("pt-BR");
});

test("numbers are written as in the language", () => {
    expect(formatNumber(12345)).toBe("12,345");
    mutable.language = "de";
    expect(formatNumber(12345)).toBe("12.345");
});

test("numbers on an axis are short", () => {
    expect([0, 1500, 9999, 10_000, 250_000].map(formatShortNumber)).toEqual(["0", "1,500", "9,999", "10K", "250K"]);
});

test.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [219_583, "219.6 kB"],
    [48_230_112, "48.2 MB"],
    [5e15, "5,000 TB"],
])("%d octets are %s", (octets, text) => {
    expect(formatBytes(octets)).toBe(text);
});

test("a size keeps its order among words from right to left", () => {
    mutable.language_direction = "rtl";
    expect(formatBytes(6000)).toBe(isolate("6 kB"));
});

test.each([
    [-3, "0 sec"],
    [0.4, "0 sec"],
    [59, "59 sec"],
    [60, "1 min"],
    [123, "2 min 3 sec"],
    [3600, "1 hr"],
    [3605, "1 hr 5 sec"],
    [90_061, "25 hr 1 min"],
])("%d seconds take %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
});

test.each([
    [0, "now"],
    [-1, "1 second ago"],
    [119, "in 1 minute"],
    [-7200, "2 hours ago"],
    [86_400, "tomorrow"],
    [-200_000, "2 days ago"],
])("%d seconds from now is %s", (distance, text) => {
    expect(formatRelative(1_800_000_000 + distance, 1_800_000_000)).toBe(text);
});

test("days are those of the person's clock", () => {
    const noon = new Date(2026, 10, 21, 12).getTime() / 1000;
    const late = new Date(2026, 10, 21, 23, 59, 59).getTime() / 1000;
    expect(localDay(noon)).toBe("2026-11-21");
    expect(localDay(late)).toBe("2026-11-21");
    expect(localDay(late + 1)).toBe("2026-11-22");
});

test("the last days end today, and none is left out or told twice", () => {
    const now = new Date(2026, 2, 31, 0, 30).getTime() / 1000;
    expect(lastDays(3, now)).toEqual(["2026-03-29", "2026-03-30", "2026-03-31"]);
    expect(new Set(lastDays(366, now)).size).toBe(366);
});

test("times of a day are equally long", () => {
    const [early, late] = [9, 22].map((hour) => formatClock(new Date(2026, 10, 21, hour, 5).getTime() / 1000));
    expect(early).toMatch(/^09:05:00/);
    expect(late).toHaveLength(early?.length ?? 0);
});

test("a day is short on an axis", () => {
    expect(formatShortDay("2026-11-05")).toBe("Nov 5");
});
