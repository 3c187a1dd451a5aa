// SPDX-License-Identifier: LGPL-2.1-or-later
/** A connector's props in plain words. */
import cockpit from "cockpit";
import type { Connector } from "../api";
import { destinationWords } from "../destinations";
import { protocolOf } from "../dialogs/providers";
import { serviceWord } from "../dialogs/services";
import { formatBytes, formatDay, formatNumber, isolate } from "../format";
import { deletionDaysOf, formatFingerprint, minutesOf, needsSignIn, takesSignIn, wayOf } from "../props";
import { propWord, retrieverWord } from "../words";

export interface Setting {
    /** The prop that it tells of, or the first of them. */
    prop: string;
    term: string;
    text: string;
    /** Whether it is to be read letter by letter. */
    exact?: true;
}

/** Addresses, names and paths, told as they are. */
const OF_LOGIN = ["ClientId", "Tenant", "TokenUrl", "AuthorizationUrl", "DeviceUrl", "RedirectUrl", "Scope", "KeyFile"];
/** What is told otherwise. */
const TOLD = new Set([
    ...["type", "status", "Password", "Account", "Label", "Server", "Port", "Username", "Retriever", "TLS"],
    ...["CAFile", "Fingerprint", "Time", "Delete", "CallbackUrl", "StatusCallbackUrl", "Destination", "Folder"],
    ...["FilterCheck", "SpamCheck", "VirusCheck", "PasswordFile", "PasswordCommand", "Provider", "Auth", "Grant"],
    ...["ClientCert", "ClientKey", "Tunnel", "Folders", "FolderMap", "Search", "Since", "MaxSize", "MaxMessages", "MarkSeen"],
    ...OF_LOGIN,
]);
/** Old databases hold what anybody put there. */
const SECRET = /pass|secret|token|key/i;

function isEncryptedFromTheStart(retriever = ""): boolean {
    return protocolOf(retriever)?.tls === true;
}

/** Return all there is to tell, in the order of the form. The password is never told. */
export function describeSettings({ props }: Connector): Setting[] {
    const _ = cockpit.gettext;
    const settings: (Setting | false | undefined)[] = [
        { prop: "Account", term: propWord("Account"), text: props.Account ?? "" },
        !!props.Label && { prop: "Label", term: propWord("Label"), text: props.Label },
        { prop: "Server", term: propWord("Server"), text: serverWords(props) },
        { prop: "Retriever", term: propWord("Retriever"), text: retrieverWord(props.Retriever) },
        { prop: "TLS", term: propWord("TLS"), text: encryptionWords(props) },
        { prop: "Fingerprint", term: _("Certificate"), text: certificateWords(props) },
        !!props.Fingerprint && {
            prop: "Fingerprint",
            term: propWord("Fingerprint"),
            text: formatFingerprint(props.Fingerprint),
            exact: true,
        },
        { prop: "Username", term: propWord("Username"), text: props.Username ?? "" },
        ...loginSettings(props),
        !!props.Auth && props.Auth !== "auto" && { prop: "Auth", term: propWord("Auth"), text: props.Auth.toUpperCase() },
        ...["ClientCert", "ClientKey", "Tunnel"].map((prop) => plain(prop, props[prop])),
        { prop: "Time", term: _("Interval"), text: intervalWords(props.Time) },
        { prop: "Delete", term: propWord("Delete"), text: deletionWords(props.Delete) },
        ...selectionSettings(props),
        !!props.Destination && {
            prop: "Destination",
            term: propWord("Destination"),
            text: destinationWords(props.Destination),
        },
        !!props.Folder && { prop: "Folder", term: propWord("Folder"), text: props.Folder },
        ...filterSettings(props),
        ...["CallbackUrl", "StatusCallbackUrl"].map((prop) => plain(prop, props[prop])),
        ...Object.keys(props)
            .filter((prop) => !TOLD.has(prop) && !SECRET.test(prop))
            .sort()
            .map((prop) => plain(prop, props[prop])),
    ];
    return settings.filter((setting) => !!setting);
}

function plain(prop: string, value: string | undefined): Setting | undefined {
    return value ? { prop, term: propWord(prop), text: value, exact: true } : undefined;
}

function selectionSettings(props: Record<string, string>): (Setting | false | undefined)[] {
    const _ = cockpit.gettext;
    const { Folders, FolderMap, Since, MaxSize, MaxMessages, MarkSeen } = props;
    return [
        !!Folders && { prop: "Folders", term: propWord("Folders"), text: Folders },
        FolderMap === "keep" && { prop: "FolderMap", term: propWord("FolderMap"), text: _("In folders of the same names") },
        plain("Search", props.Search),
        !!Since && { prop: "Since", term: propWord("Since"), text: dayWords(Since) },
        !!MaxSize && { prop: "MaxSize", term: propWord("MaxSize"), text: sizeWords(MaxSize) },
        !!MaxMessages && { prop: "MaxMessages", term: propWord("MaxMessages"), text: MaxMessages },
        MarkSeen === "seen" && { prop: "MarkSeen", term: propWord("MarkSeen"), text: _("What was delivered here") },
    ];
}

