// SPDX-License-Identifier: LGPL-2.1-or-later
/** The mailbox at the provider as it is now: looked at, and left as it is. */
import cockpit from "cockpit";
import { Content } from "@patternfly/react-core";
import type { TabProps } from "../detail/detail";
import { isPop3 } from "../props";
import { Folders } from "./folders";
import { Messages } from "./messages";
import { INBOX } from "./tree";

export function MailboxTab({ connector: { name, props }, folder = INBOX, uid }: TabProps) {
    const _ = cockpit.gettext;
    const hasNoFolders = isPop3(props.Retriever);
    // Another account or server is another mailbox.
    const key = JSON.stringify(props);
    const open = hasNoFolders ? INBOX : folder;
    return (
        <>
            <Content component="p" className="getmail-quiet">
                {_("This is the mailbox at the provider as it is now. Looking at it changes nothing there: no message is marked as read.")}
            </Content>
            <div className={hasNoFolders ? "" : "getmail-mailbox"}>
                {!hasNoFolders && <Folders key={`folders ${key}`} name={name} open={open} />}
                <Messages key={`${open} ${key}`} name={name} folder={open} uid={uid} isPop3={hasNoFolders} />
            </div>
        </>
    );
}
