// SPDX-License-Identifier: LGPL-2.1-or-later
/** What the helpers' words are called for people. */
import cockpit from "cockpit";
import type { Connector, Status } from "./api";
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
        NO_ACCESS_TO_ALL_MAIL: _("Mail incomplete"),
        TEMP_DISABLED: _("Suspended"),
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
        credentials: _("The server refused this user name and password."),
        network: _("The server could not be reached."),
        tls: _("No secure connection to the server could be made."),
        protocol: _("The server's answer could not be understood."),
        mailbox: _("The mailbox could not be read completely."),
        quota: _("There is no space left on this machine."),
        delivery: _("Mail could not be delivered on this machine."),
        filter: _("A mail filter does not work. Messages that were not filtered are kept waiting."),
        policy: _("This machine does not allow this connection."),
        internal: _("Something went wrong on this machine."),
        settings: _("There is an error in the settings of this machine."),
        connector: _("There is an error in the settings of this connector."),
        running: _("Another run is still under way."),
    };
    return (cause && words[cause]) ?? "";
}

/** Return what went wrong with a connector: those that log in with a token have no password that could be wrong. */
export function failureSentence({ cause, props }: Connector): string {
    if (cause === "credentials" && props.Provider) return _("The provider refused to let this connector in.");
    return causeWords(cause);
}

/** Return what a person may try; "" where there is nothing. */
export function causeHint(cause: string | undefined): string {
    const hints: Record<string, string> = {
        credentials: _("Check the user name and the password. Some providers require an app password."),
        network: _("Check the server name, the port and the network, then try again."),
        tls: _("Edit the connector and check its credentials: that shows the certificate, which you can then trust."),
        protocol: _("Check that server, port and protocol fit together."),
        mailbox: _("Ask the provider whether this mailbox may be read from here."),
        quota: _("Free some space. The next run continues from there."),
        delivery: _("Check where mail goes: the account there, its folder, and the server or program that takes it."),
        filter: _("Check that the filter is running."),
        policy: _("Change the server, the user name or the account."),
        internal: _("Read the log. The next run continues from there."),
        settings: _("Correct the settings of this machine."),
        connector: _("Edit the connector."),
        running: _("Wait for the other run to end, or stop it."),
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
        CAFile: _("Certificate authorities"),
        Fingerprint: _("Certificate fingerprint"),
        Username: _("User name"),
        Password: _("Password"),
        PasswordFile: _("File with the password"),
        PasswordCommand: _("Program that writes the password"),
        Provider: _("Sign in at"),
        ClientId: _("Client ID"),
        ClientSecret: _("Client secret"),
        Tenant: _("Tenant"),
        TokenUrl: _("Token address"),
        AuthorizationUrl: _("Authorization address"),
        DeviceUrl: _("Device code address"),
        RedirectUrl: _("Redirect address"),
        Scope: _("Scope"),
        Grant: _("Whose permission"),
        KeyFile: _("Key file"),
        Auth: _("Log-in method"),
        ClientCert: _("Client certificate"),
        ClientKey: _("Key of the client certificate"),
        Tunnel: _("Program that connects"),
        Folders: _("Folders to fetch"),
        FolderMap: _("Mail of several folders"),
        Search: _("Only messages that match"),
        Since: _("Only messages since"),
        MaxSize: _("Largest message"),
        MaxMessages: _("Most messages in a run"),
        MarkSeen: _("Mark as read"),
        Account: _("Local account"),
        Destination: _("Deliver to"),
        Folder: _("Folder"),
        SpamCheck: _("Spam filter"),
        FilterCheck: _("Spam filter"),
        VirusCheck: _("Virus filter"),
        Delete: _("Delete at the provider"),
        Time: _("Fetch every"),
        Label: _("Label"),
        CallbackUrl: _("URL to notify after the first complete run"),
        StatusCallbackUrl: _("URL to notify when the status changes"),
    };
    return words[prop] ?? prop;
}

export function retrieverWord(retriever: string | undefined): string {
    const words: Record<string, string> = {
        SimpleIMAPSSLRetriever: _("IMAP over TLS"),
        SimpleIMAPRetriever: _("IMAP"),
        SimplePOP3SSLRetriever: _("POP3 over TLS"),
        SimplePOP3Retriever: _("POP3"),
    };
    return words[retriever ?? ""] ?? retriever ?? "";
}

