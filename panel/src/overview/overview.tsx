// SPDX-License-Identifier: LGPL-2.1-or-later
/** All connectors at a glance. */
import cockpit from "cockpit";
import { Button, PageSection, Title } from "@patternfly/react-core";
import { CogIcon } from "@patternfly/react-icons";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Broken, Connector } from "../api";
import * as known from "../connectors";
import { useDialogs } from "../dialogs";
import { ConnectorDialog } from "../dialogs/connector";
import { RemoveDialog } from "../dialogs/remove";
import { lastDays, localDay } from "../format";
import { go } from "../route";
import { Now } from "../when";
import { useActing, type Doing } from "./acting";
import { BrokenLines, NoConnectors, NothingMatches } from "./empty";
import type { Handlers } from "./menu";
import { SummaryCards } from "./summary";
import { ConnectorTable, countWords } from "./table";
import { FilterBar, Pages, SelectionBar } from "./toolbar";
import { useView } from "./view";

const DAYS = 14;

export interface OverviewProps {
    connectors: Connector[];
    broken: Broken[];
    /** As the machine counts days; undefined where it makes no difference. */
    today?: string | undefined;
    now: number;
    refresh: () => Promise<void>;
}

export function Overview({ connectors, broken, now, refresh, today = localDay(now) }: OverviewProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const add = () => dialogs.show(<ConnectorDialog connectors={connectors} refresh={refresh} />);
    return (
        <Now.Provider value={now}>
            <PageSection className="getmail-overview">
                <div className="getmail-overview-heading">
                    <Title headingLevel="h1">{_("Mail connectors")}</Title>
                    <div className="getmail-overview-actions">
                        <Button
                            variant="link"
                            icon={<CogIcon />}
                            component="a"
                            href="#/settings"
                            onClick={(event) => {
                                event.preventDefault();
                                go({ isSettings: true });
                            }}
                        >
                            {_("Settings of this machine")}
                        </Button>
                        {connectors.length > 0 && <Button onClick={add}>{_("Add connector")}</Button>}
                    </div>
                </div>
                {broken.length > 0 && <BrokenLines broken={broken} />}
                {connectors.length > 0 ? (
                    <Connectors connectors={connectors} today={today} refresh={refresh} />
                ) : (
                    <NoConnectors add={add} />
                )}
            </PageSection>
        </Now.Provider>
    );
}

interface ConnectorsProps {
    connectors: Connector[];
    today: string;
    refresh: () => Promise<void>;
}

function Connectors({ connectors, today, refresh }: ConnectorsProps) {
    const [view, change] = useView();
    const { text, shown, order, descending, page, size } = view;
    const { selected, doing, handlers } = useHandlers(connectors, refresh);
    const counts = useMemo(() => known.count(connectors), [connectors]);
    const summary = useMemo(() => known.summarize(connectors, today), [connectors, today]);
    const days = useMemo(() => lastDays(DAYS, Date.parse(`${today}T12:00:00`) / 1000), [today]);
    const matching = useMemo(() => known.filter(connectors, text, shown), [connectors, text, shown]);
    const all = useMemo(() => known.group(known.sort(matching, order, descending)), [matching, order, descending]);
    const totals = useMemo(() => new Map(all.map((group) => [group.account, group.connectors.length])), [all]);
    const paged = useMemo(() => known.paginate(all, page, size), [all, page, size]);
    // What is not shown is not acted upon.
    const chosen = useMemo(() => namesOf(matching).filter((name) => selected.has(name)), [matching, selected]);
    const pages = { view, page: paged.page, total: matching.length, change };
    return (
        <>
            <SummaryCards summary={summary} shown={shown} change={change} />
            <FilterBar view={view} counts={counts} total={connectors.length} change={change} />
            <div className="pf-v6-screen-reader" role="status">
                {countWords(matching.length)}
            </div>
            {matching.length > 0 ? (
                <>
                    <SelectionBar
                        {...pages}
                        chosen={chosen}
                        onPage={paged.groups.flatMap((group) => namesOf(group.connectors))}
                        all={namesOf(matching)}
                        doing={doing}
                        handlers={handlers}
                    />
                    <ConnectorTable
                        groups={paged.groups}
                        totals={totals}
                        days={days}
                        selected={selected}
                        order={order}
                        descending={descending}
                        handlers={handlers}
                        change={change}
                    />
                    {matching.length > size && <Pages {...pages} isBottom />}
                </>
            ) : (
                <NothingMatches change={change} />
            )}
        </>
    );
}

const namesOf = (connectors: Connector[]) => connectors.map(({ name }) => name);

interface Handled {
    selected: ReadonlySet<string>;
    doing: Doing | undefined;
    handlers: Handlers;
}

/** The handlers stay the same, so that rows do; what they need of now they find when they are called. */
function useHandlers(connectors: Connector[], refresh: () => Promise<void>): Handled {
    const dialogs = useDialogs();
    const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
    const [doing, start] = useActing(refresh);
    const latest = useRef(connectors);
    useEffect(() => {
        latest.current = connectors;
    }, [connectors]);
    const handlers = useMemo<Handlers>(() => {
        const select = (names: string[], isOn: boolean) =>
            setSelected((before) => {
                const after = new Set(before);
                for (const name of names) if (isOn) after.add(name);
                    else after.delete(name);
                return after;
            });
        return {
            select,
            start,
            edit: (connector) =>
                dialogs.show(
                    <ConnectorDialog connector={connector} connectors={latest.current} refresh={refresh} />,
                ),
            remove: (names) =>
                dialogs.show(
                    <RemoveDialog names={names} removed={() => select(names, false)} refresh={refresh} />,
                ),
        };
    }, [dialogs, start, refresh]);
    return { selected, doing, handlers };
}
