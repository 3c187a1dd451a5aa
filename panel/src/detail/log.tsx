// SPDX-License-Identifier: LGPL-2.1-or-later
/** What the journal has of a connector's runs, as it comes in. */
import cockpit from "cockpit";
import {
    Button,
    EmptyState,
    EmptyStateBody,
    Label,
    Switch,
    Toolbar,
    ToolbarContent,
    ToolbarGroup,
    ToolbarItem,
} from "@patternfly/react-core";
import { ArrowDownIcon, ListIcon } from "@patternfly/react-icons";
import { memo, useCallback, useLayoutEffect, useRef, useState } from "react";
import * as api from "../api";
import { formatClock, formatDay } from "../format";
import { usePoll } from "../ask";
import type { TabProps } from "./detail";
import { append, groupByDay, weigh, weightWord, type Line, type Log } from "./lines";
import { Trouble, Waiting } from "./states";

const FIRST = 200;
/** So many lines at once are taken of those that are new. */
const NEW = 1000;
const PAUSE = 2000;
/** Nearer to the end than this is at the end. */
const NEAR = 24;

export function LogTab({ connector: { name } }: TabProps) {
    const _ = cockpit.gettext;
    const [log, setLog] = useState<Log>();
    const [problem, setProblem] = useState<unknown>();
    const [follows, setFollows] = useState(true);

    const read = async () => {
        const cursor = log?.cursor;
        try {
            const answer = await api.log(name, cursor ? NEW : FIRST, cursor);
            // Another answer to the same question may have been first.
            setLog((before = { lines: [] }) => (before.cursor === cursor ? append(before, answer) : before));
            setProblem(undefined);
        } catch (met) {
            setProblem(met);
        }
    };
    usePoll(read, PAUSE, follows);

    const trouble = problem !== undefined && (
        <Trouble title={_("The log cannot be read")} problem={problem} again={read} />
    );
    if (!log) return trouble || <Waiting text={_("Reading the log")} />;
    return (
        <>
            {trouble}
            <Lines lines={log.lines} follows={follows} setFollows={setFollows} />
        </>
    );
}

interface LinesProps {
    lines: Line[];
    follows: boolean;
    setFollows: (follows: boolean) => void;
}

function Lines({ lines, follows, setFollows }: LinesProps) {
    const _ = cockpit.gettext;
    const place = useRef<HTMLDivElement>(null);
    const [isAtEnd, setAtEnd] = useState(true);
    const toEnd = useCallback(() => {
        place.current?.scrollTo({ top: place.current.scrollHeight });
    }, []);
    // Where somebody reads further up, what they read stays where it is.
    useLayoutEffect(() => {
        if (isAtEnd) toEnd();
    }, [lines, isAtEnd, toEnd]);
    return (
        <>
            <Toolbar>
                <ToolbarContent>
                    <ToolbarItem alignSelf="center">
                        <Switch
                            id="follow"
                            label={_("Follow")}
                            isChecked={follows}
                            onChange={(_event, checked) => setFollows(checked)}
                        />
                    </ToolbarItem>
                    <ToolbarGroup align={{ default: "alignEnd" }}>
                        <ToolbarItem className={isAtEnd ? "getmail-unseen" : ""}>
                            <Button variant="link" icon={<ArrowDownIcon />} onClick={toEnd}>
                                {_("To the newest")}
                            </Button>
                        </ToolbarItem>
                    </ToolbarGroup>
                </ToolbarContent>
            </Toolbar>
            {!lines.length && (
                <EmptyState headingLevel="h2" icon={ListIcon} titleText={_("Nothing was logged")}>
                    <EmptyStateBody>
                        {_("What runs of this connector tell comes here. The journal keeps it for some time only.")}
                    </EmptyStateBody>
                </EmptyState>
            )}
            <div
                ref={place}
                className="getmail-log"
                role="log"
                aria-label={_("Log")}
                aria-live={follows ? "polite" : "off"}
                // Who has no mouse scrolls by the arrow keys.
                // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
                tabIndex={0}
                hidden={!lines.length}
                onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
                    setAtEnd(scrollHeight - scrollTop - clientHeight < NEAR)
                }
            >
                {groupByDay(lines).map(({ day, lines: ofDay }) => (
                    <div key={ofDay[0]?.key}>
                        <div className="getmail-log-day">{formatDay(day)}</div>
                        {ofDay.map((line) => (
                            <LineRow key={line.key} line={line} />
                        ))}
                    </div>
                ))}
            </div>
        </>
    );
}

/** A line never changes, and there are thousands. */
const LineRow = memo(function LineRow({ line: { time, priority, message } }: { line: Line }) {
    const weight = weigh(priority);
    return (
        <div className={`getmail-log-line getmail-log-${weight}`}>
            <time dateTime={new Date(time * 1000).toISOString()}>{formatClock(time)}</time>
            {weight !== "plain" && (
                <Label isCompact status={weight === "error" ? "danger" : "warning"}>
                    {weightWord(weight)}
                </Label>
            )}
            <span dir="auto">{message}</span>
        </div>
    );
});
