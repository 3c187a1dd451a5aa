// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import "./patience";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as api from "../src/api";
import { WithAlerts } from "../src/alerts";
import { WithDialogs, useDialogs } from "../src/dialogs";
import { ConnectorDialog } from "../src/dialogs/connector";
import { RemoveDialog } from "../src/dialogs/remove";
import { Problem } from "../src/helpers";
import type { ReactNode } from "react";

vi.mock("../src/api");

const STORED: api.Connector = {
    name: "ann@imap.example.com",
    type: "getmail",
    props: {
        type: "getmail",
        Retriever: "SimpleIMAPSSLRetriever",
        Server: "imap.example.com",
        Username: "ann",
        Password: "",
        Account: "ann",
        Label: "work",
    },
    status: "OK",
    last_run: null,
    next_run: null,
    failures: 0,
    messages: 0,
    bytes: 0,
    running: false,
};
const FOUND: api.Checked = { tls: "TLSv1.3", capabilities: [], folder: "INBOX", messages: 200 };

const refresh = vi.fn(() => Promise.resolve());

beforeEach(() => {
    vi.resetAllMocks();
    refresh.mockResolvedValue();
    vi.mocked(api.accounts).mockResolvedValue([{ name: "ann", user: true, connectors: 1 }]);
    // jsdom shows nothing, and so scrolls nothing.
    Element.prototype.scrollIntoView = vi.fn();
});
afterEach(cleanup);

function Opener({ dialog }: { dialog: ReactNode }) {
    const dialogs = useDialogs();
    return <button onClick={() => dialogs.show(dialog)}>Open</button>;
}

async function open(dialog: ReactNode) {
    render(
        <WithAlerts>
            <WithDialogs>
                <Opener dialog={dialog} />
            </WithDialogs>
        </WithAlerts>,
    );
    fireEvent.click(screen.getByText("Open"));
    await screen.findByRole("dialog");
}

const add = () => open(<ConnectorDialog connectors={[STORED]} refresh={refresh} />);
const edit = () => open(<ConnectorDialog connector={STORED} connectors={[STORED]} refresh={refresh} />);

function field(name: string): HTMLInputElement {
    const found = document.getElementById(`field-${name}`);
    if (!found) throw new Error(`no field ${name}`);
    return found as HTMLInputElement;
}

function fill(values: Record<string, string>) {
    for (const [name, value] of Object.entries(values)) fireEvent.change(field(name), { target: { value } });
}

// By its text: to look for a role in all of the dialog takes jsdom long.
const press = (name: string) => fireEvent.click(screen.getByText(name, { selector: "button *" }));
const isClosed = () => waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());

/** Return a promise, and what fulfils it. */
function later<Answer>() {
    let answer: (value: Answer) => void = () => undefined;
    const promise = new Promise<Answer>((resolve) => (answer = resolve));
    return { promise, answer };
}

test("a provider fills in the server, and tells what it wants", async () => {
    await add();
    fill({ preset: "gmail" });
    expect(field("Server").value).toBe("imap.gmail.com");
    expect(field("Port").value).toBe("993");
    expect(screen.getByRole("link", { name: /app password/ }).getAttribute("rel")).toContain("noreferrer");
    fill({ Server: "imap.example.com" });
    expect(field("preset").value).toBe("other");
});

test("what is wrong stands at its field, and nothing that was typed is lost", async () => {
    const faults = [
        { parameter: "CAFile", error: "format" },
        { parameter: "Username", error: "required" },
    ];
    vi.mocked(api.validateCreate).mockRejectedValue(new Problem("NotValid", "validation_failed", {}, faults));
    await add();
    fill({ Server: "imap.example.com", Password: "secret" });
    press("Add");
    await waitFor(() => expect(document.activeElement).toBe(field("Username")));
    expect(field("Username").getAttribute("aria-invalid")).toBe("true");
    expect(field("Username").getAttribute("aria-describedby")).toBe("field-Username-error");
    expect(document.getElementById("field-CAFile-error")?.textContent).toContain("slash");
    expect(screen.getByText("Advanced settings").closest("[aria-expanded=true]")).not.toBeNull();
    expect([field("Server").value, field("Password").value]).toEqual(["imap.example.com", "secret"]);
    fill({ Username: "ann" });
    expect(document.getElementById("field-Username-error")).toBeNull();
    expect(api.create).not.toHaveBeenCalled();
});

