// SPDX-License-Identifier: LGPL-2.1-or-later
/** How a connector is, and why. */
import cockpit from "cockpit";
import { Progress } from "@patternfly/react-core";
import type { Connector } from "../api";
import { titleOf } from "../connectors";
import { StateLabels } from "../labels";
import { failureSentence } from "../words";

export function State({ connector }: { connector: Connector }) {
    const { running } = connector;
    return (
        <div className="getmail-state">
            <StateLabels connector={connector} running={running} />
            {running ? <Running connector={connector} /> : <Cause connector={connector} />}
        </div>
    );
}

function Running({ connector }: { connector: Connector }) {
    const _ = cockpit.gettext;
    if (connector.percent === undefined) return <div className="getmail-quiet">{_("Looking for mail…")}</div>;
    return (
        <Progress
            aria-label={cockpit.format(_("Progress of $0"), titleOf(connector))}
            measureLocation="outside"
            size="sm"
            value={connector.percent}
        />
    );
}

/** The sentence is the panel's own; what the helper says of this very case comes after it, as far as there is room. */
function Cause({ connector }: { connector: Connector }) {
    const { message } = connector;
    const words = failureSentence(connector);
    if (!words && !message) return null;
    return (
        <div className="getmail-said" title={message}>
            {words}{" "}
            {message && (
                <span className="getmail-quiet">
                    <bdi>{message}</bdi>
                </span>
            )}
        </div>
    );
}
