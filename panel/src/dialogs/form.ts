// SPDX-License-Identifier: LGPL-2.1-or-later
/** What is typed into the form, and the props that helpers take. Nothing here asks or shows. */
import type { Connector, Props } from "../api";
import { Problem, type Fault } from "../helpers";
import { deletionDaysOf, isPop3, megabytesOf, minutesOf, octetsOf, wayOf, type Way } from "../props";
import { faultWords } from "../words";
import { protocolOf } from "./providers";

/** In the order in which they stand. */
export const FIELDS = [
    "Retriever",
    "Server",
    "Port",
    "Username",
    "Password",
    "PasswordFile",
    "PasswordCommand",
    "Provider",
    "ClientId",
    "ClientSecret",
    "Tenant",
    "TokenUrl",
    "AuthorizationUrl",
    "DeviceUrl",
    "RedirectUrl",
    "Scope",
    "Account",
    "Label",
    "Time",
    "Delete",
    "Folders",
    "FolderMap",
    "Search",
    "Since",
    "MaxSize",
    "MaxMessages",
    "MarkSeen",
    "Destination",
    "Folder",
    "SpamCheck",
    "VirusCheck",
    "TLS",
    "Fingerprint",
    "CAFile",
    "Auth",
    "ClientCert",
    "ClientKey",
    "Tunnel",
    "Grant",
    "KeyFile",
    "CallbackUrl",
    "StatusCallbackUrl",
] as const;
export type Field = (typeof FIELDS)[number];

/** What each field holds. A secret that is stored is not in it: helpers do not tell it. */
export type Form = Record<Field, string> & { Way: Way };

/** What is wrong, a sentence a field. */
export type Faults = Partial<Record<Field, string>>;

/** What belongs to a way to log in, and to no other. */
const FIELDS_OF: Record<Way, Field[]> = {
    password: ["Password"],
    oauth2: [
        ...(["Provider", "ClientId", "ClientSecret", "Tenant", "TokenUrl", "AuthorizationUrl", "DeviceUrl"] as const),
        ...(["RedirectUrl", "Scope", "Grant", "KeyFile"] as const),
    ],
    file: ["PasswordFile"],
    command: ["PasswordCommand"],
};
const LOGIN = new Map(Object.entries(FIELDS_OF).flatMap(([way, fields]) => fields.map((field) => [field, way as Way])));

/** What a check of the log-in depends on. */
export const CHECKED: Field[] = [
    ...(["Retriever", "Server", "Port", "TLS", "Fingerprint", "CAFile", "Username"] as const),
    ...(["Auth", "ClientCert", "ClientKey", "Tunnel"] as const),
    ...LOGIN.keys(),
];
/** Which mail is fetched. */
export const SELECTED: Field[] = ["Folders", "FolderMap", "Search", "Since", "MaxSize", "MaxMessages"];
/** What POP3 does not have. */
const IMAP_ONLY = new Set<Field>(["Folders", "FolderMap", "Search", "Since", "MarkSeen"]);
/** Ways to log in that need no password. */
const WITHOUT_PASSWORD = "external";
/** What is never told: empty, it is kept as it is stored. */
const SECRET = new Set<Field>(["Password", "ClientSecret"]);
/** What a sign-in was for: with another of these, there is another one to be made. */
const SIGNED = ["Provider", "ClientId", "Tenant", "TokenUrl", "Scope", "Username"] as const;
/** Which filters there are, "enabled" or not. */
const SWITCHES = new Set<Field>(["SpamCheck", "VirusCheck"]);
const ADVANCED = new Set<Field>(FIELDS.slice(FIELDS.indexOf("Time")));
/** What a connector cannot be without: to empty it is a fault, not a removal. */
const REQUIRED = new Set<Field>(["Retriever", "Server", "Username", "Account"]);

export function newForm(): Form {
    return readForm({ Retriever: "SimpleIMAPSSLRetriever" });
}

