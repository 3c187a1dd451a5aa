// SPDX-License-Identifier: LGPL-2.1-or-later
/** Messages that are set aside because they could not be fetched. */
import cockpit from "cockpit";
import {
    Button,
    Checkbox,
    Content,
    EmptyState,
    EmptyStateBody,
    Toolbar,
    ToolbarContent,
    ToolbarItem,
} from "@patternfly/react-core";
import { CheckCircleIcon } from "@patternfly/react-icons";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import { useAlerts } from "../alerts";
import * as api from "../api";
import type { SetAside } from "../api";
import { useDialogs } from "../dialogs";
import { formatBytes, formatNumber, formatTime } from "../format";
import { problemWords } from "../words";
import { identify, oneByOne } from "./aside";
import type { TabProps } from "./detail";
import { SkipDialog } from "./skip";
import { Trouble, Waiting } from "./states";

export function QuarantineTab({ connector: { name }, aside, refresh }: TabProps) {
    const _ = cockpit.gettext;
    const { answer: messages, problem, again } = aside;
    const trouble = problem !== undefined && (
        <Trouble title={_("The messages set aside cannot be read")} problem={problem} again={again} />
    );
    if (!messages) return trouble || <Waiting text={_("Looking for messages set aside")} />;
    if (!messages.length) return trouble || <Nothing />;
    const changed = async () => {
        await Promise.all([again(), refresh()]);
    };
    return (
        <>
            {trouble}
            <Content component="p">
                {_(
                    "These messages could not be fetched, and runs leave them out. They are still on the server. Retry lets the next run fetch them; skip leaves them there for good.",
                )}
            </Content>
            <Messages name={name} messages={messages} changed={changed} />
        </>
    );
}

function Nothing() {
    const _ = cockpit.gettext;
    return (
        <EmptyState headingLevel="h2" icon={CheckCircleIcon} titleText={_("Nothing is set aside")}>
            <EmptyStateBody>
                {_("A message that cannot be fetched time after time is set aside here, so that it does not hold up others.")}
            </EmptyStateBody>
        </EmptyState>
    );
}

interface MessagesProps {
    name: string;
    messages: SetAside[];
    changed: () => Promise<void>;
}

function Messages({ name, messages, changed }: MessagesProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const tell = useAlerts();
    const [chosen, setChosen] = useState(new Set<string>());
    const [busy, setBusy] = useState(false);
    const selected = messages.filter((message) => chosen.has(identify(message)));
    const choose = (message: SetAside, isChosen: boolean) => {
        const next = new Set(chosen);
        if (isChosen) next.add(identify(message));
        else next.delete(identify(message));
        setChosen(next);
    };
    const retry = async () => {
        setBusy(true);
        try {
            await oneByOne(name, selected, api.retry);
            tell("success", _("The next run tries them again"));
        } catch (problem) {
            tell("danger", _("Not all can be tried again"), problemWords(problem));
        }
        await changed();
        setChosen(new Set());
        setBusy(false);
    };
    const all = (
        <Checkbox
            id="select-all"
            aria-label={_("Select all")}
            isChecked={selected.length === messages.length}
            onChange={(_event, isOn) => setChosen(new Set(isOn ? messages.map(identify) : []))}
        />
    );
    return (
        <>
            <Toolbar inset={{ default: "insetNone" }}>
                <ToolbarContent>
                    <ToolbarItem alignSelf="center">
                        {cockpit.format(_("$0 of $1 selected"), formatNumber(selected.length), formatNumber(messages.length))}
                    </ToolbarItem>
                    <ToolbarItem>
                        <Button isDisabled={!selected.length || busy} isLoading={busy} onClick={() => void retry()}>
                            {_("Retry")}
                        </Button>
                    </ToolbarItem>
                    <ToolbarItem>
                        <Button
                            variant="secondary"
                            isDanger
                            isDisabled={!selected.length || busy}
                            onClick={() =>
                                dialogs.show(<SkipDialog name={name} messages={selected} changed={changed} />)
                            }
                        >
                            {_("Skip")}
                        </Button>
                    </ToolbarItem>
                </ToolbarContent>
            </Toolbar>
            <Table variant="compact" gridBreakPoint="grid-lg" aria-label={_("Messages set aside")}>
                <Thead>
                    <Tr>
                        <Th modifier="fitContent">{all}</Th>
                        <Th width={10}>{_("Folder")}</Th>
                        <Th width={10}>{_("UID")}</Th>
                        <Th modifier="fitContent">{_("Size")}</Th>
                        <Th>{_("Reason")}</Th>
                        <Th modifier="fitContent">{_("Attempts")}</Th>
                        <Th modifier="fitContent">{_("Since")}</Th>
                    </Tr>
                </Thead>
                <Tbody>
                    {messages.map((message) => (
                        <Row
                            key={identify(message)}
                            message={message}
                            isChosen={chosen.has(identify(message))}
                            choose={choose}
                        />
                    ))}
                </Tbody>
            </Table>
        </>
    );
}

interface RowProps {
    message: SetAside;
    isChosen: boolean;
    choose: (message: SetAside, isChosen: boolean) => void;
}

function Row({ message, isChosen, choose }: RowProps) {
    const _ = cockpit.gettext;
    const { folder, uid, size, reason, attempts, since } = message;
    return (
        <Tr>
            <Td>
                <Checkbox
                    id={`select-${identify(message)}`}
                    aria-label={cockpit.format(_("Select $0"), uid)}
                    isChecked={isChosen}
                    onChange={(_event, isOn) => choose(message, isOn)}
                />
            </Td>
            <Td dataLabel={_("Folder")}>
                <span dir="auto" className="getmail-wrap">
                    {folder}
                </span>
            </Td>
            <Td dataLabel={_("UID")}>
                <span dir="ltr" className="getmail-exact">
                    {uid}
                </span>
            </Td>
            <Td dataLabel={_("Size")} modifier="nowrap">
                {formatBytes(size)}
            </Td>
            <Td dataLabel={_("Reason")}>
                <span dir="auto" className="getmail-server">
                    {reason}
                </span>
            </Td>
            <Td dataLabel={_("Attempts")}>{formatNumber(attempts)}</Td>
            <Td dataLabel={_("Since")} modifier="nowrap">{since === null ? _("Unknown") : formatTime(since)}</Td>
        </Tr>
    );
}
