// SPDX-License-Identifier: LGPL-2.1-or-later
/** How a connector is, in a coloured word. */
import cockpit from "cockpit";
import { Label } from "@patternfly/react-core";
import {
    CheckCircleIcon,
    DisconnectedIcon,
    ExclamationCircleIcon,
    ExclamationTriangleIcon,
    InProgressIcon,
    KeyIcon,
    OutlinedClockIcon,
    PauseCircleIcon,
} from "@patternfly/react-icons";
import type { ReactElement } from "react";
import type { Connector, Status } from "./api";
import { isFailing } from "./connectors";
import { STATUS_COLOUR, statusWord } from "./words";

const ICONS: Record<Status, ReactElement> = {
    OK: <CheckCircleIcon />,
    NEVER_RUN: <OutlinedClockIcon />,
    INVALID_CREDENTIALS: <KeyIcon />,
    CONNECTION_IMPOSSIBLE: <DisconnectedIcon />,
    NO_ACCESS_TO_ALL_MAIL: <ExclamationTriangleIcon />,
    TEMP_DISABLED: <ExclamationCircleIcon />,
    DISABLED: <PauseCircleIcon />,
};

function StatusLabel({ status }: { status: Status }) {
    return (
        <Label isCompact color={STATUS_COLOUR[status]} icon={ICONS[status]}>
            {statusWord(status)}
        </Label>
    );
}

function RunningLabel() {
    const _ = cockpit.gettext;
    return (
        <Label isCompact color="blue" icon={<InProgressIcon className="getmail-turning" />}>
            {_("Running")}
        </Label>
    );
}

/** A run under way says enough, unless something is wrong. */
export function StateLabels({ connector, running }: { connector: Connector; running: boolean }) {
    return (
        <div className="getmail-labels">
            {running && <RunningLabel />}
            {(!running || isFailing(connector)) && <StatusLabel status={connector.status} />}
        </div>
    );
}
