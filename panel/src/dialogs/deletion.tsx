// SPDX-License-Identifier: LGPL-2.1-or-later
/** Whether mail is deleted at the provider once it is here. */
import cockpit from "cockpit";
import { FormSelectOption } from "@patternfly/react-core";
import { useState } from "react";
import { Amount, SelectField, type Editor } from "./field";
import type { Form } from "./form";
import { isPop3 } from "../props";
import { Alert } from "../patternfly";

const NEVER = "-1";
const AT_ONCE = "0";
const LATER = "later";

export function Deletion({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const days = editor.form.Delete;
    const [isLater, setLater] = useState(days !== NEVER && days !== AT_ONCE);
    return (
        <>
            <SelectField
                editor={editor}
                field="Delete"
                value={isLater ? LATER : days}
                onChange={(chosen) => {
                    setLater(chosen === LATER);
                    editor.change({ Delete: chosen === LATER ? "30" : chosen });
                }}
                hint={days === NEVER && _("All mail stays at the provider.")}
                beside={isLater && <Amount editor={editor} field="Delete" label={_("Days")} unit={_("days")} />}
            >
                <FormSelectOption value={NEVER} label={_("Never")} />
                <FormSelectOption value={LATER} label={_("Some days after delivery")} />
                <FormSelectOption value={AT_ONCE} label={_("As soon as it is delivered")} />
            </SelectField>
            {/^\d+$/.test(days) && (
                <Alert isInline variant="warning" title={_("Mail will be deleted at the provider")} component="p">
                    {deletionWords(editor.form)}
                </Alert>
            )}
        </>
    );
}

/** Return what will be deleted where. */
function deletionWords({ Server, Username, Delete, Folders, Retriever }: Form): string {
    const _ = cockpit.gettext;
    const server = Server.trim() || _("the server");
    const user = Username.trim() || _("this user");
    const days = Number(Delete);
    const isMore = Folders.trim() !== "" && !isPop3(Retriever);
    const what = isMore ? foldersWords(user, server, days) : inboxWords(user, server, days);
    return `${what} ${_("That includes mail that was delivered before, and all programs and devices that read this mailbox lose it too.")}`;
}

function inboxWords(user: string, server: string, days: number): string {
    const _ = cockpit.gettext;
    if (!days)
        return cockpit.format(
            _("Every message in the inbox of $0 on $1 is deleted there for good as soon as it is delivered to this machine."),
            user,
            server,
        );
    return cockpit.format(
        cockpit.ngettext(
            "Every message in the inbox of $0 on $1 is deleted there for good, $2 day after it was delivered to this machine.",
            "Every message in the inbox of $0 on $1 is deleted there for good, $2 days after it was delivered to this machine.",
            days,
        ),
        user,
        server,
        days,
    );
}

function foldersWords(user: string, server: string, days: number): string {
    const _ = cockpit.gettext;
    if (!days)
        return cockpit.format(
            _("Every message in the fetched folders of $0 on $1 is deleted there for good as soon as it is delivered to this machine."),
            user,
            server,
        );
    return cockpit.format(
        cockpit.ngettext(
            "Every message in the fetched folders of $0 on $1 is deleted there for good, $2 day after it was delivered to this machine.",
            "Every message in the fetched folders of $0 on $1 is deleted there for good, $2 days after it was delivered to this machine.",
            days,
        ),
        user,
        server,
        days,
    );
}
