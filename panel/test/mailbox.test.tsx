// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import "./patience";
import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import cockpit from "cockpit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as api from "../src/api";
import type { TabProps } from "../src/detail/detail";
import { Problem } from "../src/helpers";
import { MailboxTab } from "../src/mailbox/mailbox";

vi.mock("../src/api");
vi.setConfig({ testTimeout: 60_000 });

const NAME = "ann@mail.example";
const HOSTILE = "<img src=x onerror=top.hacked=1>";
const go = vi.fn();
const connector: api.Connector = {
    ...{ name: NAME, type: "getmail", status: "OK", last_run: null, next_run: null, failures: 0, messages: 0, bytes: 0 },
    running: false,
    props: { Retriever: "SimpleIMAPSSLRetriever", Server: "mail.example", Username: NAME },
};

function folder(name: string, more: Partial<api.RemoteFolder> = {}): api.RemoteFolder {
    const counts = { messages: 3, unseen: 0, size: null, special_use: null, local: null, separator: "/" };
    return { name, ...counts, subscribed: true, selectable: true, chosen: false, ...more };
}

function message(uid: string, more: Partial<api.RemoteMessage> = {}): api.RemoteMessage {
    const people = { sent_from: [{ name: "Ann", email: "ann@mail.example" }], sent_to: [{ name: "", email: "bob@mail.example" }] };
    return { uid, flags: ["\\Seen"], size: 2000, received: 1_700_000_000, subject: `No. ${uid}`, date: "then", ...people, ...more };
}

const whole = (more: Partial<api.ReadMessage["message"]> = {}): api.ReadMessage => ({
    message: { ...message("9"), headers: [{ Name: "X-Odd", Value: HOSTILE }], body: { plain: ["Hello"], html: [] }, ...more },
    attachments: [],
    cut: false,
});

beforeEach(() => {
    vi.resetAllMocks();
    Object.assign(cockpit, { location: { path: [], go } });
    vi.mocked(api.folders).mockResolvedValue({ folders: [folder("INBOX", { unseen: 2, chosen: true }), folder(HOSTILE)], more: 0 });
    vi.mocked(api.messages).mockResolvedValue({ total: 2, messages: [message("9"), message("8", { flags: [] })], before: null });
});
afterEach(cleanup);

const settle = () => act(() => new Promise((resolve) => setTimeout(resolve, 0)));

function page(place: { folder?: string; uid?: string }, props: Record<string, string>) {
    const tab = { connector: { ...connector, props: { ...connector.props, ...props } }, ...place };
    return (
        <main>
            <h1>{NAME}</h1>
            <MailboxTab {...(tab as unknown as TabProps)} />
        </main>
    );
}

async function show(place: { folder?: string; uid?: string } = {}, props: Record<string, string> = {}) {
    const shown = render(page(place, props));
    await settle();
    return async (next: { folder?: string; uid?: string }) => {
        shown.rerender(page(next, props));
        await settle();
    };
}

async function press(name: string | RegExp) {
    fireEvent.click(screen.getByRole("button", { name }));
    await settle();
}

async function findFaults() {
    const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id }) => id);
}

test("folders and the newest messages are shown, whatever they are called", async () => {
    await show();
    const folders = screen.getByRole("navigation", { name: "Folders" });
    const inbox = within(folders).getByRole("button", { name: /^INBOX 3 messages.*2 unread · Fetched by this connector/ });
    expect(inbox.getAttribute("aria-current")).toBe("page");
    expect(within(folders).getByText(HOSTILE)).toBeTruthy();
    expect(document.querySelector("img")).toBeNull();
    expect(api.messages).toHaveBeenCalledExactlyOnceWith(NAME, { folder: "INBOX", limit: 50 });
    expect(screen.getAllByRole("row")).toHaveLength(3);
    expect(screen.getAllByText("Unread")).toHaveLength(1);
    expect(await findFaults()).toEqual([]);
});

test("a folder and a message are places to come back to", async () => {
    await show();
    fireEvent.click(screen.getByText(HOSTILE));
    expect(go).toHaveBeenLastCalledWith(["connector", NAME, "mailbox"], { folder: HOSTILE });
    await press("No. 9");
    expect(go).toHaveBeenLastCalledWith(["connector", NAME, "mailbox"], { folder: "INBOX", uid: "9" });
});