test("a problem that is of no field is told in the dialog", async () => {
    vi.mocked(api.validateCreate).mockRejectedValue(new Problem("Conflict", "The database is locked."));
    await add();
    press("Add");
    expect(await screen.findByText("The database is locked.")).toBeTruthy();
    expect(screen.getByRole("dialog")).toBeTruthy();
});

test("what was added is told, and the list is asked anew", async () => {
    vi.mocked(api.validateCreate).mockResolvedValue({});
    vi.mocked(api.create).mockResolvedValue({ name: "bob@imap.example.com" });
    await add();
    fill({ Server: "imap.example.com", Username: "bob", Password: "secret", Account: "bob" });
    press("Add");
    await isClosed();
    expect(await screen.findByText("Added bob@imap.example.com")).toBeTruthy();
    expect(refresh).toHaveBeenCalledOnce();
});

test("who leaves while it is looked at adds nothing", async () => {
    const { promise, answer } = later<object>();
    vi.mocked(api.validateCreate).mockReturnValue(promise);
    await add();
    press("Add");
    press("Cancel");
    await act(async () => {
        answer({});
        await promise;
    });
    expect(api.create).not.toHaveBeenCalled();
    expect(screen.queryByRole("dialog")).toBeNull();
});

test("a connector that fetches the same mailbox is named", async () => {
    await add();
    fill({ Server: "IMAP.example.com", Username: "ann" });
    expect(screen.getByText(/ann@imap.example.com delivers it to ann/)).toBeTruthy();
});

test("an edit never shows the password, and sends only what was changed", async () => {
    vi.mocked(api.validateUpdate).mockResolvedValue({});
    vi.mocked(api.update).mockResolvedValue({ name: STORED.name });
    await edit();
    expect([field("Password").value, field("Password").placeholder]).toEqual(["", "Stored"]);
    fill({ Label: "", Time: "60" });
    press("Save");
    await isClosed();
    const changes = { Label: null, Time: "60" };
    expect(api.validateUpdate).toHaveBeenCalledWith(STORED.name, changes);
    expect(api.update).toHaveBeenCalledWith(STORED.name, changes);
});

test("an edit without a change asks for nothing", async () => {
    await edit();
    press("Save");
    await isClosed();
    expect(api.validateUpdate).not.toHaveBeenCalled();
    expect(api.update).not.toHaveBeenCalled();
});

test("a check of a stored connector names it, so that its password is used", async () => {
    vi.mocked(api.checkCredentials).mockResolvedValue(FOUND);
    await edit();
    press("Check credentials");
    expect(await screen.findByText("The log-in works: 200 messages.")).toBeTruthy();
    const [props, name] = vi.mocked(api.checkCredentials).mock.calls[0] ?? [];
    expect(props).not.toHaveProperty("Password");
    expect(name).toBe(STORED.name);
});

test("it is told that another server gets the stored password once it is saved, and what a check needs", async () => {
    const missing = { parameter: "Password", error: "required" };
    vi.mocked(api.checkCredentials).mockRejectedValueOnce(new Problem("NotValid", "validation_failed", {}, [missing]));
    await edit();
    expect(screen.getByText(/keep the stored password/)).toBeTruthy();
    fill({ Server: "imap.example.org" });
    const hint = document.getElementById("field-Password-hint");
    expect(hint?.textContent).toMatch(/stored password is sent to .*imap\.example\.org.* once this is saved/);
    press("Check credentials");
    await waitFor(() => expect(document.getElementById("field-Password-error")?.textContent).toContain("Fill in"));
    expect(document.activeElement).toBe(field("Password"));
});

test("an answer to what is no longer in the form is not shown", async () => {
    const { promise, answer } = later<api.Checked>();
    vi.mocked(api.checkCredentials).mockReturnValue(promise);
    await edit();
    press("Check credentials");
    fill({ Username: "bob" });
    await act(async () => {
        answer(FOUND);
        await promise;
    });
    expect(screen.queryByText(/The log-in works/)).toBeNull();
});

test("a certificate is shown before it is trusted, and then checked again", async () => {
    const fingerprint = "0a".repeat(32);
    const details = { cause: "tls", untrusted: true as const, fingerprint, subject: "CN=here", issuer: "CN=me" };
    vi.mocked(api.checkCredentials)
        .mockRejectedValueOnce(new Problem("GenericError", "It is self-signed.", details))
        .mockResolvedValueOnce(FOUND);
    await edit();
    press("Check credentials");
    expect(await screen.findByText("It is self-signed.")).toBeTruthy();
    expect(screen.getByRole("dialog").textContent).toContain("0A:0A:0A");
    press("Trust this certificate");
    expect(await screen.findByText(/The log-in works/)).toBeTruthy();
    const grouped = Array<string>(32).fill("0A").join(":");
    expect(field("Fingerprint").value).toBe(grouped);
    expect(vi.mocked(api.checkCredentials).mock.calls[1]?.[0]).toMatchObject({ Fingerprint: grouped });
    expect(document.activeElement?.textContent).toContain("Check credentials");
});

