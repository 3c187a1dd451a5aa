// SPDX-License-Identifier: LGPL-2.1-or-later
/** What the helpers' words are called for people. */
import cockpit from "cockpit";
import type { Status } from "./api";
import { Problem, type Fault } from "./helpers";

const _ = cockpit.gettext;

/** The colours of PatternFly's labels. */
export type Colour = "green" | "red" | "orange" | "yellow" | "blue" | "grey" | "teal";

export function statusWord(status: Status): string {
    const words: Record<Status, string> = {
        OK: _("OK"),
        NEVER_RUN: _("Not run yet"),
        INVALID_CREDENTIALS: _("Log-in refused"),
        CONNECTION_IMPOSSIBLE: _("No connection"),
        NO_ACCESS_TO_ALL_MAIL: _("Not all mail"),
        TEMP_DISABLED: _("Held back"),
        DISABLED: _("Disabled"),
    };
    return words[status];
}

export const STATUS_COLOUR: Record<Status, Colour> = {
    OK: "green",
    NEVER_RUN: "teal",
    INVALID_CREDENTIALS: "red",
    CONNECTION_IMPOSSIBLE: "orange",
    NO_ACCESS_TO_ALL_MAIL: "yellow",
    TEMP_DISABLED: "red",
    DISABLED: "grey",
};

/** Return a sentence for what a failure comes from; "" where there is none to tell. */
export function causeWords(cause: string | undefined): string {
    const words: Record<string, string> = {
        credentials: _("The server refuses this user name and password."),
        network: _("The server cannot be reached."),
        tls: _("The server's certificate is not trusted."),
        protocol: _("The server answers in a way that cannot be understood."),
        mailbox: _("The mailbox cannot be opened."),
        quota: _("The disk of this machine is full."),
        delivery: _("The mail cannot be delivered on this machine."),
        filter: _("A filter does not work; what was not filtered waits."),
        policy: _("This machine does not allow this connection."),
        internal: _("Something went wrong on this machine."),
        settings: _("The settings of this machine have to be corrected."),
        connector: _("The connector has to be corrected."),
        running: _("Another run is under way."),
    };
    return (cause && words[cause]) ?? "";
}

/** Return what a person may try; "" where there is nothing. */
export function causeHint(cause: string | undefined): string {
    const hints: Record<string, string> = {
        credentials: _("Check user name and password; some providers want an app password."),
        network: _("Check server name, port and network, then try again."),
        tls: _("Look at the certificate; if it is the right one, trust it."),
        protocol: _("Check that server, port and protocol fit together."),
        mailbox: _("Ask the provider whether this account may be read from here."),
        quota: _("Free space on this machine; the next run goes on from there."),
        delivery: _("Check that the account's Maildir can be written to."),
        filter: _("Check that the filter runs."),
        policy: _("Change server, user name or account."),
        internal: _("Read the log; the next run goes on from there."),
        settings: _("Correct the settings of this machine."),
        connector: _("Edit the connector."),
        running: _("Wait until the other run has ended, or stop it."),
    };
    return (cause && hints[cause]) ?? "";
}

/** Return what a prop is called, as its field in the form. */
export function propWord(prop: string): string {
    const words: Record<string, string> = {
        Retriever: _("Protocol"),
        Server: _("Server"),
        Port: _("Port"),
        TLS: _("Encryption"),
        CAFile: _("File of certificate authorities"),
        Fingerprint: _("Certificate fingerprint"),
        Username: _("User name"),
        Password: _("Password"),
        Account: _("Local account"),
        Delete: _("Delete on the server"),
        Time: _("Every"),
        Label: _("Label"),
        CallbackUrl: _("Callback after the first complete run"),
        StatusCallbackUrl: _("Callback at each change of status"),
    };
    return words[prop] ?? prop;
}

export function retrieverWord(retriever: string | undefined): string {
    const words: Record<string, string> = {
        SimpleIMAPSSLRetriever: _("IMAP with TLS"),
        SimpleIMAPRetriever: _("IMAP"),
        SimplePOP3SSLRetriever: _("POP3 with TLS"),
        SimplePOP3Retriever: _("POP3"),
    };
    return words[retriever ?? ""] ?? retriever ?? "";
}

/** Return what is wrong with a field. */
export function faultWords({ parameter, error }: Fault): string {
    const special: Record<string, string> = {
        "Server.format": _("This is neither a host name nor an address."),
        "Account.format": _("This cannot be an account."),
        "Fingerprint.format": _("A fingerprint has 64 hexadecimal digits."),
        "CAFile.format": _("The path has to begin with a slash."),
        "Time.minimum": _("At least 5 minutes."),
        "Port.minimum": _("A port is between 1 and 65535."),
        "Port.maximum": _("A port is between 1 and 65535."),
        "Delete.minimum": _("Days are 0 or more."),
        "Label.conflict": _("This account has another connector with this label."),
        "TLS.conflict": _("This protocol is encrypted from the start."),
    };
    const general: Record<string, string> = {
        required: _("This is needed."),
        minLength: _("This is needed."),
        maxLength: _("This is too long."),
        format: _("This cannot be used."),
        integer: _("This has to be a whole number."),
        minimum: _("This is too small."),
        maximum: _("This is too large."),
        conflict: _("This contradicts another field."),
        self: _("This account is on this machine: it would be fetched into itself."),
        additionalProperties: _("This is not known here."),
    };
    return special[`${parameter}.${error}`] ?? general[error] ?? cockpit.format(_("This cannot be used ($0)."), error);
}

/** Return what happened, for a person, in the person's language where it is known what it is. */
export function problemWords(problem: unknown): string {
    if (!(problem instanceof Problem)) return String(problem);
    if (problem.faults.length)
        return problem.faults.map((fault) => `${propWord(fault.parameter)}: ${faultWords(fault)}`).join(" ");
    return problem.message;
}