test("older ones come after those that are there, also after a message was read", async () => {
    vi.mocked(api.messages).mockResolvedValueOnce({ total: 3, messages: [message("9")], before: "9" });
    vi.mocked(api.messages).mockResolvedValueOnce({ total: 3, messages: [message("4"), message("2")], before: null });
    vi.mocked(api.message).mockResolvedValue(whole());
    const open = await show();
    expect(screen.getByText("1 of 3 messages, the newest first")).toBeTruthy();
    await press("Older");
    expect(api.messages).toHaveBeenLastCalledWith(NAME, { folder: "INBOX", limit: 50, before: "9" });
    expect(screen.getByRole("status").textContent).toBe("3 messages");
    expect(screen.queryByRole("button", { name: "Older" })).toBeNull();
    await open({ folder: "INBOX", uid: "4" });
    expect(screen.queryByRole("row")).toBeNull();
    await open({ folder: "INBOX" });
    expect(screen.getAllByRole("row")).toHaveLength(4);
    expect(document.activeElement?.textContent).toBe("No. 4");
    expect(api.messages).toHaveBeenCalledTimes(2);
});

test("words are searched for, and criteria that are none are told in plain words", async () => {
    await show();
    fireEvent.change(screen.getByLabelText("Search in this folder"), { target: { value: "invoice" } });
    vi.mocked(api.messages).mockResolvedValueOnce({ total: 0, messages: [], before: null });
    await press("Search");
    expect(api.messages).toHaveBeenLastCalledWith(NAME, { folder: "INBOX", limit: 50, search: 'TEXT "invoice"' });
    expect(screen.getByText("No message was found")).toBeTruthy();
    const faults = [{ parameter: "search", error: "format" }];
    vi.mocked(api.messages).mockRejectedValueOnce(new Problem("NotValid", "validation_failed", {}, faults));
    await press("Look again");
    expect(screen.getByText(/These are no IMAP search criteria/)).toBeTruthy();
});

test("an empty folder, and one that is looked for, say so", async () => {
    vi.mocked(api.messages).mockReturnValueOnce(new Promise(() => undefined));
    vi.mocked(api.folders).mockReturnValueOnce(new Promise(() => undefined));
    await show();
    expect(screen.getByLabelText("Looking for messages")).toBeTruthy();
    expect(screen.getByLabelText("Looking for folders")).toBeTruthy();
    vi.mocked(api.messages).mockResolvedValueOnce({ total: 0, messages: [], before: null });
    await press("Look again");
    expect(screen.getByText("This folder is empty")).toBeTruthy();
});

test("what went wrong is told with the helper's sentence and a next step, and tried again", async () => {
    const problem = new Problem("GenericError", "mail.example does not answer.", { cause: "network", hint: "Check it." });
    vi.mocked(api.messages).mockRejectedValueOnce(problem);
    vi.mocked(api.folders).mockRejectedValueOnce(new Problem("GenericError", "No.", { hint: "Ask ann." }));
    await show();
    expect(screen.getByText("mail.example does not answer.")).toBeTruthy();
    expect(screen.getByText(/Check the server name, the port and the network/)).toBeTruthy();
    expect(screen.getByText("Ask ann.")).toBeTruthy();
    for (const button of screen.getAllByRole("button", { name: "Try again" })) fireEvent.click(button);
    await settle();
    expect(screen.getAllByRole("row")).toHaveLength(3);
    expect(screen.getByText(HOSTILE)).toBeTruthy();
});

test("POP3 has its one folder, no search and nothing unread", async () => {
    vi.mocked(api.messages).mockResolvedValueOnce({ total: 1, messages: [message("x", { flags: [], received: null })], before: null });
    await show({ folder: "Sent" }, { Retriever: "SimplePOP3Retriever" });
    expect(api.folders).not.toHaveBeenCalled();
    expect(api.messages).toHaveBeenCalledExactlyOnceWith(NAME, { folder: "INBOX", limit: 50 });
    expect(screen.queryByLabelText("Search in this folder")).toBeNull();
    expect(screen.queryByText("Unread")).toBeNull();
    expect(screen.getByText("then")).toBeTruthy();
});

