// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import type { FilePart } from "../src/api";
import { fetchParts, keep } from "../src/mailbox/download";

const FILE = { id: "2", file_name: "a.bin", type: "image/png", size: 5, inline: false };

const part = (data: string, next: number | null): FilePart => ({ file: FILE, data: btoa(data), next });

test("a file comes in parts, and it is told how much is there", async () => {
    const ask = vi.fn((offset: number) => Promise.resolve(offset ? part("\xffo", null) : part("abc", 4096)));
    const told: number[] = [];
    const parts = await fetchParts(ask, (count) => told.push(count), () => true);
    expect(parts?.flatMap((one) => [...one])).toEqual([97, 98, 99, 255, 111]);
    expect(told).toEqual([3, 5]);
    expect(ask.mock.calls).toEqual([[0], [4096]]);
});

test("a file that is empty is one", async () => {
    expect(await fetchParts(() => Promise.resolve(part("", null)), () => undefined, () => true)).toHaveLength(1);
});

test("what is no longer wanted is not asked for", async () => {
    const ask = vi.fn(() => Promise.resolve(part("abc", 3)));
    expect(await fetchParts(ask, () => undefined, () => false)).toBeUndefined();
    expect(ask).toHaveBeenCalledOnce();
});

test.each([part("abc", 0), part("", 4096)])("a file that has no end is given up: %j", async (same) => {
    await expect(fetchParts(() => Promise.resolve(same), () => undefined, () => true)).rejects.toThrow("does not come to an end");
});

test("whatever a file is, the browser keeps it and opens nothing", () => {
    const made: Blob[] = [];
    const clicked: HTMLAnchorElement[] = [];
    URL.createObjectURL = (blob: Blob) => `blob:${made.push(blob)}`;
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
        clicked.push(this);
    });
    keep([new Uint8Array([1])], "page.html");
    expect(made[0]?.type).toBe("application/octet-stream");
    expect([clicked[0]?.download, clicked[0]?.isConnected]).toEqual(["page.html", false]);
    keep([], "");
    expect(clicked[1]?.download).toBe("attachment");
});
