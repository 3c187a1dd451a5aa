// SPDX-License-Identifier: LGPL-2.1-or-later
/** One function an action, and the shapes of their answers: those of ../../schemas, secrets left out. */
import { call } from "./helpers";

export type Status =
    | "OK"
    | "NEVER_RUN"
    | "INVALID_CREDENTIALS"
    | "CONNECTION_IMPOSSIBLE"
    | "NO_ACCESS_TO_ALL_MAIL"
    | "TEMP_DISABLED"
    | "DISABLED";

/** Messages by local day, YYYY-MM-DD; days without mail are missing. */
export type Days = Record<string, number>;

/** Times are seconds since 1970. */
export interface Connector {
    name: string;
    type: string;
    props: Record<string, string>;
    status: Status;
    cause?: string;
    message?: string;
    hint?: string;
    last_run: number | null;
    next_run: number | null;
    failures: number;
    messages: number;
    bytes: number;
    running: boolean;
    percent?: number;
    days?: Days;
}

export interface Broken {
    line: number;
    reason: string;
}

export interface Account {
    name: string;
    user: boolean;
    connectors: number;
}

export type TaskState = "running" | "succeeded" | "failed" | "cancelled";

export interface Run extends Unfetched {
    token: string;
    start: number;
    end: number | null;
    result: TaskState;
    messages: number;
    bytes: number;
    cause?: string;
    message?: string;
}

export interface LogLine {
    time: number;
    /** As of syslog: 3 an error, 4 a warning. */
    priority: number;
    message: string;
}

export interface SetAside {
    folder: string;
    uid: string;
    size: number;
    reason: string;
    attempts: number;
    since: number | null;
}

export interface Progress {
    token: string;
    statusVersion: number;
    statusCode: TaskState;
    percentProgress: number | null;
    statusText: string | null;
    logOutput: string | null;
    result: RunResult | Verified | null;
    error: { message: string; cause: string; hint: string } | null;
}

/** Messages that a run did not fetch. */
export interface Unfetched {
    /** Which the connector does not want. */
    passedOver: number;
    /** For later runs. */
    left: number;
    /** Marked as fetched. */
    baselined: number;
}

export interface RunResult extends Unfetched {
    messages: number;
    bytes: number;
    failed: number;
    setAside: number;
    deleted: number;
}

export interface MissingMessage {
    folder: string;
    uid: string;
    message_id: string | null;
}

export interface Verified {
    checked: number;
    present: number;
    moved: number;
    elsewhere: number;
    /** The first of them. */
    missing: MissingMessage[];
    missing_count: number;
    sound: boolean;
    problems: string[];
}

/** A folder of a remote mailbox, as people read its name. */
export interface RemoteFolder {
    name: string;
    /** null where the folder cannot be opened, or nothing was told of it. */
    messages: number | null;
    unseen: number | null;
    size: number | null;
    /** What it is for (RFC 6154): "\\Sent". */
    special_use: string | null;
    subscribed: boolean;
    selectable: boolean;
    /** Whether prop Folders takes it. */
    chosen: boolean;
    /** Where prop FolderMap puts its mail; null: into the folder of all. */
    local: string | null;
    /** What stands between the parts of its name; "" where there are none. */
    separator: string;
}

export interface FoldersAnswer {
    folders: RemoteFolder[];
    /** How many there are beyond these. */
    more: number;
}

export interface Person {
    name: string;
    email: string;
}

/** What is told of a message that was not read as a whole. */
export interface RemoteMessage {
    uid: string;
    flags: string[];
    size: number;
    received: number | null;
    subject: string;
    sent_from: Person[];
    sent_to: Person[];
    date: string;
}

export interface MessageHeader {
    Name: string;
    Value: string;
}

/** A file of a message. */
export interface RemoteFile {
    id: string;
    file_name: string;
    type: string;
    size: number;
    inline: boolean;
}

export interface ReadMessage {
    message: RemoteMessage & { headers: MessageHeader[]; body: { plain: string[]; html: string[] } };
    attachments: RemoteFile[];
    /** Whether there is more in it than is told. */
    cut: boolean;
}

export interface MessagesAnswer {
    /** How many there are in all. */
    total: number;
    messages: RemoteMessage[];
    /** Where to go on; null at the end. */
    before: string | null;
}

/** A part of a file, in base64. */
export interface FilePart {
    file: RemoteFile;
    data: string;
    /** Where to go on; null at the end. */
    next: number | null;
}

/** What a run would fetch, had none been before. */
export interface Preview {
    folders: { name: string; messages: number; wanted: number; passed: number }[];
    /** How many folders there are beyond these. */
    more: number;
    wanted: number;
    passed: number;
    /** How many of the wanted ones are for later runs. */
    left: number;
    /** The newest of them. */
    messages: (RemoteMessage & { folder: string })[];
}

export interface Checked {
    tls: string | null;
    capabilities: string[];
    folder: string;
    messages: number;
}

/** Those in force, by name. */
export type Settings = Record<string, string | number | boolean>;

export interface Info {
    version: string;
    settings: Settings;
    /** How many passwords and tokens are stored in which way. */
    secrets: { sealed: number; plain: number };
}

/** What a form holds: strings by prop, without the props that are empty. */
export type Props = Record<string, string | null>;

/** How to sign in. */
export interface Authorization {
    token: string;
    /** The page where that is done. */
    address: string;
    /** The same with the code in it, where there is such a page. */
    address_with_code?: string;
    /** What is typed there; without it, the address where the browser ends is to be told. */
    code?: string;
    /** Until when it can be done. */
    expires: number;
}

/** What became of some of the stored passwords and tokens. */
export interface Converted {
    secrets: number;
    /** Where to go on; missing at the end. */
    after?: string;
    /** What does not open: it was sealed on another machine. */
    failed?: { name: string; message: string }[];
}

