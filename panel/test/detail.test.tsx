// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import axe from "axe-core";
import cockpit from "cockpit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WithAlerts } from "../src/alerts";
import * as api from "../src/api";
import { Detail } from "../src/detail/detail";
import { WithDialogs } from "../src/dialogs";
import { Problem } from "../src/helpers";
import type { Tab } from "../src/route";

vi.mock("../src/api");
// Looking for faults takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const NOW = new Date(2026, 10, 21, 12).getTime() / 1000;
const NONE = { passedOver: 0, left: 0, baselined: 0 };
const HOSTILE = "<img src=x onerror=alert(1)> refused";
const NAME = "ann@mail.example";
const connector: api.Connector = {
    name: NAME,
    type: "getmail",
    props: {
        ...{ type: "getmail", status: "enabled", Account: "ann", Server: "mail.example", Username: NAME },
        ...{ Password: "", Retriever: "SimpleIMAPSSLRetriever", Time: "30", Delete: "-1" },
    },
    ...{ status: "OK", last_run: NOW - 600, next_run: NOW + 600, failures: 0, messages: 3, bytes: 6000, running: false },
};
const aside: api.SetAside[] = ["17", "18"].map((uid) => ({
    ...{ folder: "INBOX", uid, size: 2048, reason: HOSTILE, attempts: 5, since: NOW - 86400 },
}));
const go = vi.fn();

class Observer {
    constructor(private readonly changed: () => void) {}
    observe() {
        this.changed();
    }
    disconnect() {
        // Nothing is held.
    }
}

beforeEach(() => {
    vi.useFakeTimers({ now: NOW * 1000 });
    vi.stubGlobal("ResizeObserver", Observer);
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
    HTMLElement.prototype.scrollTo = vi.fn();
    Object.assign(cockpit, { location: { path: [], go } });
    vi.mocked(api.quarantine).mockResolvedValue([]);
    vi.mocked(api.history).mockResolvedValue([]);
});

afterEach(() => {
    cleanup();
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    vi.clearAllMocks();
});

const pass = (seconds: number) => act(() => vi.advanceTimersByTimeAsync(seconds * 1000));
const refresh = vi.fn(() => Promise.resolve());

async function show(tab: Tab, more: Partial<api.Connector> | null = {}) {
    const one = more && { ...connector, ...more };
    const page = (
        <WithAlerts>
            <WithDialogs>
                <main>
                    <Detail
                        name={NAME}
                        tab={tab}
                        connector={one ?? undefined}
                        connectors={one ? [one] : []}
                        now={NOW}
                        refresh={refresh}
                    />
                </main>
            </WithDialogs>
        </WithAlerts>
    );
    render(page);
    await pass(0);
}

async function press(name: string, place = screen.getByRole("main")) {
    fireEvent.click(within(place).getByRole("button", { name }));
    await pass(0);
}

async function findFaults() {
    vi.useRealTimers();
    const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id }) => id);
}

test("a name that is not known leads back", async () => {
    await show("status", null);
    expect(screen.getByRole("heading", { level: 1, name: "There is no such connector" })).toBeTruthy();
    await press("All mail connectors");
    expect(go).toHaveBeenCalledWith([]);
});

test("a label that says nothing is no title", async () => {
    await show("status", { props: { ...connector.props, Label: " " } });
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe(NAME);
});

test("what a server said is text", async () => {
    await show("status", { status: "INVALID_CREDENTIALS", cause: "credentials", message: HOSTILE, failures: 1 });
    expect(screen.getByText(HOSTILE).getAttribute("dir")).toBe("auto");
    expect(document.querySelector("img")).toBeNull();
    expect(screen.getByRole("button", { name: "Reset" })).toBeTruthy();
});

test("tabs are in the location", async () => {
    await show("status");
    fireEvent.click(screen.getByRole("tab", { name: "Log" }));
    expect(go).toHaveBeenCalledWith(["connector", NAME, "log"]);
});