test("a log-in without encryption is no plain success", async () => {
    vi.mocked(api.checkCredentials).mockResolvedValue({ ...FOUND, tls: null });
    await edit();
    press("Check credentials");
    expect(await screen.findByText(/not encrypted/)).toBeTruthy();
});

test("deletion at the provider is told in words that name the mailbox", async () => {
    await edit();
    fill({ Delete: "0" });
    expect(screen.getByText(/inbox of ann on imap.example.com is deleted there for good/)).toBeTruthy();
    fill({ Delete: "later", "Delete-amount": "7" });
    expect(screen.getByText(/7 days after it was delivered/)).toBeTruthy();
    fill({ Delete: "-1" });
    expect(screen.queryByText(/deleted there for good/)).toBeNull();
});

test("Escape asks once more before it discards what was typed", async () => {
    await add();
    fill({ Server: "imap.example.com" });
    fireEvent.keyDown(field("Server"), { key: "Escape" });
    expect(screen.getByText(/Press Escape again/)).toBeTruthy();
    fireEvent.keyDown(field("Server"), { key: "Escape" });
    await isClosed();
});

test("an account can be chosen by keyboard, or be any other", async () => {
    await add();
    fill({ Account: "a" });
    await screen.findByText("User of this machine, 1 connector");
    fireEvent.keyDown(field("Account"), { key: "ArrowDown" });
    fireEvent.keyDown(field("Account"), { key: "Enter" });
    expect(field("Account").value).toBe("ann");
    fill({ Account: "nobody@example.org" });
    expect(field("Account").value).toBe("nobody@example.org");
    expect(field("Account").getAttribute("aria-expanded")).toBe("false");
});

test("removing says what it destroys, and keeps what it could not remove", async () => {
    vi.mocked(api.remove).mockImplementation((name) =>
        name === "b" ? Promise.reject(new Problem("Conflict", "It is locked.")) : Promise.resolve({ name }),
    );
    const removed = vi.fn();
    await open(<RemoveDialog names={["a", "b"]} removed={removed} refresh={refresh} />);
    expect(screen.getByRole("dialog", { name: /Remove 2 connectors\?/ }).textContent).toContain("password");
    press("Remove");
    expect(await screen.findByText("b: It is locked.")).toBeTruthy();
    expect(await screen.findByRole("dialog", { name: /Remove b\?/ })).toBeTruthy();
    expect(removed).toHaveBeenCalledOnce();
    expect(refresh).toHaveBeenCalledOnce();
});

test("who cancels keeps what was not removed yet", async () => {
    const begun: (() => void)[] = [];
    vi.mocked(api.remove).mockImplementation(
        (name) => new Promise((resolve) => begun.push(() => resolve({ name }))),
    );
    await open(<RemoveDialog names={["a", "b", "c", "d", "e", "f"]} removed={() => undefined} refresh={refresh} />);
    press("Remove");
    await waitFor(() => expect(begun).toHaveLength(4));
    press("Cancel");
    await isClosed();
    for (const end of begun) end();
    expect(await screen.findByText("Removed 4 connectors")).toBeTruthy();
    expect(api.remove).toHaveBeenCalledTimes(4);
});

test("a connector that was removed is told", async () => {
    vi.mocked(api.remove).mockResolvedValue({ name: "a" });
    await open(<RemoveDialog names={["a"]} removed={() => undefined} refresh={refresh} />);
    press("Remove");
    await isClosed();
    expect(await screen.findByText("Removed a")).toBeTruthy();
});

const FOLDERS: api.RemoteFolder[] = [
    { name: "INBOX", special_use: null },
    { name: "Sent", special_use: "\\Sent" },
    { name: "<b>Work</b>", special_use: null },
].map((one) => ({
    ...{ separator: "/", messages: 3, unseen: 0, size: null, subscribed: true, selectable: true, chosen: false, local: null },
    ...one,
}));
const PREVIEW: api.Preview = {
    folders: [{ name: "INBOX", messages: 40, wanted: 31, passed: 9 }],
    ...{ more: 0, wanted: 31, passed: 9, left: 21 },
    messages: [
        {
            ...{ folder: "INBOX", uid: "9", flags: [], size: 100, received: null, date: "yesterday" },
            ...{ subject: "<img src=x>", sent_from: [{ name: "", email: "a@b.example" }], sent_to: [] },
        },
    ],
};

