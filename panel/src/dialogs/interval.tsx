// SPDX-License-Identifier: LGPL-2.1-or-later
/** How often mail is fetched. */
import cockpit from "cockpit";
import { FormSelectOption } from "@patternfly/react-core";
import { useState } from "react";
import { Amount, SelectField, type Editor } from "./field";

const USUAL = [5, 10, 15, 30, 60, 120, 240, 720, 1440];
const OWN = "own";

export function Interval({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const minutes = editor.form.Time;
    const [isOwn, setOwn] = useState(!USUAL.map(String).includes(minutes));
    return (
        <SelectField
            editor={editor}
            field="Time"
            value={isOwn ? OWN : minutes}
            onChange={(chosen) => {
                setOwn(chosen === OWN);
                if (chosen !== OWN) editor.change({ Time: chosen });
            }}
            beside={isOwn && <Amount editor={editor} field="Time" label={_("Minutes")} unit={_("minutes")} />}
        >
            {USUAL.map((count) => (
                <FormSelectOption key={count} value={String(count)} label={intervalWords(count)} />
            ))}
            <FormSelectOption value={OWN} label={_("Other interval")} />
        </SelectField>
    );
}

function intervalWords(minutes: number): string {
    const hours = minutes / 60;
    if (Number.isInteger(hours)) return cockpit.format(cockpit.ngettext("$0 hour", "$0 hours", hours), hours);
    return cockpit.format(cockpit.ngettext("$0 minute", "$0 minutes", minutes), minutes);
}
