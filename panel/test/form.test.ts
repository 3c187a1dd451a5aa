// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { expect, test } from "vitest";
import type { Connector } from "../src/api";
import {
    CHECKED,
    SELECTED,
    changesOf,
    checkOf,
    findTwin,
    firstFault,
    hasAdvanced,
    isChanged,
    isElsewhere,
    needsNewSignIn,
    needsNoPassword,
    newForm,
    propsOf,
    readForm,
    splitFaults,
} from "../src/dialogs/form";
import { Problem } from "../src/helpers";

const STORED = {
    type: "getmail",
    Retriever: "SimpleIMAPSSLRetriever",
    Server: "imap.example.com",
    Username: "ann@example.com",
    Password: "",
    Account: "ann",
    Delete: "-1",
    Time: "30",
    status: "enabled",
};

const connector = (name: string, props: Record<string, string>): Connector => ({
    name,
    type: "getmail",
    props,
    status: "OK",
    last_run: null,
    next_run: null,
    failures: 0,
    messages: 0,
    bytes: 0,
    running: false,
});

test("a new connector has what was filled in, without blanks around it", () => {
    const form = { ...newForm(), Server: " imap.example.com ", Username: "ann", Password: " a b ", Account: "ann" };
    expect(propsOf(form)).toEqual({
        Retriever: "SimpleIMAPSSLRetriever",
        Server: "imap.example.com",
        Port: "993",
        Username: "ann",
        Password: " a b ",
        Account: "ann",
        Time: "30",
        Delete: "-1",
    });
});

test("an interval that is not filled in is told to the helper, which refuses it", () => {
    expect(propsOf({ ...newForm(), Time: "", Delete: " " })).toMatchObject({ Time: "", Delete: "" });
});

test("encryption is a matter of the protocols that begin in clear", () => {
    const form = { ...newForm(), Retriever: "SimplePOP3Retriever", TLS: "required" };
    expect(propsOf(form).TLS).toBe("required");
    expect(propsOf({ ...form, TLS: "auto" })).not.toHaveProperty("TLS");
    expect(propsOf({ ...form, Retriever: "SimplePOP3SSLRetriever" })).not.toHaveProperty("TLS");
});

test("nothing changes if nothing was changed", () => {
    expect(changesOf(readForm(STORED), STORED)).toEqual({});
    expect(isChanged(readForm(STORED), readForm(STORED))).toBe(false);
});

test("what an old database holds is shown as what it means, and left as it is", () => {
    const old = { ...STORED, Delete: "disabled", Time: "", TLS: "", Retriever: "MultidropPOP3Retriever" };
    expect(readForm(old)).toMatchObject({ Delete: "-1", Time: "30", TLS: "auto", Port: "" });
    expect(changesOf(readForm(old), old)).toEqual({});
});

test("only what was changed is sent; what is emptied goes, unless a connector needs it", () => {
    const stored = { ...STORED, Label: "work", Fingerprint: "ab" };
    const form = { ...readForm(stored), Username: "bob", Label: "", Account: " ", Time: "15" };
    expect(changesOf(form, stored)).toEqual({ Username: "bob", Label: null, Account: "", Time: "15" });
});

test("an empty password keeps the stored one", () => {
    const form = readForm({ ...STORED, Password: "not to be shown" });
    expect(form.Password).toBe("");
    expect(changesOf(form, STORED)).toEqual({});
    expect(changesOf({ ...form, Password: "new" }, STORED)).toEqual({ Password: "new" });
});

test("a protocol with TLS from the start takes the setting for the others away", () => {
    const stored = { ...STORED, Retriever: "SimpleIMAPRetriever", TLS: "none" };
    const form = { ...readForm(stored), Retriever: "SimpleIMAPSSLRetriever", Port: "993" };
    expect(changesOf(form, stored)).toEqual({ Retriever: "SimpleIMAPSSLRetriever", Port: "993", TLS: null });
});

test("what contradicts the protocol and has no field is removed, whatever is changed", () => {
    const stored = { ...STORED, TLS: "none" };
    expect(changesOf({ ...readForm(stored), Time: "60" }, stored)).toEqual({ Time: "60", TLS: null });
});