function dayWords(day: string): string {
    return /^\d{4}-\d{2}-\d{2}$/.test(day) ? formatDay(day) : day;
}

function sizeWords(octets: string): string {
    return /^\d+$/.test(octets) ? formatBytes(Number(octets)) : octets;
}

function filterSettings({ FilterCheck, SpamCheck, VirusCheck }: Record<string, string>): Setting[] {
    const _ = cockpit.gettext;
    const isOn = {
        SpamCheck: [FilterCheck, SpamCheck].includes("enabled"),
        VirusCheck: VirusCheck === "enabled",
    };
    return (["SpamCheck", "VirusCheck"] as const)
        .filter((prop) => isOn[prop])
        .map((prop) => ({ prop, term: propWord(prop), text: _("On") }));
}

/** Return how it logs in; of secrets only whether there are any. */
function loginSettings(props: Record<string, string>): (Setting | undefined)[] {
    const _ = cockpit.gettext;
    if (wayOf(props) === "file") return [plain("PasswordFile", props.PasswordFile)];
    if (wayOf(props) === "command") return [plain("PasswordCommand", props.PasswordCommand)];
    if (wayOf(props) === "password")
        return [{ prop: "Password", term: propWord("Password"), text: passwordWords(props) }];
    return [
        { prop: "Provider", term: _("Log-in"), text: signInWords(props) },
        ...OF_LOGIN.map((prop) => plain(prop, props[prop])),
    ];
}

function signInWords(props: Record<string, string>): string {
    const _ = cockpit.gettext;
    const service = isolate(serviceWords(props));
    if (!takesSignIn(props)) return cockpit.format(_("OAuth2 by $0, with the organisation’s permission"), service);
    return needsSignIn(props)
        ? cockpit.format(_("OAuth2 by $0: nobody has signed in yet"), service)
        : cockpit.format(_("OAuth2 by $0: signed in"), service);
}

/** Return what the service is called; one that nobody knows, by its host. */
function serviceWords({ Provider = "", TokenUrl = "" }: Record<string, string>): string {
    const [, host] = /^https?:\/\/([^/?]+)/i.exec(TokenUrl) ?? [];
    return Provider === "custom" && host ? host : serviceWord(Provider);
}

function serverWords({ Server = "", Port }: Record<string, string>): string {
    const _ = cockpit.gettext;
    return Port ? cockpit.format(_("$0, port $1"), isolate(Server), Port) : Server;
}

function encryptionWords({ Retriever, TLS, CAFile, Fingerprint }: Record<string, string>): string {
    const _ = cockpit.gettext;
    if (isEncryptedFromTheStart(Retriever)) return _("Encrypted from the start");
    if (TLS === "none") return _("Never encrypted: the password can be read on the way");
    if (TLS === "required" || CAFile || Fingerprint) return _("Always encrypted");
    return _("Encrypted if the server offers it");
}

function certificateWords({ Retriever, TLS, CAFile, Fingerprint }: Record<string, string>): string {
    const _ = cockpit.gettext;
    if (Fingerprint) return _("Only the one with this fingerprint is trusted");
    if (CAFile) return cockpit.format(_("Only authorities in $0 are trusted"), isolate(CAFile));
    if (TLS === "none" && !isEncryptedFromTheStart(Retriever)) return _("None");
    return _("From an authority that this machine trusts");
}

function passwordWords({ Password, Auth, Tunnel }: Record<string, string>): string {
    const _ = cockpit.gettext;
    if (Password === undefined && (Auth === "external" || Tunnel)) return _("Not needed");
    return Password === undefined ? _("None") : _("Stored, and never shown");
}

/** Return how often it runs. */
export function intervalWords(time: string | undefined): string {
    const minutes = minutesOf(time);
    const { format, ngettext } = cockpit;
    const days = minutes / 1440;
    const hours = minutes / 60;
    if (minutes && Number.isInteger(days))
        return format(ngettext("Every day", "Every $0 days", days), formatNumber(days));
    if (minutes && Number.isInteger(hours))
        return format(ngettext("Every hour", "Every $0 hours", hours), formatNumber(hours));
    return format(ngettext("Every minute", "Every $0 minutes", minutes), formatNumber(minutes));
}

/** Return when mail is deleted on the server. */
export function deletionWords(deletion: string | undefined): string {
    const _ = cockpit.gettext;
    const days = deletionDaysOf(deletion);
    if (days === null) return _("Never: all mail stays on the server");
    if (!days) return _("As soon as it is delivered here");
    return cockpit.format(
        cockpit.ngettext("$0 day after it was delivered here", "$0 days after it was delivered here", days),
        formatNumber(days),
    );
}
