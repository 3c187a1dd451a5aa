// SPDX-License-Identifier: LGPL-2.1-or-later
/** One message of a remote mailbox, as text. */
import cockpit from "cockpit";
import {
    Button,
    DescriptionList,
    EmptyState,
    EmptyStateBody,
    ExpandableSection,
    Label,
    Stack,
    StackItem,
    Title,
} from "@patternfly/react-core";
import { ArrowLeftIcon, ArrowRightIcon } from "@patternfly/react-icons";
import { useEffect, useMemo, useRef, useState } from "react";
import * as api from "../api";
import type { MessageHeader, Person, ReadMessage } from "../api";
import { useAnswer } from "../ask";
import { Fact } from "../detail/parts";
import { Trouble, Waiting } from "../detail/states";
import { formatBytes, formatNumber, formatTime } from "../format";
import { Alert } from "../patternfly";
import { go } from "../route";
import { Files } from "./files";
import { isUnread } from "./list";
import { bodyOf } from "./text";

/** So many characters are shown at once: more would make a page that is slow to scroll. */
const SHOWN = 100_000;

interface MessageViewProps {
    name: string;
    folder: string;
    uid: string;
    isPop3: boolean;
}

export function MessageView({ name, folder, uid, isPop3 }: MessageViewProps) {
    const _ = cockpit.gettext;
    const { answer, problem, again } = useAnswer(() => api.message(name, folder, uid), undefined);
    const Back = cockpit.language_direction === "rtl" ? ArrowRightIcon : ArrowLeftIcon;
    const back = useRef<HTMLButtonElement>(null);
    useEffect(() => back.current?.focus(), []);
    return (
        <Stack hasGutter>
            <StackItem>
                <Button
                    ref={back}
                    variant="link"
                    isInline
                    icon={<Back />}
                    onClick={() => go({ name, tab: "mailbox", folder })}
                >
                    {_("Back to the messages")}
                </Button>
            </StackItem>
            <StackItem>
                {problem !== undefined && (
                    <Trouble title={_("The message cannot be read")} problem={problem} again={again} />
                )}
                {!answer && problem === undefined && <Waiting text={_("Reading the message")} />}
            </StackItem>
            {answer && <Read name={name} folder={folder} answer={answer} isPop3={isPop3} />}
        </Stack>
    );
}

interface ReadProps {
    name: string;
    folder: string;
    answer: ReadMessage;
    isPop3: boolean;
}

function Read({ name, folder, answer: { message, attachments, cut }, isPop3 }: ReadProps) {
    const _ = cockpit.gettext;
    const { uid, subject, sent_from, sent_to, date, received, size, headers } = message;
    return (
        <>
            <StackItem>
                <Title headingLevel="h2" size="xl" className="getmail-wrap">
                    <bdi>{subject.trim() || _("No subject")}</bdi>
                    {!isPop3 && isUnread(message) && (
                        <>
                            {" "}
                            <Label isCompact color="blue">
                                {_("Unread")}
                            </Label>
                        </>
                    )}
                </Title>
            </StackItem>
            <StackItem>
                <DescriptionList isCompact orientation={{ md: "horizontal" }}>
                    <Fact term={_("From")}>
                        <People people={sent_from} />
                    </Fact>
                    <Fact term={_("To")}>
                        <People people={sent_to} />
                    </Fact>
                    <Fact term={_("Date")}>
                        <span dir="auto" className="getmail-wrap">
                            {date || _("Unknown")}
                        </span>
                    </Fact>
                    {received !== null && <Fact term={_("Received")}>{formatTime(received)}</Fact>}
                    <Fact term={_("Size")}>{formatBytes(size)}</Fact>
                </DescriptionList>
            </StackItem>
            <StackItem>
                <Headers headers={headers} />
            </StackItem>
            <StackItem>
                <Files name={name} folder={folder} uid={uid} files={attachments} />
            </StackItem>
            {cut && (
                <StackItem>
                    <Alert isInline variant="info" component="h3" title={_("Only the beginning of this message is shown")}>
                        {_("It is too large to be read here as a whole. Nothing of it is missing at the provider.")}
                    </Alert>
                </StackItem>
            )}
            <StackItem>
                <Text message={message} />
            </StackItem>
        </>
    );
}

function People({ people }: { people: Person[] }) {
    const _ = cockpit.gettext;
    if (!people.length) return <>{_("Unknown")}</>;
    return (
        <>
            {people.map(({ name, email }, index) => (
                <div key={index} className="getmail-wrap">
                    {name.trim() && (
                        <>
                            <bdi>{name.trim()}</bdi>{" "}
                        </>
                    )}
                    {email && <bdi>{name.trim() ? `<${email}>` : email}</bdi>}
                </div>
            ))}
        </>
    );
}

function Headers({ headers }: { headers: MessageHeader[] }) {
    const _ = cockpit.gettext;
    const [isExpanded, setExpanded] = useState(false);
    return (
        <ExpandableSection
            toggleText={cockpit.format(_("All headers ($0)"), formatNumber(headers.length))}
            isExpanded={isExpanded}
            onToggle={(_event, expanded) => setExpanded(expanded)}
            isIndented
        >
            {isExpanded && (
                <dl className="getmail-headers">
                    {headers.map(({ Name, Value }, index) => (
                        <div key={index}>
                            <dt dir="ltr">{Name}</dt>
                            <dd dir="auto">{Value}</dd>
                        </div>
                    ))}
                </dl>
            )}
        </ExpandableSection>
    );
}

function Text({ message }: { message: ReadMessage["message"] }) {
    const _ = cockpit.gettext;
    const { text, isOfHtml } = useMemo(() => bodyOf(message), [message]);
    const [isWhole, setWhole] = useState(false);
    if (!text)
        return (
            <EmptyState headingLevel="h3" titleText={_("This message has no text")} variant="xs">
                <EmptyStateBody>{_("What it has is in its headers and files.")}</EmptyStateBody>
            </EmptyState>
        );
    const more = text.length - SHOWN;
    return (
        <>
            {isOfHtml && (
                <p className="getmail-quiet">
                    {_("This message was written as a web page. This is its text; pictures and links are not opened, and where a link leads stands in brackets.")}
                </p>
            )}
            <div className="getmail-mail-text" dir="auto">
                {isWhole || more <= 0 ? text : text.slice(0, SHOWN)}
            </div>
            {more > 0 && !isWhole && (
                <Button variant="link" className="getmail-more" onClick={() => setWhole(true)}>
                    {_("Show the rest")}
                </Button>
            )}
        </>
    );
}
