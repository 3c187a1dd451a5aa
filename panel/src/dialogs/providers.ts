// SPDX-License-Identifier: LGPL-2.1-or-later
/** Where the mailboxes of well-known providers are. All of them speak TLS from the start, on the usual ports. */
import cockpit from "cockpit";
import type { Form } from "./form";

const _ = cockpit.gettext;

/** What to know before logging in there. */
export type Manner = "app-password" | "oauth2" | "local-part" | "switch-on";

export interface Provider {
    id: string;
    /** A proper name: the same in all languages. */
    name: string;
    imap: string;
    /** Missing where there is no POP3. */
    pop3?: string;
    manners?: Manner[];
    /** Where people sign in for OAuth2. */
    service?: "google" | "microsoft";
    /** Where an app password is made. */
    page?: string;
}

/** What is chosen for a server that none of these has. */
export const OTHER = "other";

export const PROVIDERS: Provider[] = [
    {
        id: "gmail",
        name: "Gmail",
        imap: "imap.gmail.com",
        pop3: "pop.gmail.com",
        manners: ["app-password"],
        page: "https://myaccount.google.com/apppasswords",
        service: "google",
    },
    { id: "m365", name: "Microsoft 365", ...both("outlook.office365.com"), manners: ["oauth2"], service: "microsoft" },
    { id: "outlook", name: "Outlook.com", ...both("outlook.office365.com"), manners: ["oauth2"], service: "microsoft" },
    {
        id: "yahoo",
        name: "Yahoo",
        imap: "imap.mail.yahoo.com",
        pop3: "pop.mail.yahoo.com",
        manners: ["app-password"],
        page: "https://login.yahoo.com/account/security",
    },
    {
        id: "icloud",
        name: "iCloud",
        imap: "imap.mail.me.com",
        manners: ["app-password", "local-part"],
        page: "https://account.apple.com/",
    },
    { id: "gmx", name: "GMX (gmx.net)", ...each("gmx.net"), manners: ["switch-on"] },
    { id: "gmx-com", name: "GMX (gmx.com)", ...each("gmx.com"), manners: ["switch-on"] },
    { id: "webde", name: "WEB.DE", imap: "imap.web.de", pop3: "pop3.web.de", manners: ["local-part", "switch-on"] },
    { id: "aruba", name: "Aruba", imap: "imaps.aruba.it", pop3: "pop3s.aruba.it" },
    { id: "aruba-pec", name: "Aruba PEC", imap: "imaps.pec.aruba.it", pop3: "pop3s.pec.aruba.it" },
    { id: "fastmail", name: "Fastmail", ...each("fastmail.com"), manners: ["app-password"] },
    { id: "zoho", name: "Zoho (zoho.com)", ...each("zoho.com") },
    { id: "zoho-eu", name: "Zoho (zoho.eu)", ...each("zoho.eu") },
    { id: "zoho-in", name: "Zoho (zoho.in)", ...each("zoho.in") },
    { id: "zoho-au", name: "Zoho (zoho.com.au)", ...each("zoho.com.au") },
    { id: "zoho-jp", name: "Zoho (zoho.jp)", ...each("zoho.jp") },
    { id: "ovh", name: "OVH", ...both("ssl0.ovh.net") },
    { id: "ionos", name: "IONOS", ...each("1und1.de") },
    { id: "libero", name: "Libero", imap: "imapmail.libero.it", pop3: "popmail.libero.it" },
    { id: "tiscali", name: "Tiscali", ...each("tiscali.it") },
    { id: "mailru", name: "Mail.ru", ...each("mail.ru") },
    { id: "yandex", name: "Yandex", ...each("yandex.com") },
];

function both(host: string) {
    return { imap: host, pop3: host };
}

function each(domain: string) {
    return { imap: `imap.${domain}`, pop3: `pop.${domain}` };
}

export function providerOf(id: string): Provider | undefined {
    return PROVIDERS.find((provider) => provider.id === id);
}

/** Return whose server this is; `id` is preferred where two have the same. */
export function findProvider(server: string, id = OTHER): string {
    const host = server.trim().toLowerCase().replace(/\.$/, "");
    const owners = PROVIDERS.filter(({ imap, pop3 }) => host === imap || host === pop3);
    return (owners.find((owner) => owner.id === id) ?? owners[0])?.id ?? OTHER;
}

export interface Protocol {
    retriever: string;
    pop3: boolean;
    /** Whether TLS is spoken from the start. */
    tls: boolean;
    port: string;
}

export const PROTOCOLS: Protocol[] = [
    { retriever: "SimpleIMAPSSLRetriever", pop3: false, tls: true, port: "993" },
    { retriever: "SimplePOP3SSLRetriever", pop3: true, tls: true, port: "995" },
    { retriever: "SimpleIMAPRetriever", pop3: false, tls: false, port: "143" },
    { retriever: "SimplePOP3Retriever", pop3: true, tls: false, port: "110" },
];

export function protocolOf(retriever: string): Protocol | undefined {
    return PROTOCOLS.find((protocol) => protocol.retriever === retriever);
}

type Place = Pick<Form, "Retriever" | "Server" | "Port">;

/** Return where the mail is at this provider, by POP3 if that was chosen before; another one's server is to be typed. */
export function chooseProvider(id: string, before: Place): Place {
    const provider = providerOf(id);
    if (!provider) return { ...before, Server: "" };
    const wasPop3 = protocolOf(before.Retriever)?.pop3 === true;
    return wasPop3 && provider.pop3
        ? { Retriever: "SimplePOP3SSLRetriever", Server: provider.pop3, Port: "995" }
        : { Retriever: "SimpleIMAPSSLRetriever", Server: provider.imap, Port: "993" };
}

/** Return where the mail is by another protocol: a provider's other server, and the usual port if it was the usual one. */
export function chooseRetriever(Retriever: string, before: Place, providerId: string): Place {
    const protocol = protocolOf(Retriever);
    const provider = providerOf(providerId);
    const wasUsual = before.Port === "" || PROTOCOLS.some(({ port }) => port === before.Port);
    return {
        Retriever,
        Server: provider ? ((protocol?.pop3 ? provider.pop3 : provider.imap) ?? before.Server) : before.Server,
        Port: protocol && wasUsual ? protocol.port : before.Port,
    };
}

/** Return what a person has to know about each provider before logging in. */
export function mannerWords(manner: Manner, name: string): string {
    const words: Record<Manner, string> = {
        "app-password": _("$0 refuses the account's own password here. It wants an app password."),
        oauth2: _("$0 refuses passwords here. It wants you to sign in: OAuth2."),
        "local-part": _("The user name is the part of the address before the @."),
        "switch-on": _("IMAP and POP3 have to be turned on in the settings of the mailbox at $0 first."),
    };
    return cockpit.format(words[manner], name);
}
