// SPDX-License-Identifier: LGPL-2.1-or-later
/** What holds for all connectors of this machine, and how its passwords are kept. */
import cockpit from "cockpit";
import {
    Breadcrumb,
    BreadcrumbItem,
    Card,
    CardBody,
    CardTitle,
    Content,
    DescriptionList,
    PageBreadcrumb,
    PageSection,
    Stack,
    StackItem,
    Title,
} from "@patternfly/react-core";
import * as api from "../api";
import { useAnswer } from "../ask";
import { Fact } from "../detail/parts";
import { Trouble, Waiting } from "../detail/states";
import { Secrets } from "./secrets";
import { SettingName } from "./name";
import { describeServer, type Part } from "./words";

export function SettingsPage() {
    const _ = cockpit.gettext;
    const { answer: info, problem, again } = useAnswer(api.info, undefined);
    return (
        <>
            <PageBreadcrumb>
                <Breadcrumb aria-label={_("Breadcrumb")}>
                    <BreadcrumbItem to="#/">{_("Mail connectors")}</BreadcrumbItem>
                    <BreadcrumbItem isActive>{_("Settings of this machine")}</BreadcrumbItem>
                </Breadcrumb>
            </PageBreadcrumb>
            <PageSection>
                <Title headingLevel="h1">{_("Settings of this machine")}</Title>
                <Content component="p">
                    {_("These hold for all connectors. They are changed in the file /etc/cockpit-getmail.env, each by the name beside it; the next run takes what is there.")}
                </Content>
            </PageSection>
            <PageSection isFilled>
                <Stack hasGutter>
                    {problem !== undefined && (
                        <StackItem>
                            <Trouble title={_("The settings cannot be read")} problem={problem} again={again} />
                        </StackItem>
                    )}
                    {!info && problem === undefined && <Waiting text={_("Looking for the settings")} />}
                    {info && (
                        <>
                            <StackItem>
                                <Secrets info={info} again={again} />
                            </StackItem>
                            {describeServer(info.settings).map((part) => (
                                <StackItem key={part.title}>
                                    <PartCard part={part} />
                                </StackItem>
                            ))}
                        </>
                    )}
                </Stack>
            </PageSection>
        </>
    );
}

function PartCard({ part: { title, settings } }: { part: Part }) {
    return (
        <Card>
            <CardTitle component="h2">{title}</CardTitle>
            <CardBody>
                <DescriptionList columnModifier={{ default: "1Col", md: "2Col", xl: "3Col" }}>
                    {settings.map(({ name, term, text, exact }) => (
                        <Fact key={name} term={term}>
                            <span dir={exact ? "ltr" : "auto"} className={exact ? "getmail-exact" : "getmail-wrap"}>
                                {text}
                            </span>
                            {term !== name && <SettingName name={name} />}
                        </Fact>
                    ))}
                </DescriptionList>
            </CardBody>
        </Card>
    );
}
