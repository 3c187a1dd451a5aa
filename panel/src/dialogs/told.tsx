// SPDX-License-Identifier: LGPL-2.1-or-later
/** What the dialog tells beside its fields. */
import cockpit from "cockpit";
import { useEffect, useRef } from "react";
import type { Connector } from "../api";
import { Alert } from "../patternfly";
import { problemWords } from "../words";

/** What went wrong that belongs to no field: brought into view. */
export function Failed({ title, problem }: { title: string; problem: unknown }) {
    const place = useRef<HTMLDivElement>(null);
    useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), [problem]);
    return (
        <div ref={place}>
            <Alert isInline isLiveRegion variant="danger" title={title} component="p">
                <span dir="auto" className="getmail-told">
                    {problemWords(problem)}
                </span>
            </Alert>
        </div>
    );
}

/** Another connector fetches this mailbox already. */
export function Twin({ twin: { name, props } }: { twin: Connector }) {
    const _ = cockpit.gettext;
    return (
        <Alert isInline isPlain isLiveRegion variant="warning" title={_("This mailbox is fetched already")} component="p">
            {cockpit.format(
                _("$0 delivers it to $1. With a second connector, each message is delivered twice."),
                name,
                props.Account ?? "",
            )}
        </Alert>
    );
}
