// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { expect, test } from "vitest";
import type { Connector } from "../src/api";
import { adviceWords } from "../src/detail/advice";
import { deletionWords, describeSettings, intervalWords } from "../src/detail/settings";

const connector: Connector = {
    name: "ann@mail.example",
    type: "getmail",
    props: {
        type: "getmail",
        status: "enabled",
        Account: "ann",
        Server: "mail.example",
        Username: "ann@mail.example",
        Password: "",
        Retriever: "SimpleIMAPSSLRetriever",
        Time: "30",
        Delete: "-1",
    },
    status: "OK",
    last_run: null,
    next_run: null,
    failures: 0,
    messages: 0,
    bytes: 0,
    running: false,
};

function describe(props: Record<string, string>): Record<string, string> {
    const settings = describeSettings({ ...connector, props: { ...connector.props, ...props } });
    return Object.fromEntries(settings.map(({ prop, text }) => [prop, text]));
}

test("each setting is told once, in the order of the form", () => {
    const settings = describeSettings(connector);
    expect(settings.map(({ prop }) => prop)).toEqual([
        ...["Account", "Server", "Retriever", "TLS", "Fingerprint"],
        ...["Username", "Password", "Time", "Delete"],
    ]);
    expect(settings.every(({ text }) => text)).toBe(true);
});

test("a password is never told", () => {
    const text = JSON.stringify(describe({ Password: "Right-1234", OldPassword: "Right-1234", ApiToken: "Right-1234" }));
    expect(text).not.toContain("Right-1234");
    expect(describe({}).Password).toBe("Stored, and never shown");
});

const SIGNED = { Password: "", Provider: "custom", TokenUrl: "https://id.example:8443/token?a", ClientId: "c" };

test.each([
    [{}, "OAuth2 by id.example:8443: nobody has signed in yet"],
    [{ RefreshToken: "" }, "OAuth2 by id.example:8443: signed in"],
    [{ Provider: "google" }, "OAuth2 by Google: nobody has signed in yet"],
    [{ Grant: "client_credentials" }, "OAuth2 by id.example:8443, with the organisation’s permission"],
])("log-in with %j", (props, text) => {
    const told = describe({ ...SIGNED, ClientSecret: "canary", ...props });
    expect(told.Provider?.replace(/[\u2068\u2069]/g, "")).toBe(text);
    expect(told).not.toHaveProperty("Password");
    expect(JSON.stringify(told)).not.toContain("canary");
});

test("where a password comes from is told", () => {
    expect(describe({ PasswordFile: "/etc/p" })).toMatchObject({ PasswordFile: "/etc/p" });
    expect(describe({ PasswordCommand: "/bin/p" })).not.toHaveProperty("Password");
});

test("destination, folder and filters are told where they are said", () => {
    const told = describe({ Destination: "lmtp:mail.example:24", Folder: "Work", FilterCheck: "enabled", VirusCheck: "disabled" });
    expect(told).toMatchObject({ Folder: "Work", SpamCheck: "On" });
    expect(told.Destination).toContain("mail.example:24");
    expect(told).not.toHaveProperty("VirusCheck");
});

test("what is selected is told in plain words", () => {
    const told = describe({
        ...{ Folders: "*, !\\Junk", FolderMap: "keep", Search: "UNSEEN", Since: "2026-01-31", MaxSize: "25000000" },
        ...{ MaxMessages: "100", MarkSeen: "seen" },
    });
    expect(told).toMatchObject({
        ...{ Folders: "*, !\\Junk", FolderMap: "In folders of the same names", Search: "UNSEEN", Since: "Jan 31, 2026" },
        ...{ MaxSize: "25 MB", MaxMessages: "100", MarkSeen: "What was delivered here" },
    });
    expect(describe({ FolderMap: "inbox", MarkSeen: "none", MaxSize: "large", Since: "now" })).toMatchObject({
        ...{ MaxSize: "large", Since: "now" },
    });
});

