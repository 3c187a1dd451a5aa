// SPDX-License-Identifier: LGPL-2.1-or-later
/** Whether all that was delivered is still there: looks, and tells what was found. */
import cockpit from "cockpit";
import {
    Button,
    DescriptionList,
    List,
    ListItem,
    ModalBody,
    ModalFooter,
    ModalHeader,
    Stack,
    StackItem,
} from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import * as api from "../api";
import type { MissingMessage, Progress, Verified } from "../api";
import { useDialogs } from "../dialogs";
import { formatNumber } from "../format";
import { Alert, Modal } from "../patternfly";
import { useAnswer } from "../ask";
import { Fact, Running } from "./parts";
import { Trouble } from "./states";
import { useTask } from "./task";

export function VerifyDialog({ name }: { name: string }) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    // One that is under way already is followed.
    const started = useAnswer(() => api.verify(name), name);
    const token = started.answer?.token;
    const { progress, problem } = useTask(token);
    const [stopProblem, setStopProblem] = useState<unknown>();
    const isOver = progress !== undefined && progress.statusCode !== "running";
    const met = started.problem ?? stopProblem ?? problem;
    return (
        <Modal isOpen variant="medium" onClose={dialogs.close} aria-labelledby="verify-title">
            <ModalHeader
                labelId="verify-title"
                title={cockpit.format(_("Verify $0"), name)}
                description={_("Looks for each message that was delivered, and changes nothing.")}
            />
            <ModalBody aria-live="polite">
                <Stack hasGutter>
                    {met !== undefined && (
                        <StackItem>
                            <Trouble title={_("This does not work now")} problem={met} />
                        </StackItem>
                    )}
                    <StackItem>
                        {!isOver && started.problem === undefined && (
                            <Running
                                label={_("Progress of the verification")}
                                percent={progress?.percentProgress}
                                text={progress?.statusText ?? _("Looking for the messages")}
                            />
                        )}
                        {isOver && <Outcome progress={progress} />}
                    </StackItem>
                </Stack>
            </ModalBody>
            <ModalFooter>
                {token !== undefined && !isOver && (
                    <Button
                        variant="secondary"
                        onClick={() => {
                            api.cancelTask(token).catch(setStopProblem);
                        }}
                    >
                        {_("Stop")}
                    </Button>
                )}
                <Button variant={isOver ? "primary" : "link"} onClick={dialogs.close}>
                    {_("Close")}
                </Button>
            </ModalFooter>
        </Modal>
    );
}

function Outcome({ progress: { statusCode, result, error } }: { progress: Progress }) {
    const _ = cockpit.gettext;
    if (statusCode === "cancelled") return <Alert isInline variant="info" title={_("It was stopped")} component="h2" />;
    if (result && "checked" in result) return <Found found={result} />;
    return (
        <Alert isInline variant="danger" title={_("It could not be verified")} component="h2">
            <p dir="auto">{error?.message}</p>
            <p dir="auto">{error?.hint}</p>
        </Alert>
    );
}

function Found({ found }: { found: Verified }) {
    const _ = cockpit.gettext;
    const { checked, present, moved, elsewhere, missing, missing_count, sound, problems } = found;
    return (
        <Stack hasGutter>
            <StackItem>
                <Alert isInline component="h2" {...verdict(found)} />
            </StackItem>
            <StackItem>
                <DescriptionList columnModifier={{ default: "2Col", md: "3Col" }}>
                    <Fact term={_("Checked")}>{formatNumber(checked)}</Fact>
                    <Fact term={_("In the mailbox")}>{formatNumber(present)}</Fact>
                    <Fact term={_("Moved to a folder")}>{formatNumber(moved)}</Fact>
                    <Fact term={_("Missing")}>{formatNumber(missing_count)}</Fact>
                    {elsewhere > 0 && (
                        <Fact term={_("In another mailbox, not looked at")}>{formatNumber(elsewhere)}</Fact>
                    )}
                    <Fact term={_("Record of what was fetched")}>{sound ? _("In order") : _("Damaged")}</Fact>
                </DescriptionList>
            </StackItem>
            {problems.length > 0 && (
                <StackItem>
                    <List>
                        {problems.map((problem) => (
                            <ListItem key={problem} dir="auto">
                                {problem}
                            </ListItem>
                        ))}
                    </List>
                </StackItem>
            )}
            {missing.length > 0 && (
                <StackItem>
                    <Missing missing={missing} count={missing_count} />
                </StackItem>
            )}
        </Stack>
    );
}

function verdict({ missing_count, sound }: Verified): { variant: "success" | "warning" | "danger"; title: string } {
    const _ = cockpit.gettext;
    if (!sound) return { variant: "danger", title: _("The record of what was fetched is damaged") };
    if (!missing_count) return { variant: "success", title: _("All messages are there") };
    return {
        variant: "warning",
        title: cockpit.format(
            cockpit.ngettext("$0 message is not there", "$0 messages are not there", missing_count),
            formatNumber(missing_count),
        ),
    };
}

function Missing({ missing, count }: { missing: MissingMessage[]; count: number }) {
    const _ = cockpit.gettext;
    return (
        <>
            <p>
                {_("Somebody may have deleted or moved them with a mail program. They are not fetched again.")}{" "}
                {count > missing.length &&
                    cockpit.format(_("These are the first $0."), formatNumber(missing.length))}
            </p>
            <Table variant="compact" gridBreakPoint="grid-md" aria-label={_("Missing messages")}>
                <Thead>
                    <Tr>
                        <Th>{_("Folder")}</Th>
                        <Th>{_("UID")}</Th>
                        <Th>{_("Message-ID")}</Th>
                    </Tr>
                </Thead>
                <Tbody>
                    {missing.map(({ folder, uid, message_id }, index) => (
                        <Tr key={index}>
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
                            <Td dataLabel={_("Message-ID")}>
                                <span dir="ltr" className="getmail-exact">
                                    {message_id ?? "–"}
                                </span>
                            </Td>
                        </Tr>
                    ))}
                </Tbody>
            </Table>
        </>
    );
}
