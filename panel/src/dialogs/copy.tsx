// SPDX-License-Identifier: LGPL-2.1-or-later
/** A button that copies a text. */
import cockpit from "cockpit";
import { Button } from "@patternfly/react-core";
import { CheckIcon, CopyIcon } from "@patternfly/react-icons";
import { useState } from "react";

interface CopyProps {
    text: string;
    /** The id of the element that shows it. */
    shownIn: string;
}

export function Copy({ text, shownIn }: CopyProps) {
    const _ = cockpit.gettext;
    const [isCopied, setCopied] = useState(false);
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(text);
            setCopied(true);
        } catch {
            // Browsers allow it to encrypted pages only. What is selected can be copied by hand.
            const element = document.getElementById(shownIn);
            if (element) window.getSelection()?.selectAllChildren(element);
        }
    };
    return (
        <Button
            variant="secondary"
            icon={isCopied ? <CheckIcon /> : <CopyIcon />}
            onClick={() => void copy()}
            onBlur={() => setCopied(false)}
        >
            {isCopied ? _("Copied") : _("Copy")}
        </Button>
    );
}
