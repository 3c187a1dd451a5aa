// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
/** The page in a language of which only the translated texts have Latin letters, and those are marked. */
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import cockpit from "cockpit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as api from "../src/api";
import { App } from "../src/app";
import { KINDS, exampleOf } from "../src/destinations";
import { TUNNEL } from "../src/dialogs/proof";
import { PROVIDERS } from "../src/dialogs/providers";
import { INBOX } from "../src/mailbox/tree";

vi.mock("../src/api");
vi.mock("cockpit", () => {
    const mark = (text = "") => `«${text}»`;
    return {
        default: {
            language: "ar-EG",
            language_direction: "rtl",
            location: { path: [], go: vi.fn() },
            gettext: (...texts: string[]) => mark(texts.at(-1)),
            ngettext: (one: string, many: string, count: number) => mark(count === 1 ? one : many),
            format: (text: string, ...values: (string | number)[]) =>
                text.replace(/\$(\d)/g, (_, index: string) => String(values[Number(index)])),
            permission: () => ({ allowed: true, addEventListener: vi.fn(), removeEventListener: vi.fn(), close: vi.fn() }),
            addEventListener: vi.fn(),
            removeEventListener: vi.fn(),
        },
    };
});

const NOW = Date.UTC(2026, 10, 21, 12) / 1000;
const NONE = { passedOver: 0, left: 0, baselined: 0 };
const READ = ["aria-label", "aria-description", "aria-roledescription", "aria-valuetext", "alt", "placeholder", "title"];
/** The same in all languages. */
const SAME = new Set([
    ...PROVIDERS.map(({ name }) => name),
    ...KINDS.map(exampleOf),
    ...["Google", "Microsoft", "XOAUTH2", "OAUTHBEARER"],
    ...["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "APOP", "EXTERNAL", TUNNEL, INBOX],
]);
/** An address, as an example. */
const EXAMPLE = /^[a-z:]*[./]\S*$/;

function connector(name: string, more: Partial<api.Connector> = {}): api.Connector {
    const props = { Account: "анна@1", Server: "1.1.1.1", Username: "анна", Retriever: "SimpleIMAPSSLRetriever", Port: "993" };
    const counts = { failures: 0, messages: 5, bytes: 5000, running: false };
    return { name, type: "почта", props, status: "OK", last_run: NOW - 60, next_run: NOW + 60, ...counts, ...more };
}

const CONNECTORS = [
    connector("один", { days: { "2026-11-20": 3 } }),
    connector("два", { status: "INVALID_CREDENTIALS", cause: "credentials", message: "нет", hint: "да", failures: 3 }),
    connector("три", { running: true, percent: 40 }),
    connector("четыре", { status: "DISABLED", next_run: null, last_run: null }),
];

const INFO: api.Info = {
    version: "1",
    settings: { DESTINATION: "maildir:/1", ALLOW_COMMANDS: true, ALLOW_TUNNEL: true, REMOTE_TIMEOUT: 60, ENCRYPT_SECRETS: false, SPAM_REJECT: "drop", LMTP_TLS: "auto" },
    secrets: { sealed: 1, plain: 2 },
};

/** Return what a person reads or hears that nobody translated. */
function untranslated(): string[] {
    const texts: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node instanceof Element) texts.push(...READ.map((name) => (node).getAttribute(name) ?? ""));
        else texts.push(node.textContent ?? "");
    }
    return [...new Set(texts.filter((text) => /[A-Za-z]/.test(unmarked(text)) && !SAME.has(text) && !EXAMPLE.test(text)))];
}

/** Return what stands outside all marks. */
function unmarked(text: string): string {
    const less = text.replace(/«[^«»]*»/g, "");
    return less === text ? text : unmarked(less);
}

const settle = () => act(() => vi.advanceTimersByTimeAsync(1000));

async function open(path: string[], connectors = CONNECTORS, broken: api.Broken[] = []) {
    (cockpit.location as { path: string[] }).path = path;
    vi.mocked(api.list).mockResolvedValue({ connectors: { анна: connectors }, broken });
    render(<App />);
    await settle();
}