/** Return the form of a stored connector. What old databases hold beyond today's values is shown as what it means. */
export function readForm(props: Record<string, string>): Form {
    const text = (field: Field) => props[field] ?? "";
    const isOn = (...names: string[]) => (names.some((name) => props[name] === "enabled") ? "enabled" : "");
    return {
        ...(Object.fromEntries(FIELDS.map((field) => [field, SECRET.has(field) ? "" : text(field)])) as Form),
        Way: wayOf(props),
        Port: text("Port") || (protocolOf(text("Retriever"))?.port ?? ""),
        Time: String(minutesOf(props.Time)),
        Delete: String(deletionDaysOf(props.Delete) ?? -1),
        TLS: ["required", "none"].includes(text("TLS")) ? text("TLS") : "auto",
        SpamCheck: isOn("SpamCheck", "FilterCheck"),
        VirusCheck: isOn("VirusCheck"),
        Grant: text("Grant") === "refresh" ? "" : text("Grant"),
        Auth: text("Auth") === "auto" ? "" : text("Auth"),
        FolderMap: text("FolderMap") === "keep" ? "keep" : "",
        MarkSeen: text("MarkSeen") === "seen" ? "seen" : "",
        MaxSize: megabytesOf(props.MaxSize),
    };
}

/** Return the props of a new connector: what is filled in. */
export function propsOf(form: Form): Props {
    return Object.fromEntries(
        FIELDS.map((field) => [field, valueOf(form, field)]).filter(([, value]) => value !== undefined),
    ) as Props;
}

/** Return what of a stored connector would change: null removes what was emptied, or belongs to a log-in of before. */
export function changesOf(form: Form, stored: Record<string, string>): Props {
    // Where TLS begins at once there is no field for it, but what contradicts that has to go.
    const before: Props = { ...propsOf(readForm(stored)), ...(stored.TLS === "none" && { TLS: "none" }) };
    const after = propsOf(form);
    const changed = FIELDS.filter((field) => before[field] !== after[field]);
    return {
        ...Object.fromEntries(changed.map((field) => [field, after[field] ?? emptied(field)])),
        // Two props say of one filter that it is on.
        ...(changed.includes("SpamCheck") && stored.FilterCheck === "enabled" && { FilterCheck: null }),
        ...left(form, stored),
    };
}

/** Return what a check of the log-in needs, or a look at the mailbox. Of a stored connector what is not given is as stored: null is none. */
export function checkOf(form: Form, stored?: Record<string, string>, fields = CHECKED): Props {
    const props = propsOf(form);
    const given = fields.map((field) => {
        const isKept = SECRET.has(field) || !stored?.[field];
        return [field, props[field] ?? (isKept ? undefined : emptied(field))];
    });
    return { ...Object.fromEntries(given.filter(([, value]) => value !== undefined)), ...left(form, stored) } as Props;
}

/** Return what has to go with the way to log in that a connector had. */
function left(form: Form, stored: Record<string, string> = {}): Props {
    const way = wayOf(stored);
    // A password is no prop that can be removed; where it is not used, it does no harm.
    if (way === form.Way || way === "password") return {};
    const fields = [...FIELDS_OF[way], ...(way === "oauth2" ? ["RefreshToken"] : [])];
    return Object.fromEntries(fields.filter((field) => stored[field] !== undefined).map((field) => [field, null]));
}

function emptied(field: Field): "" | null {
    return REQUIRED.has(field) ? "" : null;
}

/** Return the value of a prop; undefined if it has none. */
function valueOf(form: Form, field: Field): string | undefined {
    const way = LOGIN.get(field);
    if (way && way !== form.Way) return undefined;
    if (SECRET.has(field)) return form[field] || undefined;
    if (SWITCHES.has(field)) return form[field] || undefined;
    if (field === "TLS") return form.TLS === "auto" || protocolOf(form.Retriever)?.tls ? undefined : form.TLS;
    if (field === "KeyFile" && form.Grant !== "jwt") return undefined;
    if (IMAP_ONLY.has(field) && isPop3(form.Retriever)) return undefined;
    if (field === "Auth" && !mechanismsOf(form).includes(form.Auth)) return undefined;
    if (field === "ClientKey" && !form.ClientCert.trim()) return undefined;
    if (field === "MaxSize") return octetsOf(form.MaxSize) || undefined;
    const value = form[field].trim();
    return value || (isFaultWhenEmpty(form, field) ? "" : undefined);
}

