// SPDX-License-Identifier: LGPL-2.1-or-later
/** Leaving messages on the server for good: says so, and asks. */
import cockpit from "cockpit";
import { List, ListItem } from "@patternfly/react-core";
import * as api from "../api";
import type { SetAside } from "../api";
import { formatNumber } from "../format";
import { identify, oneByOne } from "./aside";
import { ConfirmDialog } from "./confirm";

/** So many are named; more would hide what else is said. */
const NAMED = 10;

interface SkipDialogProps {
    name: string;
    messages: SetAside[];
    /** Called after they were skipped, or some of them. */
    changed: () => Promise<void>;
}

export function SkipDialog({ name, messages, changed }: SkipDialogProps) {
    const _ = cockpit.gettext;
    const count = messages.length;
    return (
        <ConfirmDialog
            id="skip"
            name={name}
            title={cockpit.format(
                cockpit.ngettext("Skip $0 message?", "Skip $0 messages?", count),
                formatNumber(count),
            )}
            word={_("Skip")}
            failed={_("Not all were skipped")}
            // Each by itself: what is set aside meanwhile was not looked at by anybody.
            act={(isLeft) => oneByOne(name, messages, api.skip, () => !isLeft())}
            settled={changed}
        >
            <List className="getmail-names">
                {messages.slice(0, NAMED).map((message) => (
                    <ListItem key={identify(message)}>
                        <bdi className="getmail-told">{message.folder}</bdi>, <bdi dir="ltr">{message.uid}</bdi>
                    </ListItem>
                ))}
                {count > NAMED && (
                    <ListItem>
                        {cockpit.format(
                            cockpit.ngettext("$0 more", "$0 more", count - NAMED),
                            formatNumber(count - NAMED),
                        )}
                    </ListItem>
                )}
            </List>
            <p>
                {cockpit.ngettext(
                    "It stays on the server and is never fetched, nor told of again. This cannot be undone here.",
                    "They stay on the server and are never fetched, nor told of again. This cannot be undone here.",
                    count,
                )}
            </p>
        </ConfirmDialog>
    );
}
