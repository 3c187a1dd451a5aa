// SPDX-License-Identifier: LGPL-2.1-or-later
/** The runs of a connector, as a chart and one by one. */
import cockpit from "cockpit";
import { Button, EmptyState, EmptyStateBody, Label, Stack, StackItem, Title } from "@patternfly/react-core";
import { HistoryIcon } from "@patternfly/react-icons";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import * as api from "../api";
import type { Run } from "../api";
import { formatBytes, formatDuration, formatNumber, formatTime } from "../format";
import { causeWords } from "../words";
import { useAnswer } from "../ask";
import { Chart } from "./chart";
import type { TabProps } from "./detail";
import { RESULT_COLOUR, resultWord, sumUp, unfetchedWords } from "./runs";
import { Trouble, Waiting } from "./states";

/** So many runs are asked for: a month of them every 15 minutes. */
const LIMIT = 3000;
const DAYS = 30;
const PAGE = 20;

export function HistoryTab({ connector, now, runs: key }: TabProps) {
    const _ = cockpit.gettext;
    const { answer: runs, problem, again } = useAnswer(() => api.history(connector.name, LIMIT), key);
    const trouble = problem !== undefined && (
        <Trouble title={_("The history cannot be read")} problem={problem} again={again} />
    );
    if (!runs) return trouble || <Waiting text={_("Reading the history")} />;
    if (!runs.length) return trouble || <Nothing />;
    return (
        <Stack hasGutter>
            {trouble && <StackItem>{trouble}</StackItem>}
            <StackItem>
                <Title headingLevel="h2" size="lg">
                    {_("Messages per day")}
                </Title>
                <Chart days={sumUp(runs, DAYS, now, LIMIT)} />
            </StackItem>
            <StackItem>
                <Title headingLevel="h2" size="lg">
                    {_("Runs")}
                </Title>
                <Runs runs={runs} now={now} />
            </StackItem>
        </Stack>
    );
}

function Nothing() {
    const _ = cockpit.gettext;
    return (
        <EmptyState headingLevel="h2" icon={HistoryIcon} titleText={_("No run yet")}>
            <EmptyStateBody>{_("Each run is listed here, and how many messages it brought.")}</EmptyStateBody>
        </EmptyState>
    );
}

function Runs({ runs, now }: { runs: Run[]; now: number }) {
    const _ = cockpit.gettext;
    const [shown, setShown] = useState(PAGE);
    const more = runs.length - shown;
    return (
        <>
            <Table variant="compact" gridBreakPoint="grid-lg" aria-label={_("Runs")}>
                <Thead>
                    <Tr>
                        <Th modifier="fitContent">{_("Start")}</Th>
                        <Th modifier="fitContent">{_("Duration")}</Th>
                        <Th modifier="fitContent">{_("Result")}</Th>
                        <Th modifier="fitContent">{_("Messages")}</Th>
                        <Th modifier="fitContent">{_("Size")}</Th>
                        <Th>{_("What happened")}</Th>
                    </Tr>
                </Thead>
                <Tbody>
                    {runs.slice(0, shown).map((run) => (
                        <Row key={run.token} run={run} now={now} />
                    ))}
                </Tbody>
            </Table>
            {more > 0 && (
                <Button variant="link" className="getmail-more" onClick={() => setShown(shown + 5 * PAGE)}>
                    {cockpit.format(_("Show more ($0)"), formatNumber(more))}
                </Button>
            )}
        </>
    );
}

function Row({ run, now }: { run: Run; now: number }) {
    const _ = cockpit.gettext;
    const { start, end, result, messages, bytes, message } = run;
    const until = result === "running" ? now : end;
    const cause = causeWords(run.cause);
    return (
        <Tr>
            <Td dataLabel={_("Start")} modifier="nowrap">
                {formatTime(start)}
            </Td>
            <Td dataLabel={_("Duration")} modifier="nowrap">
                {until === null ? "–" : formatDuration(until - start)}
            </Td>
            <Td dataLabel={_("Result")}>
                <span>
                    <Label isCompact color={RESULT_COLOUR[result]}>
                        {resultWord(run)}
                    </Label>
                </span>
            </Td>
            <Td dataLabel={_("Messages")}>{formatNumber(messages)}</Td>
            <Td dataLabel={_("Size")} modifier="nowrap">
                {messages ? formatBytes(bytes) : "–"}
            </Td>
            <Td dataLabel={_("What happened")}>
                {cause && <div>{cause}</div>}
                {unfetchedWords(run).map((text) => (
                    <div key={text}>{text}</div>
                ))}
                {message && (
                    <small dir="auto" className="getmail-server">
                        {message}
                    </small>
                )}
            </Td>
        </Tr>
    );
}
