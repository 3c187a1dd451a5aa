// SPDX-License-Identifier: LGPL-2.1-or-later
/** The page: owns access, list and route, and shows what they ask for. */
import cockpit from "cockpit";
import { Bullseye, EmptyState, EmptyStateBody, Page, Spinner } from "@patternfly/react-core";
import { ExclamationCircleIcon } from "@patternfly/react-icons";
import { useEffect } from "react";
import { LimitedAccess, useAccess } from "./access";
import { WithAlerts } from "./alerts";
import type { ListAnswer } from "./api";
import { Detail } from "./detail/detail";
import { WithDialogs } from "./dialogs";
import { useList, useNow } from "./list";
import { Overview } from "./overview/overview";
import { Alert } from "./patternfly";
import { useRoute } from "./route";
import { SettingsPage } from "./settings/page";
import { problemWords } from "./words";

/** `early` is what was asked before there was anything to show it. */
export function App({ early }: { early?: Promise<ListAnswer> }) {
    const access = useAccess();
    return (
        <Page className="no-masthead-sidebar" isContentFilled>
            {access === false ? (
                <LimitedAccess />
            ) : (
                <WithAlerts>
                    <WithConnectors access={access ?? false} early={early} />
                </WithAlerts>
            )}
        </Page>
    );
}

/** The list is asked for before it is known whether there is access: most often there is, and it takes as long. */
function WithConnectors({ access, early }: { access: boolean; early: Promise<ListAnswer> | undefined }) {
    const _ = cockpit.gettext;
    const { listed, problem, refresh } = useList(early);
    const now = useNow();
    const { name, tab, isSettings, folder, uid } = useRoute();
    const isRefused = !listed && problem !== undefined;
    useEffect(() => {
        // It may have been asked for too early.
        if (access && isRefused) void refresh();
    }, [access, isRefused, refresh]);
    if (!listed || !access) return access && isRefused ? <NoList problem={problem} /> : <Loading />;
    const { connectors, broken, today } = listed;
    return (
        <WithDialogs>
            {problem !== undefined && (
                <Alert isInline variant="warning" title={_("This may be out of date")}>
                    <span dir="auto">{problemWords(problem)}</span>
                </Alert>
            )}
            {isSettings ? (
                <SettingsPage />
            ) : name ? (
                <Detail
                    key={name}
                    name={name}
                    tab={tab}
                    folder={folder}
                    uid={uid}
                    connector={connectors.find((connector) => connector.name === name)}
                    connectors={connectors}
                    now={now}
                    refresh={refresh}
                />
            ) : (
                <Overview connectors={connectors} broken={broken} today={today} now={now} refresh={refresh} />
            )}
        </WithDialogs>
    );
}

function Loading() {
    const _ = cockpit.gettext;
    return (
        <Bullseye>
            <Spinner aria-label={_("Loading")} />
        </Bullseye>
    );
}

function NoList({ problem }: { problem: unknown }) {
    const _ = cockpit.gettext;
    return (
        <EmptyState
            headingLevel="h2"
            status="danger"
            icon={ExclamationCircleIcon}
            titleText={_("The connectors cannot be read")}
        >
            <EmptyStateBody dir="auto">{problemWords(problem)}</EmptyStateBody>
        </EmptyState>
    );
}
