// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as api from "../src/api";
import { WithDialogs, useDialogs } from "../src/dialogs";
import { SignInDialog } from "../src/dialogs/signin";
import { Problem } from "../src/helpers";

vi.mock("../src/api");

const NOW = Date.UTC(2026, 10, 21, 12) / 1000;
const refresh = vi.fn(() => Promise.resolve());
const RUNNING: api.Progress = {
    token: "1",
    statusVersion: 1,
    statusCode: "running",
    percentProgress: null,
    statusText: null,
    logOutput: null,
    result: null,
    error: null,
};
const failure = (message: string): api.Progress => ({
    ...RUNNING,
    statusCode: "failed",
    error: { message, cause: "credentials", hint: "Sign in again." },
});
const withCode = (token: string, code: string): api.Authorization => ({
    token,
    address: "https://id.example/device",
    code,
    expires: NOW + 600,
});
const WITH_ADDRESS: api.Authorization = { token: "1", address: "https://id.example/auth?state=x", expires: NOW + 600 };

beforeEach(() => {
    vi.resetAllMocks();
    vi.useFakeTimers({ now: NOW * 1000, shouldAdvanceTime: true });
    vi.mocked(api.progress).mockResolvedValue(RUNNING);
    vi.mocked(api.cancelTask).mockResolvedValue({});
});
afterEach(() => {
    cleanup();
    vi.useRealTimers();
});

const settle = (milliseconds = 3100) => act(() => vi.advanceTimersByTimeAsync(milliseconds));
const press = async (name: string) => {
    fireEvent.click(screen.getByText(name, { selector: "button *" }));
    await settle(10);
};

function Opener() {
    const dialogs = useDialogs();
    return <button onClick={() => dialogs.show(<SignInDialog name="ann@h" user="ann" refresh={refresh} />)}>Open</button>;
}

async function open() {
    render(
        <WithDialogs>
            <Opener />
        </WithDialogs>,
    );
    fireEvent.click(screen.getByText("Open"));
    await settle(10);
}

const link = () => screen.getByRole("link", { name: /provider’s page/ });

test("a code is shown with its address and its time, until one has signed in", async () => {
    vi.mocked(api.authorize).mockResolvedValue(withCode("1", "ABCD-EFGH"));
    await open();
    expect(screen.getByText("ABCD-EFGH")).toBeTruthy();
    expect([link().getAttribute("href"), link().getAttribute("rel")]).toEqual([
        "https://id.example/device",
        "noopener noreferrer",
    ]);
    expect(screen.getByText(/valid for .*10:00/)).toBeTruthy();
    await settle(60_000);
    expect(screen.getByText(/valid for .*(9:00|8:5\d)/)).toBeTruthy();
    vi.mocked(api.progress).mockResolvedValue({ ...RUNNING, statusCode: "succeeded" });
    await settle();
    expect(screen.getByText("You are signed in")).toBeTruthy();
    expect(screen.queryByText("ABCD-EFGH")).toBeNull();
    expect(refresh).toHaveBeenCalled();
});

test("a sign-in that was refused tells why, and gives another code", async () => {
    vi.mocked(api.authorize).mockResolvedValueOnce(withCode("1", "ABCD-EFGH")).mockResolvedValueOnce(withCode("2", "IJKL-MNOP"));
    await open();
    vi.mocked(api.progress).mockResolvedValue(failure("The person said no."));
    await settle();
    expect(screen.getByText("The person said no.")).toBeTruthy();
    vi.mocked(api.progress).mockResolvedValue(RUNNING);
    await press("Get a new code");
    expect(screen.getByText("IJKL-MNOP")).toBeTruthy();
    expect(screen.queryByText("The person said no.")).toBeNull();
});

test("a code that nobody used expires", async () => {
    vi.mocked(api.authorize).mockResolvedValue(withCode("1", "ABCD-EFGH"));
    await open();
    vi.mocked(api.progress).mockResolvedValue(failure("It has expired."));
    vi.setSystemTime(new Date((NOW + 601) * 1000));
    await settle(3000);
    expect(screen.getByText(/Nobody signed in/)).toBeTruthy();
    expect(screen.queryByText("ABCD-EFGH")).toBeNull();
});

test("a provider that cannot be asked is told in words", async () => {
    vi.mocked(api.authorize).mockRejectedValue(new Problem("GenericError", "id.example does not answer."));
    await open();
    expect(screen.getByText("id.example does not answer.")).toBeTruthy();
    vi.mocked(api.authorize).mockResolvedValue(WITH_ADDRESS);
    await press("Try again");
    expect(link()).toBeTruthy();
});

test("the address where the browser ended is told once, and not kept", async () => {
    vi.mocked(api.authorize).mockResolvedValue(WITH_ADDRESS);
    vi.mocked(api.authorizeComplete).mockRejectedValue(new Problem("GenericError", "That is of another sign-in."));
    await open();
    const field = screen.getByLabelText(/Address where the browser ended/);
    await press("Complete the sign-in");
    expect(screen.getByText("Fill in this field.")).toBeTruthy();
    expect(api.authorizeComplete).not.toHaveBeenCalled();
    fireEvent.change(field, { target: { value: " http://127.0.0.1/?code=canary " } });
    await press("Complete the sign-in");
    expect(api.authorizeComplete).toHaveBeenCalledWith("ann@h", "http://127.0.0.1/?code=canary");
    expect(screen.getByText("That is of another sign-in.")).toBeTruthy();
    expect(document.body.innerHTML).not.toContain("canary");
    expect((field as HTMLInputElement).value).toBe("");
});

test("who cannot use a code may paste the address instead", async () => {
    vi.mocked(api.authorize).mockResolvedValueOnce(withCode("1", "ABCD-EFGH")).mockResolvedValueOnce(WITH_ADDRESS);
    await open();
    await press("Sign in without a code");
    expect(api.authorize).toHaveBeenLastCalledWith("ann@h", "code");
    expect(screen.getByLabelText(/Address where the browser ended/)).toBeTruthy();
    expect(screen.queryByText("ABCD-EFGH")).toBeNull();
});

test("who leaves ends the sign-in, and after its end there is nothing to end", async () => {
    vi.mocked(api.authorize).mockResolvedValue(withCode("7", "ABCD-EFGH"));
    await open();
    await press("Sign in later");
    expect(api.cancelTask).toHaveBeenCalledWith("7");
    expect(screen.queryByRole("dialog")).toBeNull();
    cleanup();
    vi.mocked(api.progress).mockResolvedValue({ ...RUNNING, statusCode: "succeeded" });
    await open();
    await settle();
    await press("Close");
    expect(api.cancelTask).toHaveBeenCalledOnce();
});

test("what is no address of the web is no link", async () => {
    vi.mocked(api.authorize).mockResolvedValue({ ...WITH_ADDRESS, address: "javascript:alert(1)" });
    await open();
    expect(screen.queryByRole("link")).toBeNull();
    expect(screen.getByText("javascript:alert(1)")).toBeTruthy();
});
