// SPDX-License-Identifier: LGPL-2.1-or-later
/** Taking all that is at the provider as fetched: says what that means, and asks. */
import cockpit from "cockpit";
import { Content } from "@patternfly/react-core";
import * as api from "../api";
import { ConfirmDialog } from "./confirm";

interface BaselineDialogProps {
    name: string;
    /** Told the token of what was started: it goes on as a run does. */
    started: (token: string | undefined) => void;
    refresh: () => Promise<void>;
}

export function BaselineDialog({ name, started, refresh }: BaselineDialogProps) {
    const _ = cockpit.gettext;
    const mark = async () => {
        const { token } = await api.baseline(name);
        started(token);
    };
    return (
        <ConfirmDialog
            id="baseline"
            name={name}
            title={_("Mark everything there now as fetched?")}
            word={_("Mark as fetched")}
            failed={_("Nothing was marked")}
            act={mark}
            settled={refresh}
        >
            <Content>
                <p>
                    {_("Every message that is at the provider now, and was not fetched yet, counts as fetched without being downloaded. It does not come to this machine, now or later. Runs fetch only what arrives from now on.")}
                </p>
                <p>{_("Nothing changes at the provider. This cannot be undone here.")}</p>
            </Content>
        </ConfirmDialog>
    );
}