test("a message is shown as text, with its headers folded", async () => {
    vi.mocked(api.message).mockResolvedValue(whole({ subject: HOSTILE, body: { plain: [HOSTILE], html: ["<b>other</b>"] } }));
    await show({ folder: "INBOX", uid: "9" });
    expect(screen.getByRole("heading", { level: 2, name: HOSTILE })).toBeTruthy();
    expect(document.querySelector(".getmail-mail-text")?.textContent).toBe(HOSTILE);
    expect(screen.queryByText("X-Odd")).toBeNull();
    await press("All headers (1)");
    expect(screen.getByText("X-Odd")).toBeTruthy();
    expect(document.querySelector("img")).toBeNull();
    await press("Back to the messages");
    expect(go).toHaveBeenLastCalledWith(["connector", NAME, "mailbox"], { folder: "INBOX" });
    expect(await findFaults()).toEqual([]);
});

test("a message that has only HTML is shown as its text, and says so", async () => {
    const html = `<style>b{}</style><p>Dear <b>Ann</b></p>${HOSTILE}<script>top.hacked=1</script>`;
    vi.mocked(api.message).mockResolvedValue({ ...whole({ body: { plain: [], html: [html] } }), cut: true });
    await show({ folder: "INBOX", uid: "9" });
    expect(document.querySelector(".getmail-mail-text")?.textContent).toBe("Dear Ann");
    expect(screen.getByText(/was written as a web page/)).toBeTruthy();
    expect(screen.getByText("Only the beginning of this message is shown")).toBeTruthy();
    expect(document.querySelector("img, main script, main style")).toBeNull();
    expect(window).not.toHaveProperty("hacked");
});

test("a long text is shown in full only when that is wanted", async () => {
    vi.mocked(api.message).mockResolvedValue(whole({ body: { plain: ["x".repeat(250_000)], html: [] } }));
    await show({ folder: "INBOX", uid: "9" });
    const length = () => document.querySelector(".getmail-mail-text")?.textContent.length;
    expect(length()).toBe(100_000);
    await press("Show the rest");
    expect(length()).toBe(250_000);
});

const FILE = { id: "2", file_name: "a <b>.pdf", type: "application/pdf", size: 6, inline: false };

test("a file is fetched in parts, and can be stopped", async () => {
    vi.mocked(api.message).mockResolvedValue({ ...whole(), attachments: [{ ...FILE, id: "3", file_name: "", inline: true }, FILE] });
    const saved: string[] = [];
    URL.createObjectURL = () => "blob:1";
    URL.revokeObjectURL = vi.fn();
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
        saved.push(this.download);
    });
    const later: ((part: api.FilePart) => void)[] = [];
    vi.mocked(api.file).mockImplementation(() => new Promise((resolve) => later.push(resolve)));
    const part = (next: number | null) => act(async () => {
        later.shift()?.({ file: FILE, data: btoa("abc"), next });
        await Promise.resolve();
    });
    await show({ folder: "INBOX", uid: "9" });
    expect(screen.getAllByRole("button", { name: /^Download/ }).map((one) => one.ariaLabel ?? one.getAttribute("aria-label"))).toEqual([
        "Download a <b>.pdf",
        "Download File without a name",
    ]);
    await press("Download a <b>.pdf");
    await part(3);
    await waitFor(() => expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("50"));
    await part(null);
    await waitFor(() => expect(saved).toEqual(["a <b>.pdf"]));
    expect(vi.mocked(api.file).mock.calls.map(([, , uid, id, offset]) => [uid, id, offset])).toEqual([
        ["9", "2", 0],
        ["9", "2", 3],
    ]);
    await press("Download a <b>.pdf");
    await press("Stop the download of a <b>.pdf");
    await part(null);
    expect(saved).toHaveLength(1);
    expect(screen.queryByRole("progressbar")).toBeNull();
});

test("a file that cannot be fetched says why", async () => {
    vi.mocked(api.message).mockResolvedValue({ ...whole(), attachments: [FILE] });
    vi.mocked(api.file).mockRejectedValue(new Problem("GenericError", "It is gone.", { cause: "mailbox" }));
    await show({ folder: "INBOX", uid: "9" });
    await press("Download a <b>.pdf");
    expect(screen.getByText("It is gone.")).toBeTruthy();
});
