// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WithAlerts } from "../src/alerts";
import * as api from "../src/api";
import { WithDialogs } from "../src/dialogs";
import { Problem } from "../src/helpers";
import { Overview } from "../src/overview/overview";

vi.mock("../src/api");
// Looking for faults takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const NOW = new Date(2026, 10, 21, 12).getTime() / 1000;
const HOSTILE = "<img src=x onerror=alert(1)> refused";

function connector(name: string, known: Partial<api.Connector> = {}): api.Connector {
    return {
        ...{ name, type: "getmail", status: "OK", last_run: NOW - 600, next_run: NOW + 600, failures: 0 },
        ...{ props: { Account: "ann", Server: "mail.example", Username: name, Retriever: "SimpleIMAPSSLRetriever" } },
        ...{ messages: 3, bytes: 6000, running: false, days: { "2026-11-21": 3 } },
        ...known,
    };
}

const few = [
    connector("ann"),
    connector("bob", { running: true, percent: 40 }),
    connector("cid", { status: "INVALID_CREDENTIALS", cause: "credentials", message: HOSTILE, last_run: null }),
    connector("dan", { status: "DISABLED", next_run: null }),
];
const refresh = vi.fn(() => Promise.resolve());

function show(connectors: api.Connector[], broken: api.Broken[] = []) {
    const page = (those: api.Connector[]) => (
        <WithAlerts>
            <WithDialogs>
                <Overview connectors={those} broken={broken} now={NOW} refresh={refresh} />
            </WithDialogs>
        </WithAlerts>
    );
    const { container, rerender } = render(page(connectors));
    return { container, again: (those: api.Connector[]) => rerender(page(those)) };
}

const shown = () => [...document.querySelectorAll<HTMLElement>("[data-connector]")].map((row) => row.dataset.connector);
/** What is clicked may do something that takes its time. */
const click = (place: HTMLElement | undefined) =>
    act(() => {
        if (place) fireEvent.click(place);
        return Promise.resolve();
    });
const press = (name: string) => click(screen.getAllByRole("button", { name })[0]);
const select = (name: string) => fireEvent.click(screen.getByRole("checkbox", { name: `Select ${name}` }));

beforeEach(() => {
    for (const action of ["run", "enable", "disable"] as const) vi.mocked(api[action]).mockResolvedValue({} as never);
});
afterEach(async () => {
    // What is looked for is kept for who comes back.
    await click(screen.queryAllByText("Clear filters")[0]);
    cleanup();
    vi.clearAllMocks();
});

test("has no fault that a screen reader meets", async () => {
    const { container } = show(few, [{ line: 3, reason: HOSTILE }]);
    // Colours are not known here.
    const { violations } = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
    expect(container.querySelector("img")).toBeNull();
});

test("without a connector there is one button", () => {
    show([]);
    expect(screen.getAllByRole("button").map((button) => button.textContent)).toEqual(["Add connector"]);
});

test("a running fetch shows how far it is", () => {
    const { again } = show(few);
    expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("40");
    again(few.map((one) => (one.running ? { ...one, percent: 80 } : one)));
    expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("80");
});

test("cards and search show some, and all again", async () => {
    show(few);
    await press("1 Failing");
    expect(shown()).toEqual(["cid"]);
    expect(screen.getByText("The server refused this user name and password.")).toBeTruthy();
    await press("1 Running");
    expect(shown()).toEqual(["bob"]);
    await press("1 Running");
    fireEvent.change(screen.getByRole("searchbox", { name: "Search" }), { target: { value: "nobody" } });
    expect(shown()).toEqual([]);
    expect(screen.getByRole("heading", { name: "No connector matches" })).toBeTruthy();
    await press("Clear filters");
    expect(shown()).toEqual(["ann", "bob", "cid", "dan"]);
});

test("only a page of many is in the document", async () => {
    show(Array.from({ length: 1000 }, (_, index) => connector(`c${index}`)));
    expect(shown()).toHaveLength(25);
    await press("Next page");
    expect(shown()[0]).toBe("c25");
});

test("what is selected is acted upon, and what fails is told", async () => {
    vi.mocked(api.run).mockImplementation((name) =>
        name === "dan" ? Promise.reject(new Problem("Conflict", "It is disabled.")) : Promise.resolve({ unit: "" }),
    );
    show(few);
    select("ann");
    select("dan");
    await press("Run");
    expect(vi.mocked(api.run).mock.calls.flat()).toEqual(["ann", "dan"]);
    expect(screen.getByText("dan: It is disabled.")).toBeTruthy();
    expect(refresh).toHaveBeenCalled();
});

test("what is selected but not shown is left alone", async () => {
    show(few);
    select("ann");
    select("cid");
    await press("1 Failing");
    await press("Disable");
    expect(vi.mocked(api.disable).mock.calls.flat()).toEqual(["cid"]);
});

test("a row's menu does what it says", async () => {
    show(few);
    await press("Actions of dan");
    const menu = within(screen.getByRole("menu"));
    expect(menu.getAllByRole("menuitem").map((item) => item.textContent)).toEqual(["Edit", "Enable", "Remove"]);
    await click(menu.getByRole("menuitem", { name: "Enable" }));
    expect(vi.mocked(api.enable).mock.calls.flat()).toEqual(["dan"]);
});

test("today is the machine's, wherever the person is", () => {
    const days = { "2026-11-21": 3, "2026-11-22": 5 };
    const page = (today?: string) => (
        <Overview connectors={[connector("ann", { days })]} broken={[]} today={today} now={NOW} refresh={refresh} />
    );
    const { rerender } = render(page("2026-11-22"));
    const fetched = () => screen.getByText("Fetched today").parentElement?.textContent;
    expect(fetched()).toContain("5");
    rerender(page());
    expect(fetched()).toContain("3");
});