test("a check sends what the log-in depends on, and nothing else", () => {
    const form = { ...newForm(), Server: "imap.example.com", Username: "ann", Password: "secret", Account: "ann" };
    expect(checkOf(form)).toEqual({
        Retriever: "SimpleIMAPSSLRetriever",
        Server: "imap.example.com",
        Port: "993",
        Username: "ann",
        Password: "secret",
    });
});

test("a check of a stored connector does not fall back on what was emptied, but for the password", () => {
    const stored = { ...STORED, Fingerprint: "ab", CAFile: "/a.pem" };
    const form = { ...readForm(stored), Username: "", Fingerprint: "" };
    expect(checkOf(form, stored)).toEqual({
        Retriever: "SimpleIMAPSSLRetriever",
        Server: "imap.example.com",
        Port: "993",
        Username: "",
        Fingerprint: null,
        CAFile: "/a.pem",
    });
});

test("faults stand at their fields, the others apart", () => {
    const problem = new Problem("NotValid", "validation_failed", {}, [
        { parameter: "CAFile", error: "format" },
        { parameter: "Server", error: "required" },
        { parameter: "SyncPeriod", error: "conflict" },
    ]);
    const { faults, others } = splitFaults(problem);
    expect(Object.keys(faults)).toEqual(["CAFile", "Server"]);
    expect(firstFault(faults)).toBe("Server");
    expect(hasAdvanced(faults)).toBe(true);
    expect(hasAdvanced({ Server: "?" })).toBe(false);
    expect(others).toEqual([{ parameter: "SyncPeriod", error: "conflict" }]);
});

test("what is no refusal of a helper has no faults", () => {
    expect(splitFaults(new TypeError("?"))).toEqual({ faults: {}, others: [] });
    expect(firstFault({})).toBeUndefined();
});

test("who fetches a mailbox already is found, however it is written", () => {
    const all = [connector("a", { Server: "IMAP.example.com.", Username: "Ann@example.com" }), connector("b", STORED)];
    const form = readForm(STORED);
    expect(findTwin(form, all)?.name).toBe("a");
    expect(findTwin(form, all, "a")?.name).toBe("b");
    expect(findTwin(form, [connector("b", STORED)], "b")).toBeUndefined();
    expect(findTwin({ ...form, Username: "bob" }, all)).toBeUndefined();
    expect(findTwin(newForm(), [connector("c", { type: "getmail" })])).toBeUndefined();
});

test("another place is told from another way to write it, and from better protection", () => {
    const form = readForm(STORED);
    const same = [
        {},
        { Server: " IMAP.example.com. " },
        { Server: "" },
        { Port: "" },
        { Retriever: "SimplePOP3SSLRetriever", Port: "995" },
        { Retriever: "SimpleIMAPRetriever", Port: "143", TLS: "required" },
        { Retriever: "SimpleIMAPRetriever", Port: "143", Fingerprint: "00" },
    ];
    for (const changed of same) expect(isElsewhere({ ...form, ...changed }, STORED)).toBe(false);
    const other = [
        { Server: "imap.example.org" },
        { Port: "1993" },
        { Tunnel: "/usr/bin/ssh there" },
        { Retriever: "SimpleIMAPRetriever", Port: "143" },
        { Retriever: "SimpleIMAPRetriever", Port: "143", TLS: "none", Fingerprint: "00" },
    ];
    for (const changed of other) expect(isElsewhere({ ...form, ...changed }, STORED)).toBe(true);
});

const SIGNED: Record<string, string> = {
    ...STORED,
    Provider: "custom",
    TokenUrl: "https://id.example/token",
    DeviceUrl: "https://id.example/device",
    ClientId: "getmail",
    ClientSecret: "",
    RefreshToken: "",
};
delete SIGNED.Password;