test("a run that was started here is followed to its end", async () => {
    const progress = { token: "a", statusVersion: 1, logOutput: null, result: null, error: null };
    vi.mocked(api.run).mockResolvedValue({ unit: "", token: "a" });
    vi.mocked(api.progress).mockResolvedValueOnce({
        ...{ ...progress, statusCode: "running", percentProgress: 40, statusText: "4 of 10 delivered." },
    });
    await show("status");
    await press("Run now");
    expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("40");
    expect(screen.getByText("4 of 10 delivered.")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Stop" })).toBeTruthy();

    vi.mocked(api.progress).mockResolvedValueOnce({
        ...{ ...progress, statusCode: "succeeded", percentProgress: 100, statusText: null },
        result: { messages: 10, bytes: 1, failed: 0, setAside: 0, deleted: 0, ...NONE },
    });
    await pass(1);
    expect(screen.getByText(/10 messages were fetched/)).toBeTruthy();
    expect(screen.queryByRole("progressbar")).toBeNull();
    await pass(10);
    expect(api.progress).toHaveBeenCalledTimes(2);
});

test("a run that never told anything is not asked after for ever", async () => {
    vi.mocked(api.run).mockResolvedValue({ unit: "", token: "a" });
    vi.mocked(api.progress).mockRejectedValue(new Problem("GenericError", "It told nothing.", { cause: "internal" }));
    await show("status");
    await press("Run now");
    await pass(60);
    expect(api.progress).toHaveBeenCalledOnce();
    expect(refresh).toHaveBeenCalledTimes(2);
    expect(screen.getByRole("button", { name: "Run now" })).toBeTruthy();
});

test("of a run that the timer started, the token is in the history", async () => {
    vi.mocked(api.history).mockResolvedValue([
        { token: "b", start: NOW, end: null, result: "running", messages: 0, bytes: 0, ...NONE },
    ]);
    vi.mocked(api.progress).mockReturnValue(new Promise(() => undefined));
    await show("status", { running: true, percent: 70 });
    expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("70");
    expect(api.progress).toHaveBeenCalledWith("b", undefined);
});

test("history is a chart and a table", async () => {
    vi.mocked(api.history).mockResolvedValue(
        Array.from({ length: 25 }, (_, index) => ({
            ...{ token: String(index), start: NOW - index * 3600, end: NOW - index * 3600 + 65, messages: 2, bytes: 9, ...NONE, passedOver: 4 },
            ...(index ? { result: "succeeded" } : { result: "failed", cause: "network", message: HOSTILE }),
        })),
    );
    await show("history");
    expect(screen.getByRole("img", { name: /50 messages in all.*Runs failed on 1 day/ })).toBeTruthy();
    const table = screen.getByRole("grid", { name: "Runs" });
    expect(within(table).getAllByRole("row")).toHaveLength(21);
    expect(within(table).getByText(HOSTILE)).toBeTruthy();
    expect(within(table).getAllByText("4 messages were passed over.")).toHaveLength(20);
    await press("Show more (5)");
    expect(within(table).getAllByRole("row")).toHaveLength(26);
    expect(await findFaults()).toEqual([]);
});

test("a history that cannot be read says so, and is asked for again", async () => {
    vi.mocked(api.history).mockRejectedValueOnce(new Error("It is locked."));
    await show("history");
    expect(screen.getByText("Error: It is locked.")).toBeTruthy();
    await press("Try again");
    expect(screen.getByText("No run yet")).toBeTruthy();
});

test("the log is followed until it is not to be", async () => {
    const line = (message: string, priority = 6) => ({ time: NOW, priority, message });
    vi.mocked(api.log).mockResolvedValueOnce({ lines: [line("one"), line(HOSTILE, 3)], cursor: "c1" });
    vi.mocked(api.log).mockResolvedValueOnce({ lines: [line("three", 4)], cursor: "c2" });
    vi.mocked(api.log).mockResolvedValue({ lines: [], cursor: "c2" });
    await show("log");
    const log = screen.getByRole("log");
    expect(within(log).getByText("Error")).toBeTruthy();
    expect(within(log).getByText(HOSTILE)).toBeTruthy();
    await pass(2);
    expect(api.log).toHaveBeenLastCalledWith(NAME, 1000, "c1");
    expect(within(log).getByText("Warning")).toBeTruthy();
    fireEvent.click(screen.getByRole("switch", { name: "Follow" }));
    const asked = vi.mocked(api.log).mock.calls.length;
    await pass(10);
    expect(api.log).toHaveBeenCalledTimes(asked);
    expect(await findFaults()).toEqual([]);
});

test("messages set aside are counted, and tried again one by one", async () => {
    vi.mocked(api.quarantine).mockResolvedValue(aside);
    vi.mocked(api.retry).mockResolvedValue(1);
    await show("quarantine");
    expect(screen.getByRole("tab", { name: "Quarantine 2" })).toBeTruthy();
    fireEvent.click(screen.getByRole("checkbox", { name: "Select 18" }));
    vi.mocked(api.quarantine).mockResolvedValue(aside.slice(0, 1));
    await press("Retry");
    expect(api.retry).toHaveBeenCalledExactlyOnceWith(NAME, "INBOX", "18");
    expect(screen.queryByRole("checkbox", { name: "Select 18" })).toBeNull();
    expect(await findFaults()).toEqual([]);
});

test("skipping says what it means, and asks", async () => {
    vi.mocked(api.quarantine).mockResolvedValue(aside);
    vi.mocked(api.skip).mockResolvedValue(1);
    await show("quarantine");
    fireEvent.click(screen.getByRole("checkbox", { name: "Select all" }));
    await press("Skip");
    const dialog = screen.getByRole("dialog", { name: /Skip 2 messages/ });
    expect(within(dialog).getByText(/stay on the server and are never fetched/)).toBeTruthy();
    expect(api.skip).not.toHaveBeenCalled();
    vi.mocked(api.quarantine).mockResolvedValue([]);
    await press("Skip", dialog);
    expect(vi.mocked(api.skip).mock.calls.map(([, , uid]) => uid)).toEqual(["17", "18"]);
    expect(screen.getByText("Nothing is set aside")).toBeTruthy();
});

test("a verification tells what it found", async () => {
    vi.mocked(api.verify).mockResolvedValue({ unit: "", token: "v" });
    vi.mocked(api.progress).mockResolvedValue({
        ...{ token: "v", statusVersion: 1, statusCode: "succeeded", percentProgress: 100, statusText: null },
        ...{ logOutput: null, error: null },
        result: {
            ...{ checked: 9, present: 7, moved: 1, elsewhere: 0, missing_count: 1, sound: true, problems: [] },
            missing: [{ folder: "INBOX", uid: "4", message_id: "<4@mail.example>" }],
        },
    });
    await show("status");
    await press(`Actions of ${NAME}`);
    fireEvent.click(screen.getByRole("menuitem", { name: /^Verify/ }));
    await pass(0);
    const dialog = screen.getByRole("dialog", { name: `Verify ${NAME}` });
    expect(within(dialog).getByText("1 message is not there")).toBeTruthy();
    expect(within(dialog).getByText("<4@mail.example>")).toBeTruthy();
});

test("all that is there is marked as fetched only after it was said what that means", async () => {
    vi.mocked(api.baseline).mockResolvedValue({ unit: "", token: "b" });
    vi.mocked(api.progress).mockResolvedValue({
        ...{ token: "b", statusVersion: 1, statusCode: "succeeded", percentProgress: 100, statusText: null },
        ...{ logOutput: null, error: null },
        result: { messages: 0, bytes: 0, failed: 0, setAside: 0, deleted: 0, ...NONE, baselined: 12 },
    });
    await show("status");
    await press(`Actions of ${NAME}`);
    fireEvent.click(screen.getByRole("menuitem", { name: /^Mark everything there now as fetched/ }));
    await pass(0);
    const dialog = screen.getByRole("dialog", { name: /Mark everything there now as fetched\?/ });
    expect(within(dialog).getByText(/It does not come to this machine, now or later/)).toBeTruthy();
    expect(api.baseline).not.toHaveBeenCalled();
    await press("Mark as fetched", dialog);
    expect(api.baseline).toHaveBeenCalledExactlyOnceWith(NAME);
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(screen.getByText("12 messages were marked as fetched.")).toBeTruthy();
});

test("why nothing was marked stands in the dialog", async () => {
    vi.mocked(api.baseline).mockRejectedValue(new Problem("Conflict", "It runs.", { cause: "running" }));
    await show("status");
    await press(`Actions of ${NAME}`);
    fireEvent.click(screen.getByRole("menuitem", { name: /^Mark everything there now as fetched/ }));
    await press("Mark as fetched", screen.getByRole("dialog"));
    expect(screen.getByText("It runs.")).toBeTruthy();
    expect(screen.getByText("Wait for the other run to end, or stop it.")).toBeTruthy();
});
