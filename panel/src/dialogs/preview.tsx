// SPDX-License-Identifier: LGPL-2.1-or-later
/** What the form would fetch, before anything is stored. */
import cockpit from "cockpit";
import { Button } from "@patternfly/react-core";
import { useEffect, useRef } from "react";
import * as api from "../api";
import type { Preview } from "../api";
import { formatBytes, formatNumber } from "../format";
import { receivedWords, senderWords } from "../mailbox/list";
import { Alert } from "../patternfly";
import type { Editor } from "./field";
import { CHECKED, SELECTED, checkOf, needsNewSignIn } from "./form";
import { useInquiryOf } from "./inquiry";
import { Unanswered } from "./unanswered";

const FIELDS = [...CHECKED, ...SELECTED];

export function PreviewPart({ editor: { form, stored, name, refuse } }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const place = useRef<HTMLDivElement>(null);
    const props = checkOf(form, stored, FIELDS);
    const { outcome, begin } = useInquiryOf<Preview>(props, refuse);
    const isBusy = outcome?.is === "busy";
    useEffect(() => {
        if (outcome) place.current?.scrollIntoView({ block: "nearest" });
    }, [outcome]);
    if (needsNewSignIn(form, stored)) return null;
    return (
        <div className="getmail-check">
            <Button
                id="preview"
                variant="secondary"
                isLoading={isBusy}
                isAriaDisabled={isBusy}
                onClick={() => begin(() => api.preview({ form: props, name }))}
                {...(isBusy && { spinnerAriaValueText: _("Looking") })}
            >
                {_("Show what it would fetch")}
            </Button>
            <div role="status" ref={place}>
                {isBusy && <div>{_("Looking into the mailbox…")}</div>}
                {outcome?.is === "fails" && (
                    <Unanswered title={_("The mailbox cannot be read")} problem={outcome.problem} />
                )}
                {outcome?.is === "works" && <Found found={outcome.found} isNew={name === undefined} />}
            </div>
        </div>
    );
}

function Found({ found, isNew }: { found: Preview; isNew: boolean }) {
    const _ = cockpit.gettext;
    const { folders, messages } = found;
    const rest = [restWords(found), isNew ? "" : _("What was fetched before is not fetched again.")].filter(Boolean);
    return (
        <>
            <Alert isInline variant="info" component="p" title={wantedWords(found)}>
                {rest.length > 0 && rest.join(" ")}
            </Alert>
            {folders.length > 1 && <ByFolder folders={folders} />}
            {messages.length > 0 && <Newest found={found} />}
        </>
    );
}

function wantedWords({ wanted }: Preview): string {
    const { format, ngettext } = cockpit;
    return format(ngettext("It would fetch $0 message.", "It would fetch $0 messages.", wanted), formatNumber(wanted));
}

/** Return what would not be fetched, or not at once. */
function restWords({ passed, left, more }: Preview): string {
    const { format, ngettext } = cockpit;
    return [
        left && format(ngettext("$0 of them is left for later runs.", "$0 of them are left for later runs.", left), formatNumber(left)),
        passed && format(ngettext("$0 is passed over.", "$0 are passed over.", passed), formatNumber(passed)),
        more && format(ngettext("$0 more folder is not shown.", "$0 more folders are not shown.", more), formatNumber(more)),
    ]
        .filter(Boolean)
        .join(" ");
}

function ByFolder({ folders }: Pick<Preview, "folders">) {
    const _ = cockpit.gettext;
    return (
        <ul className="getmail-newest" aria-label={_("By folder")}>
            {folders.map(({ name, messages, wanted }) => (
                <li key={name}>
                    <bdi className="getmail-wrap">{name}</bdi>{" "}
                    <span className="getmail-quiet">
                        {cockpit.format(_("$0 of $1 messages"), formatNumber(wanted), formatNumber(messages))}
                    </span>
                </li>
            ))}
        </ul>
    );
}

function Newest({ found: { folders, messages } }: { found: Preview }) {
    const _ = cockpit.gettext;
    return (
        <>
            <p className="getmail-question">{_("The newest of them:")}</p>
            <ul className="getmail-newest" aria-label={_("The newest messages it would fetch")}>
                {messages.map((message) => (
                    <li key={`${message.folder}\n${message.uid}`}>
                        <bdi className="getmail-wrap">{message.subject.trim() || _("No subject")}</bdi>
                        <small className="getmail-quiet getmail-wrap">
                            {[
                                ...(folders.length > 1 ? [message.folder] : []),
                                senderWords(message.sent_from),
                                receivedWords(message),
                                formatBytes(message.size),
                            ].map((part, index) => (
                                <span key={index}>
                                    {index > 0 && " · "}
                                    <bdi>{part}</bdi>
                                </span>
                            ))}
                        </small>
                    </li>
                ))}
            </ul>
        </>
    );
}
