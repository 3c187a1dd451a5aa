// SPDX-License-Identifier: LGPL-2.1-or-later
/** How a connector is, and what it is told to do. */
import cockpit from "cockpit";
import {
    AlertActionLink,
    Card,
    CardBody,
    CardTitle,
    DescriptionList,
    Grid,
    GridItem,
    Stack,
    StackItem,
} from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { Connector } from "../api";
import { isFailing } from "../connectors";
import { formatBytes, formatNumber } from "../format";
import { StateLabels } from "../labels";
import { Alert } from "../patternfly";
import { go } from "../route";
import { Now, When } from "../when";
import { STATUS_COLOUR, failureSentence, statusWord } from "../words";
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
                                <Now.Provider value={now}>
                                    <Fetching connector={connector} running={running} />
                                </Now.Provider>
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
    const { name, status, message } = connector;
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
            title={failureSentence(connector) || statusWord(status)}
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

function Fetching({ connector, running }: { connector: Connector; running: boolean }) {
    const _ = cockpit.gettext;
    const { last_run, next_run, failures, messages, bytes } = connector;
    return (
        <Facts>
            <Fact term={_("Status")}>
                <StateLabels connector={connector} running={running} />
            </Fact>
            <Fact term={_("Last run")}>
                <When at={last_run} never={_("Never")} isExact />
            </Fact>
            <Fact term={_("Next run")}>
                <When at={next_run} never={_("Not planned")} isNext isExact />
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
