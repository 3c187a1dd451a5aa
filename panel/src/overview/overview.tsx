// SPDX-License-Identifier: LGPL-2.1-or-later
/** All connectors at a glance. */
import cockpit from "cockpit";
import { Button, PageSection, Title } from "@patternfly/react-core";
import type { Broken, Connector } from "../api";
import { useDialogs } from "../dialogs";
import { ConnectorDialog } from "../dialogs/connector";

export interface OverviewProps {
    connectors: Connector[];
    broken: Broken[];
    now: number;
    refresh: () => Promise<void>;
}

export function Overview({ connectors, refresh }: OverviewProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    return (
        <PageSection>
            <Title headingLevel="h1">{_("Mail connectors")}</Title>
            <Button onClick={() => dialogs.show(<ConnectorDialog connectors={connectors} refresh={refresh} />)}>
                {_("Add connector")}
            </Button>
            <ul>
                {connectors.map(({ name }) => (
                    <li key={name}>{name}</li>
                ))}
            </ul>
        </PageSection>
    );
}
