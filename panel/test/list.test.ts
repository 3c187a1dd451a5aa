// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import cockpit from "./cockpit";
import * as api from "../src/api";
import { useList, useNow } from "../src/list";

vi.mock("../src/api");

type Answer = Awaited<ReturnType<typeof api.list>>;
interface Question {
    resolve(answer: Answer): void;
    reject(problem: unknown): void;
}

let questions: Question[];

beforeEach(() => {
    vi.useFakeTimers();
    questions = [];
    cockpit.hidden = false;
    vi.mocked(api.list).mockImplementation(
        () => new Promise((resolve, reject) => void questions.push({ resolve, reject })),
    );
});

afterEach(() => {
    cleanup();
    vi.useRealTimers();
    vi.restoreAllMocks();
});

const pass = (seconds: number) => act(() => vi.advanceTimersByTimeAsync(seconds * 1000));

function one(name: string, running = false): Answer {
    return { connectors: { account: [{ name, running } as api.Connector] } };
}

/** Answer the question of this number, the first being 0. */
async function answer(index: number, what: Answer | Error) {
    await act(async () => {
        if (what instanceof Error) questions[index]?.reject(what);
        else questions[index]?.resolve(what);
        await vi.advanceTimersByTimeAsync(0);
    });
}

async function look(visible = true) {
    cockpit.hidden = !visible;
    await act(async () => {
        cockpit.dispatchEvent(new Event("visibilitychange"));
        await vi.advanceTimersByTimeAsync(0);
    });
}

async function open() {
    const page = renderHook(useList);
    await pass(0);
    const names = () => page.result.current.listed?.connectors.map(({ name }) => name);
    return { ...page, names };
}

test("the list is asked for at once, and is not known before the answer", async () => {
    const { names } = await open();
    expect(questions).toHaveLength(1);
    expect(names()).toBeUndefined();
    await answer(0, one("a"));
    expect(names()).toEqual(["a"]);
});

test("the next question waits for the answer, and then some seconds", async () => {
    await open();
    await pass(60);
    expect(questions).toHaveLength(1);
    await answer(0, one("a"));
    await pass(14);
    expect(questions).toHaveLength(1);
    await pass(1);
    expect(questions).toHaveLength(2);
});

test("while something runs it is asked more often", async () => {
    await open();
    await answer(0, one("a", true));
    await pass(2);
    expect(questions).toHaveLength(2);
    await answer(1, one("a"));
    await pass(2);
    expect(questions).toHaveLength(2);
    await pass(13);
    expect(questions).toHaveLength(3);
});

test("nobody looks, nobody asks; who looks again sees what is new", async () => {
    await open();
    await answer(0, one("a"));
    await look(false);
    await pass(120);
    expect(questions).toHaveLength(1);
    await look();
    expect(questions).toHaveLength(2);
    await answer(1, one("b"));
    await pass(15);
    expect(questions).toHaveLength(3);
});

test("looking again while an answer is awaited asks no second time", async () => {
    await open();
    await look(false);
    await look();
    expect(questions).toHaveLength(1);
    await answer(0, one("a"));
    await pass(15);
    expect(questions).toHaveLength(2);
});

test("a late answer does not replace a newer one", async () => {
    const { result, names } = await open();
    const again = result.current.refresh();
    await answer(1, one("new"));
    await again;
    await answer(0, one("old"));
    expect(names()).toEqual(["new"]);
});

test("nor does a late failure", async () => {
    const { result, names } = await open();
    const again = result.current.refresh();
    await answer(1, one("new"));
    await again;
    await answer(0, new Error("late"));
    expect(names()).toEqual(["new"]);
    expect(result.current.problem).toBeUndefined();
});

test("a failure leaves what was known, and is forgotten with the next answer", async () => {
    const { result, names } = await open();
    await answer(0, one("a"));
    await pass(15);
    const problem = new Error("out of order");
    await answer(1, problem);
    expect(names()).toEqual(["a"]);
    expect(result.current.problem).toBe(problem);
    await pass(15);
    await answer(2, one("b"));
    expect(names()).toEqual(["b"]);
    expect(result.current.problem).toBeUndefined();
});

test("broken records are told, or that there are none", async () => {
    const { result } = await open();
    await answer(0, { ...one("a"), broken: [{ line: 3, reason: "no type" }] });
    expect(result.current.listed?.broken).toEqual([{ line: 3, reason: "no type" }]);
    await pass(15);
    await answer(1, one("a"));
    expect(result.current.listed?.broken).toEqual([]);
});

test("a page that is left asks no more", async () => {
    const { unmount } = await open();
    unmount();
    await answer(0, one("a"));
    await pass(60);
    await look();
    expect(questions).toHaveLength(1);
});

test("time goes on", async () => {
    const { result } = renderHook(useNow);
    const start = result.current;
    await pass(5);
    expect(result.current - start).toBeCloseTo(5);
});
