// SPDX-License-Identifier: LGPL-2.1-or-later
/** One connector: how it is, what it did, what it says. */
import { PageSection, Title } from "@patternfly/react-core";
import type { Connector } from "../api";
import type { Tab } from "../route";

export interface DetailProps {
    name: string;
    tab: Tab;
    /** undefined if there is none of this name. */
    connector: Connector | undefined;
    now: number;
    refresh: () => Promise<void>;
}

export function Detail({ name }: DetailProps) {
    return (
        <PageSection>
            <Title headingLevel="h1">{name}</Title>
        </PageSection>
    );
}