interface Saved {
    name: string;
}

interface Started {
    unit: string;
    token?: string;
    running?: true;
}

/** A connector that was removed meanwhile is not taken for another one with such a label. */
const byKey = (name: string) => ({ name, exact: true });

export interface ListAnswer {
    connectors: Record<string, Connector[]>;
    broken?: Broken[];
    /** The machine's day, where any connector has days: the person may be somewhere else. */
    today?: string;
}

export const list = () => call<ListAnswer>("read", { action: "list", redact: true });

export const accounts = () =>
    call<{ accounts: Account[] }>("read", { action: "accounts" }).then((answer) => answer.accounts);

export const info = () => call<Info>("read", { action: "info" });

/** With the name of a connector, what `props` leave out is as it is stored. */
export const checkCredentials = (props: Props, name?: string) =>
    call<Checked>("read", credentials(props, name));

const credentials = (props: Props, name?: string) => ({ ...props, action: "check-credentials", ...(name && byKey(name)) });

/** A log-in of a connector, or one that is in a form: with the name of a connector, what `props` leave out is as stored. */
export type Mailbox = { name: string } | { form: Props; name?: string | undefined };

const reached = (mailbox: Mailbox) =>
    "form" in mailbox ? { form: credentials(mailbox.form, mailbox.name) } : byKey(mailbox.name);

export const folders = (mailbox: Mailbox) =>
    call<FoldersAnswer>("read", { action: "folders", ...reached(mailbox) });

export const preview = (mailbox: Mailbox) => call<Preview>("read", { action: "preview", ...reached(mailbox) });

/** Where and which: older ones than `before`, the newest first. */
export interface Wanted {
    folder: string;
    search?: string;
    limit: number;
    before?: string;
}

export const messages = (name: string, wanted: Wanted) =>
    call<MessagesAnswer>("read", { action: "messages", ...byKey(name), ...wanted });

export const message = (name: string, folder: string, uid: string) =>
    call<ReadMessage>("read", { action: "message", ...byKey(name), folder, uid });

export const file = (name: string, folder: string, uid: string, id: string, offset: number, limit: number) =>
    call<FilePart>("read", { action: "file", ...byKey(name), folder, uid, file: id, offset, limit });

export const history = (name: string, limit: number) =>
    call<{ runs: Run[] }>("read", { action: "history", ...byKey(name), limit }).then((answer) => answer.runs);

/** Newer lines than those before `after`, a cursor that an answer gave, or else the last ones. */
export const log = (name: string, lines: number, after?: string) =>
    call<{ lines: LogLine[]; cursor?: string; restarted?: true }>("read", { action: "log", ...byKey(name), lines, ...(after && { after }) });

export const progress = (token: string, version = 0) =>
    call<Progress>("read", { action: "progress", token, version });

export const quarantine = (name: string) =>
    call<{ messages: SetAside[] }>("read", { action: "quarantine", ...byKey(name) }).then((answer) => answer.messages);

export const validateCreate = (props: Props) => call<object>("validate", { ...props, action: "create" });

export const validateUpdate = (name: string, props: Props) =>
    call<object>("validate", { ...props, action: "update", ...byKey(name) });

export const create = (props: Props) => call<Saved>("create", { ...props, action: "create" });

export const update = (name: string, props: Props) => call<Saved>("update", { ...props, action: "update", ...byKey(name) });

export const enable = (name: string) => call<Saved>("update", { action: "enable", ...byKey(name) });

export const disable = (name: string) => call<Saved>("update", { action: "disable", ...byKey(name) });

export const reset = (name: string) => call<object>("update", { action: "reset", ...byKey(name) });

export const remove = (name: string) => call<Saved>("delete", { action: "delete", ...byKey(name) });

export const run = (name: string) => call<Started>("execute", { action: "run", ...byKey(name) });

export const cancel = (name: string) => call<object>("execute", { action: "cancel", ...byKey(name) });

/** Ask one run or verification to end. */
export const cancelTask = (token: string) => call<object>("execute", { action: "cancel", token });

export const verify = (name: string) => call<Started>("execute", { action: "verify", ...byKey(name) });

/** Mark all that is there as fetched; it answers as a run. */
export const baseline = (name: string) => call<Started>("execute", { action: "baseline", ...byKey(name) });

/** Returns how many messages that were. */
export const retry = (name: string, folder: string, uid: string) =>
    call<{ messages: number }>("execute", { action: "retry", ...byKey(name), folder, uid }).then((answer) => answer.messages);

/** Returns how many messages that were. */
export const skip = (name: string, folder: string, uid: string) =>
    call<{ messages: number }>("execute", { action: "skip", ...byKey(name), folder, uid }).then((answer) => answer.messages);

/** With a code that is typed on any device, or with the address where the browser ends. */
export type Flow = "device" | "code";

/** Begin a sign-in, with a code where the provider has that; its progress is that of its token. */
export const authorize = (name: string, flow?: Flow) =>
    call<Authorization>("execute", { action: "authorize", ...byKey(name), ...(flow && { flow }) });

/** Tell a sign-in where the browser ended. */
export const authorizeComplete = (name: string, redirect: string) =>
    call<object>("execute", { action: "authorize-complete", ...byKey(name), redirect });

/** So many connectors are converted at once: how far it is can be told after each time. */
const PORTION = 20;

/** Encrypt what is stored in clear for this machine: some of it, after where an answer ended. */
export const seal = (after?: string) =>
    call<Converted>("update", { action: "seal", limit: PORTION, ...(after && { after }) });

/** Store what is sealed in clear, likewise. */
export const unseal = (after?: string) =>
    call<Converted>("update", { action: "unseal", limit: PORTION, ...(after && { after }) });
