// SPDX-License-Identifier: LGPL-2.1-or-later
/** Messages one below the other. */
import cockpit from "cockpit";
import { Button } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { Person, RemoteMessage } from "../api";
import { formatBytes, formatTime } from "../format";
import { go } from "../route";

interface MessageTableProps {
    name: string;
    folder: string;
    messages: RemoteMessage[];
    isPop3: boolean;
}

export function MessageTable({ name, folder, messages, isPop3 }: MessageTableProps) {
    const _ = cockpit.gettext;
    return (
        <Table
            variant="compact"
            role="table"
            gridBreakPoint=""
            className="getmail-mail"
            aria-label={_("Messages of this folder")}
        >
            <Thead>
                <Tr>
                    <Th className="getmail-mail-sender">{_("From")}</Th>
                    <Th>{_("Subject")}</Th>
                    <Th modifier="fitContent">{_("Received")}</Th>
                    <Th modifier="fitContent">{_("Size")}</Th>
                </Tr>
            </Thead>
            <Tbody>
                {messages.map((message) => (
                    <Row
                        key={message.uid}
                        message={message}
                        // POP3 does not know.
                        isUnread={!isPop3 && isUnread(message)}
                        open={() => go({ name, tab: "mailbox", folder, uid: message.uid })}
                    />
                ))}
            </Tbody>
        </Table>
    );
}

function Row({ message, isUnread, open }: { message: RemoteMessage; isUnread: boolean; open: () => void }) {
    const _ = cockpit.gettext;
    const { uid, sent_from, subject, size } = message;
    return (
        <Tr data-uid={uid} className={isUnread ? "getmail-unread" : ""}>
            <Td>
                <span dir="auto" className="getmail-wrap">
                    {senderWords(sent_from)}
                </span>
            </Td>
            <Td>
                <Button variant="link" isInline onClick={open}>
                    <bdi className="getmail-wrap">{subject.trim() || _("No subject")}</bdi>
                </Button>
                {isUnread && <span className="pf-v6-screen-reader"> {_("Unread")}</span>}
            </Td>
            <Td modifier="nowrap">{receivedWords(message)}</Td>
            <Td modifier="nowrap">{formatBytes(size)}</Td>
        </Tr>
    );
}

export function isUnread({ flags }: RemoteMessage): boolean {
    return !flags.some((flag) => flag.toLowerCase() === "\\seen");
}

/** Return who sent it, as short as people know them. */
export function senderWords([first, ...others]: Person[]): string {
    const _ = cockpit.gettext;
    const name = [first?.name, first?.email].map((text = "") => text.trim()).find(Boolean) ?? _("Unknown sender");
    return others.length ? cockpit.format(_("$0 and others"), name) : name;
}

export function receivedWords({ received, date }: RemoteMessage): string {
    return received === null ? date : formatTime(received);
}
