// SPDX-License-Identifier: LGPL-2.1-or-later
/** One connector: how it is, what it did, what it says. */
import cockpit from "cockpit";
import {
    Badge,
    Button,
    EmptyState,
    EmptyStateActions,
    EmptyStateBody,
    EmptyStateFooter,
    PageSection,
    Tab as TabItem,
    Tabs,
    TabTitleText,
} from "@patternfly/react-core";
import { SearchIcon } from "@patternfly/react-icons";
import { useEffect, useState, type ReactNode } from "react";
import { useAlerts } from "../alerts";
import * as api from "../api";
import type { Connector, Progress, SetAside } from "../api";
import { formatNumber } from "../format";
import { go, type Tab } from "../route";
import { useAnswer, type Answered } from "../ask";
import { DetailHeader } from "./header";
import { HistoryTab } from "./history";
import { LogTab } from "./log";
import { MailboxTab } from "../mailbox/mailbox";
import { QuarantineTab } from "./quarantine";
import { StatusTab } from "./status";
import { outcome, useTask } from "./task";

export interface DetailProps {
    name: string;
    tab: Tab;
    /** What is open in the remote mailbox. */
    folder?: string | undefined;
    uid?: string | undefined;
    /** undefined if there is none of this name. */
    connector: Connector | undefined;
    connectors: Connector[];
    now: number;
    refresh: () => Promise<void>;
}

/** What a tab is given. */
export interface TabProps {
    connector: Connector;
    now: number;
    refresh: () => Promise<void>;
    running: boolean;
    /** How far the run under way is; undefined while that is not known. */
    progress: Progress | undefined;
    /** Another one after each run. */
    runs: string;
    aside: Answered<SetAside[]>;
    folder: string | undefined;
    uid: string | undefined;
}

interface TabEntry {
    tab: Tab;
    title: () => string;
    content: (props: TabProps) => ReactNode;
    count?: (props: TabProps) => number;
}

const TABS: TabEntry[] = [
    { tab: "status", title: () => cockpit.gettext("Status"), content: StatusTab },
    { tab: "history", title: () => cockpit.gettext("History"), content: HistoryTab },
    { tab: "log", title: () => cockpit.gettext("Log"), content: LogTab },
    {
        tab: "quarantine",
        title: () => cockpit.gettext("Quarantine"),
        content: QuarantineTab,
        count: ({ aside }) => aside.answer?.length ?? 0,
    },
    { tab: "mailbox", title: () => cockpit.gettext("Remote mailbox"), content: MailboxTab },
];

export function Detail({ connector, name, ...props }: DetailProps) {
    return connector ? <Known connector={connector} {...props} /> : <Unknown name={name} />;
}

function Known({ connector, connectors, tab, folder, uid, now, refresh }: Omit<DetailProps, "name"> & { connector: Connector }) {
    const { name } = connector;
    const tell = useAlerts();
    const [own, setOwn] = useState<string>();
    const [token, setToken] = useRunToken(connector);
    // Another one may have been started meanwhile.
    const leave = () => setToken((now) => (now === token ? undefined : now));
    const { progress } = useTask(
        token,
        (ended) => {
            // A short one would be over unseen.
            if (token === own) tell(ended.statusCode === "failed" ? "danger" : "success", ...outcome(ended));
            void refresh().then(leave);
        },
        // Of one that never told anything there is nothing to ask; why, the list knows.
        () => {
            if (connector.running) return;
            leave();
            void refresh();
        },
    );
    const follow = (started: string | undefined) => {
        setOwn(started);
        setToken(started);
    };
    const running = connector.running || progress?.statusCode === "running";
    const runs = `${connector.last_run} ${running}`;
    const aside = useAnswer(() => api.quarantine(name), runs);
    const props: TabProps = { connector, now, refresh, running, progress, runs, aside, folder, uid };
    return (
        <>
            <DetailHeader
                connector={connector}
                connectors={connectors}
                running={running}
                started={follow}
                refresh={refresh}
            />
            <PageSection type="tabs" padding={{ default: "noPadding" }}>
                <Tabs
                    activeKey={tab}
                    onSelect={(_event, key) => go({ name, tab: key as Tab })}
                    aria-label={cockpit.gettext("About this connector")}
                    usePageInsets
                >
                    {TABS.map((entry) => (
                        <TabItem
                            key={entry.tab}
                            id={entry.tab}
                            eventKey={entry.tab}
                            tabContentId={`tab-${entry.tab}`}
                            title={<TabTitle entry={entry} count={entry.count?.(props) ?? 0} />}
                        />
                    ))}
                </Tabs>
            </PageSection>
            {TABS.filter((entry) => entry.tab === tab).map(({ content: Content }) => (
                <PageSection
                    key={tab}
                    id={`tab-${tab}`}
                    isFilled
                    role="tabpanel"
                    aria-labelledby={`pf-tab-${tab}-${tab}`}
                >
                    <Content {...props} />
                </PageSection>
            ))}
        </>
    );
}

function TabTitle({ entry, count }: { entry: TabEntry; count: number }) {
    return (
        <TabTitleText>
            {entry.title()}
            {count > 0 && (
                <>
                    {" "}
                    <Badge isRead>{formatNumber(count)}</Badge>
                </>
            )}
        </TabTitleText>
    );
}

/** Return the token of the run under way, as far as it is known, and how to tell it. */
function useRunToken({ name, running }: Connector) {
    const [token, setToken] = useState<string>();
    const isUnknown = running && token === undefined;
    useEffect(() => {
        if (!isUnknown) return undefined;
        let over = false;
        // Without it there is less to show of the run, and that is all.
        const found = ([run]: api.Run[]) => !over && run?.result === "running" && setToken(run.token);
        api.history(name, 1).then(found, () => undefined);
        return () => {
            over = true;
        };
    }, [name, isUnknown]);
    return [token, setToken] as const;
}

function Unknown({ name }: { name: string }) {
    const _ = cockpit.gettext;
    return (
        <PageSection isFilled>
            <EmptyState headingLevel="h1" icon={SearchIcon} titleText={_("There is no such connector")}>
                <EmptyStateBody>
                    <span dir="auto" className="getmail-wrap">
                        {name}
                    </span>
                    <br />
                    {_("It may have been removed, or it has another name.")}
                </EmptyStateBody>
                <EmptyStateFooter>
                    <EmptyStateActions>
                        <Button onClick={() => go({})}>{_("All mail connectors")}</Button>
                    </EmptyStateActions>
                </EmptyStateFooter>
            </EmptyState>
        </PageSection>
    );
}
