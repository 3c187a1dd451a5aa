// SPDX-License-Identifier: LGPL-2.1-or-later
/** The settings of this machine in plain words. Nothing here asks or shows. */
import cockpit from "cockpit";
import type { Settings } from "../api";
import { destinationWords } from "../destinations";
import { formatDuration, formatNumber, isolate } from "../format";

export interface ServerSetting {
    /** As the settings file calls it. */
    name: string;
    term: string;
    text: string;
    /** Whether it is to be read letter by letter. */
    exact?: true;
}

export interface Part {
    title: string;
    settings: ServerSetting[];
}

/** What is told beside the buttons that change what is stored. */
const TOLD_APART = ["ENCRYPT_SECRETS"];

/** Return what is in force, by what it is about; what is not known here is told as it is. */
export function describeServer(settings: Settings): Part[] {
    const _ = cockpit.gettext;
    const text = (name: string) => String(settings[name] ?? "");
    const seconds = (name: string) => formatDuration(Number(settings[name]));
    const parts: Part[] = [
        {
            title: _("Delivery"),
            settings: [
                { name: "DESTINATION", term: _("Deliver to"), text: destinationWords(text("DESTINATION")) },
                { name: "RECIPIENT_DELIMITER", term: _("Folders by LMTP"), text: delimiterWords(text("RECIPIENT_DELIMITER")) },
                { name: "LMTP_TLS", term: _("Encryption of LMTP"), text: lmtpWords(text("LMTP_TLS")) },
                { name: "LMTP_CA_FILE", term: _("Authorities for LMTP"), text: authorityWords(text("LMTP_CA_FILE")) },
                { name: "COMMAND_TIMEOUT", term: _("Time for a program"), text: seconds("COMMAND_TIMEOUT") },
            ],
        },
        {
            title: _("Filters"),
            settings: [
                { name: "RSPAMD_URL", term: _("Spam filter at"), text: text("RSPAMD_URL"), exact: true },
                { name: "SPAM_REJECT", term: _("What is plainly spam"), text: spamWords(settings) },
                { name: "JUNK_FOLDER", term: _("Folder for spam"), text: text("JUNK_FOLDER") },
                { name: "CLAMD_SOCKET", term: _("Virus filter at"), text: text("CLAMD_SOCKET"), exact: true },
                { name: "FILTER_TIMEOUT", term: _("Time for a filter"), text: seconds("FILTER_TIMEOUT") },
            ],
        },
        {
            title: _("Runs"),
            settings: [
                { name: "MAX_RUNS", term: _("Runs at the same time"), text: formatNumber(Number(settings.MAX_RUNS)) },
                { name: "FETCH_USER", term: _("User that fetches"), text: text("FETCH_USER"), exact: true },
                { name: "CHECK_TIMEOUT", term: _("Time for a check of credentials"), text: seconds("CHECK_TIMEOUT") },
                { name: "REMOTE_TIMEOUT", term: _("Time for a look into a mailbox"), text: seconds("REMOTE_TIMEOUT") },
                { name: "HISTORY_DAYS", term: _("History is kept"), text: dayWords(Number(settings.HISTORY_DAYS)) },
            ],
        },
        {
            title: _("What connectors may do"),
            settings: [
                {
                    name: "ALLOW_COMMANDS",
                    term: _("Start programs that write passwords"),
                    text: allowedWords(settings.ALLOW_COMMANDS),
                },
                {
                    name: "ALLOW_TUNNEL",
                    term: _("Start programs that connect to servers"),
                    text: allowedWords(settings.ALLOW_TUNNEL),
                },
                {
                    name: "CALLBACK_ALLOW_PRIVATE",
                    term: _("Send notices to private networks"),
                    text: allowedWords(settings.CALLBACK_ALLOW_PRIVATE),
                },
            ],
        },
        {
            title: _("Files"),
            settings: [
                { name: "CONNECTORS_DB", term: _("Connectors"), text: text("CONNECTORS_DB"), exact: true },
                { name: "STATE_DIR", term: _("Record of what was fetched"), text: text("STATE_DIR"), exact: true },
            ],
        },
    ];
    const known = new Set([...TOLD_APART, ...parts.flatMap((part) => part.settings.map(({ name }) => name))]);
    const others = Object.keys(settings)
        .filter((name) => !known.has(name))
        .map((name): ServerSetting => ({ name, term: name, text: text(name), exact: true }));
    return [...parts, { title: _("Other settings"), settings: others }]
        .map((part) => ({ ...part, settings: part.settings.filter(({ name }) => name in settings) }))
        .filter((part) => part.settings.length > 0);
}

function delimiterWords(delimiter: string): string {
    const _ = cockpit.gettext;
    if (!delimiter) return _("Not used: no character is set for them");
    return cockpit.format(_("Part of the address, after $0"), isolate(delimiter));
}

function lmtpWords(tls: string): string {
    const _ = cockpit.gettext;
    const words: Record<string, string> = {
        auto: _("Where the server offers it"),
        required: _("Required"),
        none: _("encryption", "None"),
    };
    return words[tls] ?? tls;
}

function authorityWords(file: string): string {
    const _ = cockpit.gettext;
    if (!file) return _("Those that this machine trusts");
    return cockpit.format(_("Only those in $0"), isolate(file));
}

function spamWords({ SPAM_REJECT }: Settings): string {
    const _ = cockpit.gettext;
    return SPAM_REJECT === "drop" ? _("Dropped: not delivered") : _("Delivered to the folder for spam");
}

function dayWords(days: number): string {
    return cockpit.format(cockpit.ngettext("$0 day", "$0 days", days), formatNumber(days));
}

function allowedWords(value: string | number | boolean | undefined): string {
    const _ = cockpit.gettext;
    return value === true ? _("Allowed") : _("Not allowed");
}
