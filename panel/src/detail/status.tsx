// SPDX-License-Identifier: LGPL-2.1-or-later
/** How a connector is, and what it is told to do. */
import cockpit from "cockpit";
import {
    AlertActionLink,
    Card,
    CardBody,
    CardTitle,
    DescriptionList,
    Flex,
    Grid,
    GridItem,
    Stack,
    StackItem,
} from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { Connector } from "../api";
import { isFailing } from "../connectors";
import { formatBytes, formatNumber, formatRelative, formatTime } from "../format";
import { RunningLabel, StatusLabel } from "../labels";
import { Alert } from "../patternfly";
import { go } from "../route";
import { STATUS_COLOUR, causeWords, statusWord } from "../words";
import { adviceWords } from "./advice";
import type { TabProps } from "./detail";
import { Fact, Running } from "./parts";
import { describeSettings } from "./settings";

export function StatusTab({ connector, now, running, progress, aside }: TabProps) {
    const _ = cockpit.gettext;
    return (
        <Stack hasGutter>
            {isFailing(connector) && (
                <StackItem>
                    <Wrong connector={connector} aside={aside.answer?.length ?? 0} />
                </StackItem>
            )}
            {running && (
                <StackItem>
                    <Running
                        label={_("Progress of the run")}
                        percent={progress?.percentProgress ?? connector.percent}
                        text={progress?.statusText ?? _("A run is under way")}
                    />
                </StackItem>
            )}
            <StackItem>
                <Grid hasGutter>
                    <GridItem md={12} lg={5}>
                        <Card isFullHeight>
                            <CardTitle component="h2">{_("Runs")}</CardTitle>
                            <CardBody>
                                <Fetching connector={connector} now={now} running={running} />
                            </CardBody>
                        </Card>
                    </GridItem>
                    <GridItem md={12} lg={7}>
                        <Card isFullHeight>
                            <CardTitle component="h2">{_("Settings")}</CardTitle>
                            <CardBody>
                                <Settings connector={connector} />
                            </CardBody>
                        </Card>
                    </GridItem>
                </Grid>
            </StackItem>
        </Stack>
    );
}

function Wrong({ connector, aside }: { connector: Connector; aside: number }) {
    const _ = cockpit.gettext;
    const { name, cause, status, message } = connector;
    const look = aside > 0 && (
        <AlertActionLink onClick={() => go({ name, tab: "quarantine" })}>
            {_("Show the messages set aside")}
        </AlertActionLink>
    );
    return (
        <Alert
            isInline
            component="h2"
            variant={STATUS_COLOUR[status] === "red" ? "danger" : "warning"}
            title={causeWords(cause) || statusWord(status)}
            actionLinks={look}
        >
            {message && (
                <p dir="auto" className="getmail-wrap">
                    {message}
                </p>
            )}
            <p dir="auto" className="getmail-wrap">
                {adviceWords(connector, aside)}
            </p>
        </Alert>
    );
}

function Fetching({ connector, now, running }: { connector: Connector; now: number; running: boolean }) {
    const _ = cockpit.gettext;
    const { status, last_run, next_run, failures, messages, bytes } = connector;
    return (
        <Facts>
            <Fact term={_("Status")}>
                <Flex spaceItems={{ default: "spaceItemsSm" }}>
                    <StatusLabel status={status} />
                    {running && <RunningLabel />}
                </Flex>
            </Fact>
            <Fact term={_("Last run")}>{last_run === null ? _("Never") : <When time={last_run} now={Math.max(now, last_run)} />}</Fact>
            <Fact term={_("Next run")}>
                <Next time={next_run} now={now} />
            </Fact>
            {failures > 0 && <Fact term={_("Failures in a row")}>{formatNumber(failures)}</Fact>}
            {last_run !== null && (
                <Fact term={running ? _("Messages so far") : _("Messages of the last run")}>
                    {cockpit.format(
                        cockpit.ngettext("$0 message, $1", "$0 messages, $1", messages),
                        formatNumber(messages),
                        formatBytes(bytes),
                    )}
                </Fact>
            )}
        </Facts>
    );
}

function Next({ time, now }: { time: number | null; now: number }) {
    const _ = cockpit.gettext;
    if (time === null) return _("None: it is disabled");
    return time <= now ? _("As soon as possible") : <When time={time} now={now} />;
}

function When({ time, now }: { time: number; now: number }) {
    return (
        <>
            {formatRelative(time, now)}
            <br />
            <small>{formatTime(time)}</small>
        </>
    );
}

function Settings({ connector }: { connector: Connector }) {
    return (
        <Facts columns>
            {describeSettings(connector).map(({ term, text, exact }) => (
                <Fact key={term} term={term}>
                    <span dir={exact ? "ltr" : "auto"} className={exact ? "getmail-exact" : "getmail-wrap"}>
                        {text}
                    </span>
                </Fact>
            ))}
        </Facts>
    );
}

function Facts({ columns = false, children }: { columns?: boolean; children: ReactNode }) {
    return (
        <DescriptionList {...(columns && { columnModifier: { default: "1Col", md: "2Col" } })}>
            {children}
        </DescriptionList>
    );
}