test("folders are chosen from those that the server has, before anything is stored", async () => {
    vi.mocked(api.folders).mockResolvedValue({ folders: FOLDERS, more: 0 });
    await add();
    fill({ Server: "imap.example.com", Username: "ann", Password: "secret" });
    press("Choose folders");
    const box = (name: string) => screen.getByRole<HTMLInputElement>("checkbox", { name, hidden: true });
    expect((await screen.findByText("<b>Work</b>")).closest("li")).not.toBeNull();
    expect(vi.mocked(api.folders).mock.calls[0]?.[0]).toMatchObject({ form: { Server: "imap.example.com", Password: "secret" } });
    expect(["INBOX", "Sent"].map((name) => box(name).checked)).toEqual([true, false]);
    fireEvent.click(box("Sent"));
    expect([field("Folders").value, box("Sent").checked]).toEqual(["INBOX, Sent", true]);
    press("All folders");
    fireEvent.click(box("<b>Work</b>"));
    expect(field("Folders").value).toBe("*, !<b>Work</b>");
    // Of another server they may be others.
    fill({ Server: "imap.example.org" });
    expect(screen.queryByText("<b>Work</b>")).toBeNull();
});

test("what would be fetched is shown, as text, until something else is selected", async () => {
    vi.mocked(api.preview).mockResolvedValue(PREVIEW);
    await edit();
    fill({ Search: "UNSEEN", MaxMessages: "10" });
    press("Show what it would fetch");
    expect(await screen.findByText("It would fetch 31 messages.")).toBeTruthy();
    expect(screen.getByText(/21 of them are left for later runs. 9 are passed over/)).toBeTruthy();
    expect(screen.getByText("<img src=x>")).toBeTruthy();
    expect(screen.getByText(/What was fetched before is not fetched again/)).toBeTruthy();
    const [asked] = vi.mocked(api.preview).mock.calls[0] ?? [];
    expect(asked).toMatchObject({ name: STORED.name, form: { Search: "UNSEEN", MaxMessages: "10" } });
    fill({ Since: "2026-01-31" });
    expect(screen.queryByText(/It would fetch/)).toBeNull();
});

test("criteria that are none are told at their field", async () => {
    const faults = [{ parameter: "form.Search", error: "format" }];
    vi.mocked(api.preview).mockRejectedValue(new Problem("NotValid", "validation_failed", {}, faults));
    await add();
    fill({ Search: "UNSEN" });
    press("Show what it would fetch");
    await waitFor(() => expect(document.getElementById("field-Search-error")?.textContent).toContain("no IMAP search criteria"));
});

test("why a mailbox cannot be looked into is told, with what to try", async () => {
    const problem = new Problem("GenericError", "mail.example does not answer.", { cause: "network" });
    vi.mocked(api.preview).mockRejectedValue(problem);
    await edit();
    press("Show what it would fetch");
    expect(await screen.findByText("The server could not be reached.")).toBeTruthy();
    expect(screen.getByText("mail.example does not answer.")).toBeTruthy();
    expect(screen.getByText(/Check the server name/)).toBeTruthy();
});

test("what does not apply to POP3 is not there", async () => {
    await add();
    const there = () => ["Folders", "FolderMap", "Search", "Since", "MarkSeen"].map((name) => !!document.getElementById(`field-${name}`));
    expect(there()).toEqual([true, true, true, true, true]);
    fill({ Retriever: "SimplePOP3SSLRetriever" });
    expect(there()).toEqual([false, false, false, false, false]);
    expect(field("MaxSize")).toBeTruthy();
    const options = () => [...field("Auth").querySelectorAll("option")].map((option) => option.value);
    expect(options()).toContain("apop");
    fill({ Retriever: "SimpleIMAPSSLRetriever" });
    expect(options()).not.toContain("apop");
});

test("a program that connects is offered where that is allowed", async () => {
    vi.mocked(api.info).mockResolvedValue({ version: "", settings: { ALLOW_TUNNEL: true }, secrets: { sealed: 0, plain: 0 } });
    await add();
    await waitFor(() => expect(field("Tunnel")).toBeTruthy());
    cleanup();
    vi.mocked(api.info).mockResolvedValue({ version: "", settings: { ALLOW_TUNNEL: false }, secrets: { sealed: 0, plain: 0 } });
    await add();
    await act(() => Promise.resolve());
    expect(document.getElementById("field-Tunnel")).toBeNull();
});