test("a log-in by a certificate needs no password", () => {
    const props = Object.entries(connector.props).filter(([prop]) => prop !== "Password");
    const settings = describeSettings({ ...connector, props: { ...Object.fromEntries(props), Auth: "external", ClientCert: "/c", ClientKey: "/k" } });
    const told = Object.fromEntries(settings.map(({ prop, text }) => [prop, text]));
    expect(told).toMatchObject({ Password: "Not needed", Auth: "EXTERNAL", ClientCert: "/c", ClientKey: "/k" });
    expect(describe({ Auth: "auto" })).not.toHaveProperty("Auth");
});

test("a permission that a provider takes no more is given anew", () => {
    const failing: Connector = { ...connector, status: "INVALID_CREDENTIALS", cause: "credentials", hint: "Ask your administrator." };
    const props = { ...connector.props, ...SIGNED };
    expect(adviceWords({ ...failing, props }, 0)).toBe("Ask your administrator.");
    expect(adviceWords({ ...failing, props, hint: "Sign in again (authorize)." }, 0)).toBe("Sign in again.");
    expect(adviceWords({ ...failing, props: { ...props, Grant: "jwt" } }, 0)).toBe("Ask your administrator.");
});

test("what is not known here is told as it is", () => {
    expect(describe({ Comment: "Ann's <b>old</b> one" }).Comment).toBe("Ann's <b>old</b> one");
});

test.each([
    [{}, "Encrypted from the start"],
    [{ Retriever: "SimpleIMAPRetriever" }, "Encrypted if the server offers it"],
    [{ Retriever: "SimplePOP3Retriever", TLS: "required" }, "Always encrypted"],
    [{ Retriever: "SimplePOP3Retriever", CAFile: "/etc/ca.pem" }, "Always encrypted"],
    [{ Retriever: "SimplePOP3Retriever", TLS: "none" }, "Never encrypted: the password can be read on the way"],
])("encryption of %j", (props, text) => {
    expect(describe(props).TLS).toBe(text);
});

test("a trusted certificate is told by its fingerprint", () => {
    const settings = describeSettings({
        ...connector,
        props: { ...connector.props, Fingerprint: "ab".repeat(32) },
    }).filter(({ prop }) => prop === "Fingerprint");
    expect(settings.map(({ text }) => text)).toEqual([
        "Only the one with this fingerprint is trusted",
        Array(32).fill("AB").join(":"),
    ]);
});

test.each([
    ["5", "Every 5 minutes"],
    ["60", "Every hour"],
    ["90", "Every 90 minutes"],
    ["240", "Every 4 hours"],
    ["1440", "Every day"],
    ["2880", "Every 2 days"],
    ["", "Every 30 minutes"],
    [undefined, "Every 30 minutes"],
    ["often", "Every 30 minutes"],
])("Time %j is %s", (time, text) => {
    expect(intervalWords(time)).toBe(text);
});

test.each(["-1", "", undefined, "enabled", "disabled", "1.5", "yes"])("Delete %j is never", (deletion) => {
    expect(deletionWords(deletion)).toBe("Never: all mail stays on the server");
});

test("deletion is told with its days", () => {
    expect(deletionWords("0")).toBe("As soon as it is delivered here");
    expect(deletionWords("1")).toBe("1 day after it was delivered here");
    expect(deletionWords("30")).toBe("30 days after it was delivered here");
});

test("advice fits what is wrong", () => {
    const failing: Connector = { ...connector, status: "INVALID_CREDENTIALS", cause: "credentials", hint: "Hint." };
    expect(adviceWords(failing, 0)).toContain("app password");
    expect(adviceWords({ ...failing, status: "TEMP_DISABLED" }, 0)).toContain("press Reset");
    expect(adviceWords({ ...failing, status: "NO_ACCESS_TO_ALL_MAIL", cause: "mailbox" }, 2)).toContain("set aside");
    expect(adviceWords({ ...failing, cause: "something new" }, 0)).toBe("Hint.");
});
