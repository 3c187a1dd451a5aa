// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import {
    OTHER,
    PROTOCOLS,
    PROVIDERS,
    chooseProvider,
    chooseRetriever,
    findProvider,
    mannerWords,
} from "../src/dialogs/providers";

const EMPTY = { Retriever: "SimpleIMAPSSLRetriever", Server: "", Port: "993" };

test("Gmail is filled in with one choice", () => {
    expect(chooseProvider("gmail", EMPTY)).toEqual({
        Retriever: "SimpleIMAPSSLRetriever",
        Server: "imap.gmail.com",
        Port: "993",
    });
});

test("a provider is asked by POP3 if that was chosen before and is there", () => {
    const pop3 = { Retriever: "SimplePOP3Retriever", Server: "", Port: "110" };
    expect(chooseProvider("webde", pop3)).toEqual({
        Retriever: "SimplePOP3SSLRetriever",
        Server: "pop3.web.de",
        Port: "995",
    });
    expect(chooseProvider("icloud", pop3).Retriever).toBe("SimpleIMAPSSLRetriever");
});

test("another provider's server is to be typed, by the protocol chosen before", () => {
    const gmail = chooseProvider("gmail", EMPTY);
    expect(chooseProvider(OTHER, gmail)).toEqual({ ...gmail, Server: "" });
});

test("each provider is reached with TLS from the start, and has a server of its own for it", () => {
    for (const { id, imap } of PROVIDERS) {
        const place = chooseProvider(id, EMPTY);
        expect(place).toEqual({ Retriever: "SimpleIMAPSSLRetriever", Server: imap, Port: "993" });
        expect(imap).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
        expect(findProvider(imap, id)).toBe(id);
    }
    expect(new Set(PROVIDERS.map(({ id }) => id)).size).toBe(PROVIDERS.length);
});

test("a server tells whose it is", () => {
    expect(findProvider("IMAP.gmail.com. ")).toBe("gmail");
    expect(findProvider("pop.zoho.com.au")).toBe("zoho-au");
    expect(findProvider("imap.example.com")).toBe(OTHER);
    expect(findProvider("")).toBe(OTHER);
});

test("of two providers with one server the chosen one stays", () => {
    expect(findProvider("outlook.office365.com")).toBe("m365");
    expect(findProvider("outlook.office365.com", "outlook")).toBe("outlook");
});

test("another protocol has another server at a provider, and another usual port", () => {
    expect(chooseRetriever("SimplePOP3SSLRetriever", chooseProvider("gmail", EMPTY), "gmail")).toEqual({
        Retriever: "SimplePOP3SSLRetriever",
        Server: "pop.gmail.com",
        Port: "995",
    });
    expect(chooseRetriever("SimpleIMAPRetriever", { ...EMPTY, Server: "mail.example" }, OTHER)).toEqual({
        Retriever: "SimpleIMAPRetriever",
        Server: "mail.example",
        Port: "143",
    });
});

test("a port of one's own stays", () => {
    for (const { retriever } of PROTOCOLS)
        expect(chooseRetriever(retriever, { ...EMPTY, Port: "1993" }, OTHER).Port).toBe("1993");
});

test("a provider's manners are told by its name", () => {
    expect(mannerWords("app-password", "Gmail")).toContain("Gmail");
    expect(mannerWords("oauth2", "Outlook.com")).toMatch(/^Outlook.com refuses passwords here\./);
});
