// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import { deletionDaysOf, formatFingerprint, minutesOf } from "../src/props";

test.each<[time: string | undefined, minutes: number]>([
    ["5", 5],
    ["007", 7],
    [undefined, 30],
    ...["", "often", "-5", "1.5", "5\n", "9".repeat(10)].map((time): [string, number] => [time, 30]),
])("Time %j is %d minutes", (time, minutes) => expect(minutesOf(time)).toBe(minutes));

test.each<[text: string | undefined, days: number | null]>([
    ["0", 0],
    ["30", 30],
    [undefined, null],
    ...["", "-1", "-0", "enabled", "disabled", "1.5", "0\n", "9".repeat(10)].map((text): [string, null] => [text, null]),
])("Delete %j is %j days", (text, days) => expect(deletionDaysOf(text)).toBe(days));

test("fingerprints are shown alike, however they are stored", () => {
    for (const digits of ["ab:cd:ef", "ABCDEF", "abcdef"]) expect(formatFingerprint(digits)).toBe("AB:CD:EF");
});