async function press(name: string | RegExp, role = "button") {
    const [found] = screen.getAllByRole(role, { name, hidden: true });
    if (found) fireEvent.click(found);
    await settle();
}

// What jsdom lacks: nothing has a size here.
window.ResizeObserver = class {
    observe = vi.fn();
    unobserve = vi.fn();
    disconnect = vi.fn();
};
Element.prototype.scrollTo = vi.fn();
Element.prototype.scrollIntoView = vi.fn();

beforeEach(() => {
    vi.useFakeTimers({ now: NOW * 1000, shouldAdvanceTime: true });
    vi.mocked(api.accounts).mockResolvedValue([{ name: "анна", user: true, connectors: 3 }]);
    vi.mocked(api.history).mockResolvedValue([
        { token: "1", start: NOW - 90, end: NOW - 60, result: "failed", messages: 0, bytes: 0, cause: "tls", message: "нет", ...NONE },
        { token: "2", start: NOW - 190, end: NOW - 160, result: "succeeded", messages: 3, bytes: 3000, passedOver: 1, left: 2, baselined: 3 },
    ]);
    vi.mocked(api.log).mockResolvedValue({ lines: [{ time: NOW, priority: 3, message: "нет" }], cursor: "1" });
    vi.mocked(api.folders).mockRejectedValue(new Error("1"));
    vi.mocked(api.messages).mockRejectedValue(new Error("1"));
    vi.mocked(api.quarantine).mockResolvedValue([
        { folder: "почта", uid: "1", size: 100, reason: "нет", attempts: 3, since: NOW },
    ]);
});

afterEach(() => {
    cleanup();
    vi.useRealTimers();
});

test("overview", async () => {
    await open([]);
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("«Mail connectors»");
    expect(untranslated()).toEqual([]);
    await press("«Actions of один»");
    expect(untranslated()).toEqual([]);
});

test("overview without connectors, and with lines that cannot be read", async () => {
    await open([], [], [{ line: 3, reason: "нет" }]);
    expect(untranslated()).toEqual([]);
});

test("connectors that are selected", async () => {
    await open([]);
    await press("«Select один»", "checkbox");
    await press("«What to select»");
    expect(untranslated()).toEqual([]);
});

test("adding", async () => {
    await open([]);
    await press("«Add connector»");
    const dialog = screen.getByRole("dialog");
    expect(untranslated()).toEqual([]);
    await press("«Advanced settings»");
    expect(untranslated()).toEqual([]);
    expect(within(dialog).getAllByRole("textbox").length).toBeGreaterThan(2);
});

test("adding one for which somebody signs in, with filters and a destination of its own", async () => {
    vi.mocked(api.info).mockResolvedValue(INFO);
    await open([]);
    await press("«Add connector»");
    const fill = (name: string, value: string) => {
        const field = document.getElementById(`field-${name}`);
        if (field) fireEvent.change(field, { target: { value } });
    };
    fill("Way", "oauth2");
    await press("«Advanced settings»");
    for (const Destination of ["maildir", "lmtp", "command"]) {
        fill("Destination", Destination);
        expect(untranslated()).toEqual([]);
    }
    fill("Provider", "microsoft");
    fill("Grant", "jwt");
    await press("«Spam filter»", "checkbox");
    expect(untranslated()).toEqual([]);
});

test("settings, and sealing", async () => {
    vi.mocked(api.info).mockResolvedValue(INFO);
    await open(["settings"]);
    const names = new Set(Object.keys(INFO.settings));
    expect(untranslated().filter((text) => !names.has(text))).toEqual([]);
    await press("«Seal all»");
    expect(screen.getByRole("dialog")).toBeTruthy();
    expect(untranslated().filter((text) => !names.has(text))).toEqual([]);
});

test("signing in", async () => {
    vi.mocked(api.authorize).mockResolvedValue({ token: "1", address: "https://1.1.1.1/", expires: NOW + 60 });
    const props = { ...connector("шесть").props, Provider: "custom" };
    await open(["connector", "шесть"], [connector("шесть", { props })]);
    await press("«Sign in»");
    expect(screen.getByRole("dialog")).toBeTruthy();
    expect(untranslated()).toEqual([]);
});