/** Return what is wrong with a field. */
export function faultWords({ parameter, error }: Fault): string {
    const special: Record<string, string> = {
        "Server.format": _("Enter a host name or an IP address."),
        "Port.minimum": _("Enter a port between 1 and 65535."),
        "Port.maximum": _("Enter a port between 1 and 65535."),
        "Account.format": _("Enter a user name or a mail address, without slashes."),
        "Account.unknown": _("There is no such account on this machine."),
        "Folder.format": _("Enter the name of a folder, with / between its parts."),
        "KeyFile.format": _("Enter a path that begins with a slash."),
        "ClientCert.format": _("Enter a path that begins with a slash."),
        "ClientKey.format": _("Enter a path that begins with a slash."),
        "Tunnel.format": _("Enter the full path of a program, and its arguments."),
        "Folders.format": _("Enter names of folders with commas between them; put a name that has a comma in quotes."),
        "Search.format": _("These are no IMAP search criteria, such as UNSEEN or FROM anna@example.com."),
        "Since.format": _("Enter a day."),
        "MaxSize.minimum": _("Enter a size above 0."),
        "MaxSize.integer": _("Enter a size in megabytes."),
        "MaxMessages.minimum": _("Enter at least 1."),
        "Auth.conflict": _("This is no method for this protocol or this log-in."),
        "Tenant.format": _("Enter a domain or the identifier of a directory."),
        "Destination.unknown": _("There is no such program on this machine, or it cannot be used."),
        "Folder.conflict": _("This destination does not deliver into folders: by LMTP set RECIPIENT_DELIMITER, for a program add {folder}."),
        "FolderMap.conflict": _("This destination does not deliver into folders: by LMTP set RECIPIENT_DELIMITER, for a program add {folder}."),
        "Destination.format": _("Enter a place as it is described here."),
        "PasswordCommand.format": _("Enter the full path of a program, and its arguments."),
        "PasswordFile.format": _("Enter a path that begins with a slash."),
        "Label.conflict": _("Another connector of this account has this label."),
        "Label.format": _("Choose another label; 0 is not one."),
        "Time.minimum": _("Enter at least 5 minutes."),
        "Delete.minimum": _("Enter 0 days or more."),
        "TLS.conflict": _("This protocol is encrypted from the start."),
        "Fingerprint.format": _("Enter the 64 hexadecimal digits of a SHA-256 fingerprint."),
        "CAFile.format": _("Enter a path that begins with a slash."),
        "CallbackUrl.format": _("Enter an address that begins with https:// or http://, without a password."),
        "StatusCallbackUrl.format": _("Enter an address that begins with https:// or http://, without a password."),
        "TokenUrl.format": _("Enter an address that begins with https:// or http://, without a password."),
        "AuthorizationUrl.format": _("Enter an address that begins with https:// or http://, without a password."),
        "DeviceUrl.format": _("Enter an address that begins with https:// or http://, without a password."),
        "RedirectUrl.format": _("Enter an address that begins with https:// or http://, without a password."),
    };
    const general: Record<string, string> = {
        required: _("Fill in this field."),
        minLength: _("Fill in this field."),
        maxLength: _("This is too long."),
        format: _("This contains characters that cannot be used."),
        integer: _("Enter a whole number."),
        minimum: _("This number is too small."),
        maximum: _("This number is too large."),
        enum: _("This is not one of the choices."),
        conflict: _("This contradicts another field."),
        disallowed: _("The settings of this machine do not allow this."),
        unknown: _("There is no such thing on this machine."),
        self: _("This mailbox is on this machine and would be fetched into itself."),
        additionalProperties: _("This setting is not known here."),
    };
    return special[`${parameter}.${error}`] ?? general[error] ?? cockpit.format(_("This value cannot be used ($0)."), error);
}

/** Return what happened, for a person, in the person's language where it is known what it is. */
export function problemWords(problem: unknown): string {
    if (!(problem instanceof Problem)) return String(problem);
    if (problem.faults.length)
        return problem.faults.map((fault) => `${propWord(fault.parameter)}: ${faultWords(fault)}`).join(" ");
    return problem.message;
}
