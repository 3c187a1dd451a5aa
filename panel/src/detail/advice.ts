// SPDX-License-Identifier: LGPL-2.1-or-later
/** What a person may try with a connector that does not work. */
import cockpit from "cockpit";
import type { Connector } from "../api";
import { hintWords } from "../hints";
import { takesSignIn } from "../props";
import { causeHint } from "../words";

/** Return it in the person's language where the cause is known, else as the helper says it; `aside` messages are set aside. */
export function adviceWords({ status, cause, hint, props }: Connector, aside: number): string {
    const _ = cockpit.gettext;
    // Why a provider takes a token no more, it alone knows.
    if (cause === "credentials" && props.Provider)
        return hintWords(hint) || (takesSignIn(props) ? _("Sign in again.") : "");
    if (status === "TEMP_DISABLED")
        return _("Correct the user name or the password, or press Reset. Meanwhile it is tried once a day.");
    if (cause === "mailbox" && aside > 0)
        return _("The next run tries the messages that failed again, except those that are set aside.");
    return causeHint(cause) || (hint ?? "");
}