/** Return how one may log in there, beside the best way that the server offers. */
export function mechanismsOf({ Way, Retriever }: Pick<Form, "Way" | "Retriever">): string[] {
    if (Way === "oauth2") return ["xoauth2", "oauthbearer"];
    return ["plain", "login", "cram-md5", "scram-sha-256", ...(isPop3(Retriever) ? ["apop"] : []), WITHOUT_PASSWORD];
}

/** Whether one logs in by something else than the password. */
export function needsNoPassword({ Auth, Tunnel }: Pick<Form, "Auth" | "Tunnel">): boolean {
    return Auth === WITHOUT_PASSWORD || Tunnel.trim() !== "";
}

/** Whether a field that was not filled in is a fault, and not the default. */
function isFaultWhenEmpty(form: Form, field: Field): boolean {
    if (field === "ClientId") return form.Grant !== "jwt";
    if (field === "KeyFile") return form.Grant === "jwt";
    if (field === "TokenUrl") return form.Provider === "custom";
    return ["Time", "Delete", "PasswordFile", "PasswordCommand"].includes(field);
}

/** Whether after this was saved a person has to sign in, for the first time or anew. */
export function needsNewSignIn(form: Form, stored?: Record<string, string>): boolean {
    if (form.Way !== "oauth2" || form.Grant) return false;
    const before = readForm(stored ?? {});
    return stored?.RefreshToken === undefined || SIGNED.some((field) => before[field] !== form[field].trim());
}

export function isChanged(before: Form, after: Form): boolean {
    return before.Way !== after.Way || FIELDS.some((field) => before[field] !== after[field]);
}

/** Return the faults that belong to fields, and the others. */
export function splitFaults(problem: unknown): { faults: Faults; others: Fault[] } {
    const told = problem instanceof Problem ? problem.faults : [];
    // Where the form is a part of what was asked, so are its fields.
    const all = told.map((fault) => ({ ...fault, parameter: fault.parameter.replace(/^form\./, "") }));
    const own = all.filter(({ parameter }) => isField(parameter));
    return {
        faults: Object.fromEntries(own.map((fault) => [fault.parameter, faultWords(fault)])),
        others: all.filter(({ parameter }) => !isField(parameter)),
    };
}

function isField(parameter: string): parameter is Field {
    return (FIELDS as readonly string[]).includes(parameter);
}

export function firstFault(faults: Faults): Field | undefined {
    return FIELDS.find((field) => faults[field]);
}

export function hasAdvanced(faults: Faults): boolean {
    return FIELDS.some((field) => faults[field] && ADVANCED.has(field));
}

/** Return another connector that fetches the same mailbox. */
export function findTwin(form: Form, connectors: Connector[], own?: string): Connector | undefined {
    const mailbox = (server = "", username = "") =>
        server && username ? `${host(server)}\n${username.trim().toLowerCase()}` : undefined;
    const mine = mailbox(form.Server, form.Username);
    if (!mine) return undefined;
    return connectors.find(({ name, props }) => name !== own && mailbox(props.Server, props.Username) === mine);
}

/** Whether a log-in would go to another place than the one that is stored, or be less protected: no stored password then goes there. */
export function isElsewhere(form: Form, stored: Record<string, string>): boolean {
    const before = readForm(stored);
    const usual = protocolOf(form.Retriever)?.port ?? "";
    const isSamePort = [usual, before.Port].includes(form.Port.trim() || usual);
    const isSameServer = host(form.Server) === host(before.Server) && form.Tunnel.trim() === before.Tunnel;
    const isSame = isSameServer && isSamePort && protectionOf(form) >= protectionOf(before);
    return host(form.Server) !== "" && !isSame;
}

/** Return the rank of the least that is done before a password is sent. */
function protectionOf({ Retriever, TLS, CAFile, Fingerprint }: Form): number {
    const isPinned = `${CAFile}${Fingerprint}`.trim() !== "";
    if (protocolOf(Retriever)?.tls || (isPinned && TLS === "auto")) return 2;
    return ["none", "auto", "required"].indexOf(TLS);
}

function host(server: string): string {
    return server.trim().toLowerCase().replace(/\.$/, "");
}
