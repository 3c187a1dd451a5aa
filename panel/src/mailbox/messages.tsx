// SPDX-License-Identifier: LGPL-2.1-or-later
/** The messages of a remote folder, the newest first, and the one that is open. */
import cockpit from "cockpit";
import {
    Button,
    EmptyState,
    EmptyStateBody,
    FormHelperText,
    HelperText,
    HelperTextItem,
    InputGroup,
    InputGroupItem,
    TextInput,
    Title,
    Tooltip,
} from "@patternfly/react-core";
import { InboxIcon, SearchIcon, SyncAltIcon } from "@patternfly/react-icons";
import { useEffect, useRef, useState, type SyntheticEvent } from "react";
import * as api from "../api";
import type { MessagesAnswer } from "../api";
import { useAnswer } from "../ask";
import { Trouble, Waiting } from "../detail/states";
import { formatNumber } from "../format";
import { Problem } from "../helpers";
import { faultWords } from "../words";
import { criteriaOf } from "./criteria";
import { MessageTable } from "./list";
import { MessageView } from "./message";
import { countWords } from "./tree";

/** So many come at once. */
const PAGE = 50;

interface MessagesProps {
    name: string;
    folder: string;
    /** The message that is open, if any. */
    uid: string | undefined;
    isPop3: boolean;
}

export function Messages({ name, folder, uid, isPop3 }: MessagesProps) {
    const _ = cockpit.gettext;
    const [typed, setTyped] = useState("");
    // Another number asks anew, also for the same.
    const [asked, setAsked] = useState<{ search: string | undefined; number: number }>({ search: undefined, number: 0 });
    const look = () => setAsked({ search: criteriaOf(typed), number: asked.number + 1 });
    const submit = (event: SyntheticEvent) => {
        event.preventDefault();
        look();
    };
    return (
        <section aria-labelledby="mailbox-folder">
            {uid !== undefined && <MessageView key={uid} name={name} folder={folder} uid={uid} isPop3={isPop3} />}
            {/* It stays as it is while a message is looked at. */}
            <div hidden={uid !== undefined}>
                <div className="getmail-mail-heading">
                    <Title headingLevel="h2" size="lg" id="mailbox-folder" className="getmail-wrap">
                        <bdi>{folder}</bdi>
                    </Title>
                    <Tooltip content={_("Look again")}>
                        <Button variant="plain" aria-label={_("Look again")} icon={<SyncAltIcon />} onClick={look} />
                    </Tooltip>
                    {!isPop3 && (
                        <form role="search" className="getmail-mail-search" onSubmit={submit}>
                            <InputGroup>
                                <InputGroupItem isFill>
                                    <TextInput
                                        id="mailbox-search"
                                        type="search"
                                        aria-label={_("Search in this folder")}
                                        aria-describedby="mailbox-search-hint"
                                        placeholder={_("Search")}
                                        dir="auto"
                                        autoComplete="off"
                                        spellCheck={false}
                                        value={typed}
                                        onChange={(_event, value) => setTyped(value)}
                                    />
                                </InputGroupItem>
                                <InputGroupItem>
                                    <Button type="submit" variant="control" aria-label={_("Search")} icon={<SearchIcon />} />
                                </InputGroupItem>
                            </InputGroup>
                            <FormHelperText>
                                <HelperText>
                                    <HelperTextItem id="mailbox-search-hint">
                                        {_("Any words, or IMAP search criteria such as UNSEEN, FROM anna or SINCE 1-Nov-2026.")}
                                    </HelperTextItem>
                                </HelperText>
                            </FormHelperText>
                        </form>
                    )}
                </div>
                <Found key={asked.number} name={name} folder={folder} search={asked.search} isPop3={isPop3} uid={uid} />
            </div>
        </section>
    );
}

interface FoundProps extends MessagesProps {
    search: string | undefined;
}

function Found({ name, folder, search, isPop3, uid }: FoundProps) {
    const _ = cockpit.gettext;
    const ask = (before?: string | null) =>
        api.messages(name, { folder, limit: PAGE, ...(search && { search }), ...(before && { before }) });
    const { answer: first, problem, again } = useAnswer(ask, undefined);
    const [older, setOlder] = useState<MessagesAnswer[]>([]);
    const [isBusy, setBusy] = useState(false);
    const [olderProblem, setOlderProblem] = useState<unknown>();
    const place = useRef<HTMLDivElement>(null);
    const opened = useRef(uid);
    useEffect(() => {
        // Who comes back is where the message was opened.
        if (uid === undefined && opened.current !== undefined)
            focusOn(place.current, opened.current);
        opened.current = uid;
    }, [uid]);

    if (problem !== undefined)
        return <Trouble title={_("The messages cannot be read")} problem={explain(problem)} again={again} />;
    if (!first) return <Waiting text={_("Looking for messages")} />;
    const pages = [first, ...older];
    const before = pages.at(-1)?.before ?? null;
    const messages = pages.flatMap((page) => page.messages);
    if (!messages.length) return <Nothing isSearch={search !== undefined} />;
    const more = async () => {
        setBusy(true);
        setOlderProblem(undefined);
        try {
            const next = await ask(before);
            setOlder((known) => [...known, next]);
        } catch (met) {
            setOlderProblem(met);
        }
        setBusy(false);
    };
    return (
        <div ref={place}>
            <p className="getmail-quiet" role="status">
                {messages.length < first.total
                    ? cockpit.format(_("$0 of $1 messages, the newest first"), formatNumber(messages.length), formatNumber(first.total))
                    : countWords(messages.length)}
            </p>
            <MessageTable name={name} folder={folder} messages={messages} isPop3={isPop3} />
            {olderProblem !== undefined && (
                <Trouble title={_("The older messages cannot be read")} problem={olderProblem} />
            )}
            {before !== null && (
                <Button
                    variant="secondary"
                    className="getmail-more"
                    isLoading={isBusy}
                    isAriaDisabled={isBusy}
                    onClick={() => void more()}
                >
                    {_("Older")}
                </Button>
            )}
        </div>
    );
}

function focusOn(place: HTMLElement | null, uid: string): void {
    const rows = [...(place?.querySelectorAll<HTMLElement>("[data-uid]") ?? [])];
    // What it is depends on the server: not always what a selector could hold.
    rows.find((row) => row.dataset.uid === uid)?.querySelector("button")?.focus();
}

/** Return a refusal of the criteria as a sentence on them. */
function explain(problem: unknown): unknown {
    const fault = problem instanceof Problem && problem.faults.find(({ parameter }) => parameter === "search");
    return fault ? new Problem("NotValid", faultWords({ ...fault, parameter: "Search" })) : problem;
}

function Nothing({ isSearch }: { isSearch: boolean }) {
    const _ = cockpit.gettext;
    return isSearch ? (
        <EmptyState headingLevel="h3" icon={SearchIcon} titleText={_("No message was found")}>
            <EmptyStateBody>{_("Nothing in this folder is as it was searched for.")}</EmptyStateBody>
        </EmptyState>
    ) : (
        <EmptyState headingLevel="h3" icon={InboxIcon} titleText={_("This folder is empty")}>
            <EmptyStateBody>{_("There are no messages in it at the provider.")}</EmptyStateBody>
        </EmptyState>
    );
}