test("each way to log in has its own props, and no others are sent", () => {
    const typed = { ...newForm(), Password: "p", PasswordFile: " /p ", PasswordCommand: "/bin/p", Provider: "google", ClientId: "c" };
    const sent = (Way: "password" | "oauth2" | "file" | "command") => {
        const { Password, PasswordFile, PasswordCommand, Provider, ClientId } = propsOf({ ...typed, Way });
        return { Password, PasswordFile, PasswordCommand, Provider, ClientId };
    };
    expect(sent("password")).toEqual({ Password: "p" });
    expect(sent("file")).toEqual({ PasswordFile: "/p" });
    expect(sent("command")).toEqual({ PasswordCommand: "/bin/p" });
    expect(sent("oauth2")).toEqual({ Provider: "google", ClientId: "c" });
});

test("what a way to log in cannot be without is a fault when it is empty", () => {
    expect(propsOf({ ...newForm(), Way: "file" })).toMatchObject({ PasswordFile: "" });
    expect(propsOf({ ...newForm(), Way: "oauth2", Provider: "custom" })).toMatchObject({ TokenUrl: "", ClientId: "" });
    const account = propsOf({ ...newForm(), Way: "oauth2", Provider: "google", Grant: "jwt" });
    expect(account).toMatchObject({ Grant: "jwt", KeyFile: "" });
    expect(account).not.toHaveProperty("ClientId");
});

test("a stored connector is shown as it logs in, without its secrets", () => {
    expect(readForm(STORED).Way).toBe("password");
    expect(readForm({ ...STORED, PasswordFile: "/p" }).Way).toBe("file");
    expect(readForm({ ...STORED, PasswordCommand: "/p" }).Way).toBe("command");
    expect(readForm({ ...SIGNED, ClientSecret: "canary" })).toMatchObject({ Way: "oauth2", ClientSecret: "" });
    expect(changesOf(readForm(SIGNED), SIGNED)).toEqual({});
});

test("what belongs to a log-in of before is removed with it", () => {
    const form = { ...readForm(SIGNED), Way: "password" as const, Password: "p" };
    expect(changesOf(form, SIGNED)).toEqual({
        Password: "p",
        ...{ Provider: null, TokenUrl: null, DeviceUrl: null, ClientId: null, ClientSecret: null, RefreshToken: null },
    });
    expect(checkOf(form, SIGNED)).toMatchObject({ Password: "p", Provider: null, RefreshToken: null });
    const file = { ...STORED, PasswordFile: "/p" };
    expect(changesOf({ ...readForm(file), Way: "password", Password: "p" }, file)).toEqual({ Password: "p", PasswordFile: null });
});

test("nobody is asked to sign in again if that changes nothing", () => {
    const form = readForm(SIGNED);
    expect(needsNewSignIn({ ...form, Time: "60" }, SIGNED)).toBe(false);
    expect(needsNewSignIn({ ...form, ClientId: "other" }, SIGNED)).toBe(true);
    expect(needsNewSignIn(form, { ...SIGNED, RefreshToken: undefined as unknown as string })).toBe(true);
    expect(needsNewSignIn({ ...newForm(), Way: "oauth2" })).toBe(true);
    expect(needsNewSignIn({ ...newForm(), Way: "oauth2", Grant: "client_credentials" })).toBe(false);
    expect(needsNewSignIn(newForm())).toBe(false);
});

test("filters are switched on, and off again, whatever an old database calls them", () => {
    expect(propsOf({ ...newForm(), SpamCheck: "enabled" })).toMatchObject({ SpamCheck: "enabled" });
    expect(propsOf(newForm())).not.toHaveProperty("VirusCheck");
    const old = { ...STORED, FilterCheck: "enabled", VirusCheck: "disabled" };
    expect(readForm(old)).toMatchObject({ SpamCheck: "enabled", VirusCheck: "" });
    expect(changesOf(readForm(old), old)).toEqual({});
    expect(changesOf({ ...readForm(old), SpamCheck: "" }, old)).toEqual({ SpamCheck: null, FilterCheck: null });
});

test("where the mail goes is the server's matter unless it is said", () => {
    expect(propsOf(newForm())).not.toHaveProperty("Destination");
    const stored = { ...STORED, Destination: "lmtp:unix:/run/lmtp", Folder: "Work" };
    expect(changesOf({ ...readForm(stored), Destination: "", Folder: "" }, stored)).toEqual({ Destination: null, Folder: null });
});

