// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { expect, test } from "vitest";
import { identify, oneByOne } from "../src/detail/aside";
import { append, groupByDay, KEPT, weigh, type Log } from "../src/detail/lines";

const EMPTY: Log = { lines: [] };

function lines(...messages: string[]) {
    return messages.map((message, index) => ({ time: 1_795_264_546 + index, priority: 6, message }));
}

const messages = ({ lines: kept }: Log) => kept.map(({ message }) => message);

test("new lines come after those before", () => {
    const first = append(EMPTY, { lines: lines("a", "b"), cursor: "1" });
    const second = append(first, { lines: lines("c"), cursor: "2" });
    expect(messages(second)).toEqual(["a", "b", "c"]);
    expect(second.lines.map(({ key }) => key)).toEqual([0, 1, 2]);
    expect(second.cursor).toBe("2");
});

test("without anything new, nothing changes", () => {
    const first = append(EMPTY, { lines: lines("a"), cursor: "1" });
    const second = append(first, { lines: [], cursor: "1" });
    expect(second.lines).toBe(first.lines);
    expect(second.cursor).toBe("1");
});

test("where nothing was logged yet, all is new later", () => {
    const first = append(EMPTY, { lines: [] });
    expect(first.cursor).toBeUndefined();
    expect(messages(append(first, { lines: lines("a"), cursor: "1" }))).toEqual(["a"]);
});

test("without a cursor, or after a restart of the journal, the last lines are all there is", () => {
    const first = append(EMPTY, { lines: lines("a", "b") });
    expect(append(first, { lines: lines("a", "b") }).lines).toBe(first.lines);
    const second = append(first, { lines: lines("b", "c"), cursor: "2" });
    expect(messages(second)).toEqual(["b", "c"]);
    const third = append(second, { lines: lines("d"), cursor: "3", restarted: true });
    expect(messages(third)).toEqual(["d"]);
    expect(third.lines[0]?.key).toBeGreaterThan(second.lines.at(-1)?.key ?? Infinity);
});

test("the oldest lines go when there are too many", () => {
    const many = lines(...Array.from({ length: KEPT }, (_, index) => String(index)));
    const log = append(append(EMPTY, { lines: many, cursor: "1" }), { lines: lines("x", "y"), cursor: "2" });
    expect(log.lines).toHaveLength(KEPT);
    expect(messages(log).slice(0, 1)).toEqual(["2"]);
    expect(messages(log).slice(-2)).toEqual(["x", "y"]);
});

test("lines are grouped by day", () => {
    const midnight = new Date(2026, 10, 22).getTime() / 1000;
    const around = [midnight - 2, midnight - 1, midnight].map((time, key) => ({ key, time, priority: 6, message: "" }));
    expect(groupByDay(around).map(({ day, lines: ofDay }) => [day, ofDay.length])).toEqual([
        ["2026-11-21", 2],
        ["2026-11-22", 1],
    ]);
});

test("errors and warnings are told from the rest", () => {
    expect([0, 3, 4, 5, 6, 7].map(weigh)).toEqual(["error", "error", "warning", "plain", "plain", "plain"]);
});

test("messages are told apart by folder and UID", () => {
    const message = { folder: "INBOX", uid: "1", size: 1, reason: "", attempts: 1, since: null };
    expect(identify(message)).not.toBe(identify({ ...message, folder: "Sent" }));
    expect(identify(message)).toBe(identify({ ...message, reason: "Another.", attempts: 2 }));
});

const aside = ["1", "2", "3"].map((uid) => ({ folder: "INBOX", uid, size: 1, reason: "", attempts: 1, since: null }));

test("one that fails does not keep the others from it", async () => {
    const done: string[] = [];
    const all = oneByOne("ann", aside, (name, folder, uid) => {
        done.push(`${name} ${folder} ${uid}`);
        return uid === "2" ? Promise.reject(new Error("two")) : Promise.resolve(1);
    });
    await expect(all).rejects.toThrow("two");
    expect(done).toEqual(["ann INBOX 1", "ann INBOX 2", "ann INBOX 3"]);
});

test("one that is no longer set aside is told", async () => {
    const all = oneByOne("ann", aside, (_name, _folder, uid) => Promise.resolve(uid === "3" ? 0 : 1));
    await expect(all).rejects.toThrow("Message 3 is no longer set aside.");
});

test("what is no longer wanted is not begun", async () => {
    let done = 0;
    await oneByOne("ann", aside, () => Promise.resolve(++done), () => done < 2);
    expect(done).toBe(2);
});
