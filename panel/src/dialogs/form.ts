// SPDX-License-Identifier: LGPL-2.1-or-later
/** What is typed into the form, and the props that helpers take. Nothing here asks or shows. */
import type { Connector, Props } from "../api";
import { Problem, type Fault } from "../helpers";
import { deletionDaysOf, minutesOf } from "../props";
import { faultWords } from "../words";
import { protocolOf } from "./providers";

/** In the order in which they stand. */
export const FIELDS = [
    "Retriever",
    "Server",
    "Port",
    "Username",
    "Password",
    "Account",
    "Label",
    "Time",
    "Delete",
    "TLS",
    "Fingerprint",
    "CAFile",
    "CallbackUrl",
    "StatusCallbackUrl",
] as const;
export type Field = (typeof FIELDS)[number];

/** What each field holds. A password that is stored is not in it: helpers do not tell it. */
export type Form = Record<Field, string>;

/** What is wrong, a sentence a field. */
export type Faults = Partial<Record<Field, string>>;

/** What a check of the log-in depends on. */
export const CHECKED: Field[] = [
    "Retriever",
    "Server",
    "Port",
    "TLS",
    "Fingerprint",
    "CAFile",
    "Username",
    "Password",
];
const ADVANCED = new Set<Field>(FIELDS.slice(FIELDS.indexOf("Time")));
/** What a connector cannot be without: to empty it is a fault, not a removal. */
const REQUIRED = new Set<Field>(["Retriever", "Server", "Username", "Account"]);

export function newForm(): Form {
    return readForm({ Retriever: "SimpleIMAPSSLRetriever" });
}

/** Return the form of a stored connector. What old databases hold beyond today's values is shown as what it means. */
export function readForm(props: Record<string, string>): Form {
    const text = (field: Field) => props[field] ?? "";
    return {
        Retriever: text("Retriever"),
        Server: text("Server"),
        Port: text("Port") || (protocolOf(text("Retriever"))?.port ?? ""),
        Username: text("Username"),
        Password: "",
        Account: text("Account"),
        Label: text("Label"),
        Time: String(minutesOf(props.Time)),
        Delete: String(deletionDaysOf(props.Delete) ?? -1),
        TLS: ["required", "none"].includes(text("TLS")) ? text("TLS") : "auto",
        Fingerprint: text("Fingerprint"),
        CAFile: text("CAFile"),
        CallbackUrl: text("CallbackUrl"),
        StatusCallbackUrl: text("StatusCallbackUrl"),
    };
}

/** Return the props of a new connector: what is filled in. */
export function propsOf(form: Form): Props {
    return Object.fromEntries(
        FIELDS.map((field) => [field, valueOf(form, field)]).filter(([, value]) => value !== undefined),
    ) as Props;
}

/** Return what of a stored connector would change: null removes what was emptied. */
export function changesOf(form: Form, stored: Record<string, string>): Props {
    // Where TLS begins at once there is no field for it, but what contradicts that has to go.
    const before: Props = { ...propsOf(readForm(stored)), ...(stored.TLS === "none" && { TLS: "none" }) };
    const after = propsOf(form);
    return Object.fromEntries(
        FIELDS.filter((field) => before[field] !== after[field]).map((field) => [field, after[field] ?? emptied(field)]),
    );
}

/** Return what a check of the log-in needs. Of a stored connector what is not given is as stored: null is none. */
export function checkOf(form: Form, stored?: Record<string, string>): Props {
    const props = propsOf(form);
    const given = CHECKED.map((field) => {
        const isKept = field === "Password" || !stored?.[field];
        return [field, props[field] ?? (isKept ? undefined : emptied(field))];
    });
    return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Props;
}

function emptied(field: Field): "" | null {
    return REQUIRED.has(field) ? "" : null;
}

/** Return the value of a prop; undefined if it has none. */
function valueOf(form: Form, field: Field): string | undefined {
    if (field === "Password") return form.Password || undefined;
    if (field === "TLS") return form.TLS === "auto" || protocolOf(form.Retriever)?.tls ? undefined : form.TLS;
    const value = form[field].trim();
    // An interval or a number of days that was not filled in is a fault, not the default.
    return value || (field === "Time" || field === "Delete" ? "" : undefined);
}

export function isChanged(before: Form, after: Form): boolean {
    return FIELDS.some((field) => before[field] !== after[field]);
}

/** Return the faults that belong to fields, and the others. */
export function splitFaults(problem: unknown): { faults: Faults; others: Fault[] } {
    const all = problem instanceof Problem ? problem.faults : [];
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

/** Whether what is stored would go to another server than before. */
export function isOtherServer(form: Form, stored: Record<string, string>): boolean {
    const server = host(form.Server);
    return server !== "" && server !== host(stored.Server ?? "");
}

function host(server: string): string {
    return server.trim().toLowerCase().replace(/\.$/, "");
}