const SELECTION = { Folders: "*", FolderMap: "keep", Search: "UNSEEN", Since: "2026-01-31", MarkSeen: "seen" };

test("what POP3 does not have is not sent, and removed", () => {
    const form = { ...newForm(), ...SELECTION, MaxSize: "2.5", MaxMessages: " 10 " };
    expect(propsOf(form)).toMatchObject({ ...SELECTION, MaxSize: "2500000", MaxMessages: "10" });
    const pop3 = propsOf({ ...form, Retriever: "SimplePOP3SSLRetriever" });
    expect(pop3).toMatchObject({ MaxSize: "2500000", MaxMessages: "10" });
    for (const prop of Object.keys(SELECTION)) expect(pop3).not.toHaveProperty(prop);
    const stored = { ...STORED, ...SELECTION };
    expect(changesOf(readForm(stored), stored)).toEqual({});
    expect(changesOf({ ...readForm(stored), Retriever: "SimplePOP3SSLRetriever" }, stored)).toMatchObject({
        ...{ Folders: null, FolderMap: null, Search: null, Since: null, MarkSeen: null },
    });
});

test("what is as it is without saying is not sent", () => {
    const stored = { ...STORED, FolderMap: "inbox", MarkSeen: "none", Auth: "auto" };
    expect(readForm(stored)).toMatchObject({ FolderMap: "", MarkSeen: "", Auth: "" });
    expect(changesOf(readForm(stored), stored)).toEqual({});
});

test.each([
    ["25000000", "25"],
    ["10485760", "10.48576"],
    ["1", "0.000001"],
    ["large", "large"],
    ["", ""],
])("a size of %j is shown as %j megabytes, and is the same afterwards", (MaxSize, shown) => {
    const stored = { ...STORED, MaxSize };
    expect(readForm(stored).MaxSize).toBe(shown);
    expect(changesOf(readForm(stored), stored)).toEqual({});
});

test("a way to log in fits the protocol and what one logs in with", () => {
    const auth = (more: object) => propsOf({ ...newForm(), ...more }).Auth;
    expect(auth({ Auth: "scram-sha-256" })).toBe("scram-sha-256");
    expect(auth({ Auth: "apop" })).toBeUndefined();
    expect(auth({ Auth: "apop", Retriever: "SimplePOP3Retriever" })).toBe("apop");
    expect(auth({ Auth: "xoauth2" })).toBeUndefined();
    expect(auth({ Auth: "xoauth2", Way: "oauth2" })).toBe("xoauth2");
    expect(auth({ Auth: "external", Way: "oauth2" })).toBeUndefined();
});

test("a key is one's of a certificate", () => {
    const form = { ...newForm(), ClientCert: "/c.pem", ClientKey: "/k.pem" };
    expect(propsOf(form)).toMatchObject({ ClientCert: "/c.pem", ClientKey: "/k.pem" });
    expect(propsOf({ ...form, ClientCert: " " })).not.toHaveProperty("ClientKey");
    expect(needsNoPassword({ Auth: "external", Tunnel: "" })).toBe(true);
    expect(needsNoPassword({ Auth: "", Tunnel: "/bin/ssh" })).toBe(true);
    expect(needsNoPassword({ Auth: "plain", Tunnel: " " })).toBe(false);
});

test("a look at the mailbox sends what is selected too", () => {
    const stored = { ...STORED, Search: "UNSEEN", Folders: "*" };
    const form = { ...readForm(stored), Search: "", MaxMessages: "5" };
    expect(checkOf(form, stored, [...CHECKED, ...SELECTED])).toMatchObject({ Folders: "*", Search: null, MaxMessages: "5" });
    expect(checkOf(form, stored)).not.toHaveProperty("Folders");
});

test("a fault of a form that is a part of a question is one of its field", () => {
    const problem = new Problem("NotValid", "validation_failed", {}, [{ parameter: "form.Search", error: "format" }]);
    expect(Object.keys(splitFaults(problem).faults)).toEqual(["Search"]);
});