const FOLDER: api.RemoteFolder = {
    ...{ name: "почта", separator: "", messages: 3, unseen: 2, size: null, special_use: "\\Sent", local: null },
    ...{ subscribed: false, selectable: true, chosen: true },
};
const MESSAGE: api.RemoteMessage = {
    ...{ uid: "1", flags: [], size: 100, received: NOW, subject: " ", sent_from: [], sent_to: [], date: "" },
};

test("selecting what is fetched", async () => {
    vi.mocked(api.info).mockResolvedValue(INFO);
    vi.mocked(api.folders).mockResolvedValue({ folders: [FOLDER], more: 2 });
    const counts = { messages: 3, wanted: 2, passed: 1 };
    vi.mocked(api.preview).mockResolvedValue({
        folders: ["а", "б"].map((name) => ({ name, ...counts })),
        ...{ wanted: 2, passed: 2, left: 1, more: 1, messages: [{ ...MESSAGE, folder: "а" }] },
    });
    await open([]);
    await press("«Add connector»");
    await press("«Advanced settings»");
    await press("«Choose folders»");
    await press("«Show what it would fetch»");
    expect(screen.getByText(/It would fetch . messages/)).toBeTruthy();
    expect(untranslated()).toEqual([]);
    for (const value of ["plain", "login", "cram-md5", "scram-sha-256", "external"]) {
        fireEvent.change(document.getElementById("field-Auth") ?? document, { target: { value } });
        expect(untranslated()).toEqual([]);
    }
    fireEvent.change(document.getElementById("field-ClientCert") ?? document, { target: { value: "/1" } });
    expect(untranslated()).toEqual([]);
});

test("the remote mailbox, and a message of it", async () => {
    vi.mocked(api.folders).mockResolvedValue({ folders: [FOLDER, { ...FOLDER, name: "а", selectable: false }], more: 2 });
    vi.mocked(api.messages).mockResolvedValue({ total: 3, messages: [MESSAGE], before: "1" });
    const file = { id: "2", file_name: "", type: "1/1", size: 100, inline: true };
    vi.mocked(api.message).mockResolvedValue({
        message: { ...MESSAGE, headers: [{ Name: "А", Value: "б" }], body: { plain: [], html: ["<p>нет"] } },
        ...{ attachments: [file], cut: true },
    });
    await open(["connector", "один", "mailbox"]);
    expect(screen.getByText("«No subject»")).toBeTruthy();
    expect(untranslated()).toEqual([]);
    cleanup();
    Object.assign(cockpit.location, { options: { folder: "почта", uid: "1" } });
    await open(["connector", "один", "mailbox"]);
    Object.assign(cockpit.location, { options: {} });
    expect(screen.getByText("нет")).toBeTruthy();
    await press(/All headers/);
    expect(untranslated()).toEqual([]);
});

test("marking all as fetched", async () => {
    await open(["connector", "один"]);
    await press("«Actions of один»");
    await press(/Mark everything there now as fetched/, "menuitem");
    expect(screen.getByRole("dialog")).toBeTruthy();
    expect(untranslated()).toEqual([]);
});

test("removing", async () => {
    await open([]);
    await press("«Actions of один»");
    await press("«Remove»", "menuitem");
    expect(screen.getByRole("dialog")).toBeTruthy();
    expect(untranslated()).toEqual([]);
});

test.each(["status", "history", "log", "quarantine"])("detail: %s", async (tab) => {
    await open(["connector", "два", tab]);
    expect(untranslated()).toEqual([]);
});

test("detail of a connector that runs", async () => {
    await open(["connector", "три"]);
    expect(untranslated()).toEqual([]);
});

test("detail of a connector that is not there", async () => {
    await open(["connector", "пять"]);
    expect(untranslated()).toEqual([]);
});

test("a list that cannot be read", async () => {
    vi.mocked(api.list).mockRejectedValue(new Error("нет"));
    (cockpit.location as { path: string[] }).path = [];
    render(<App />);
    await settle();
    // What something else says is shown as it is.
    expect(untranslated()).toEqual(["Error: нет"]);
});
