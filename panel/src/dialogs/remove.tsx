// SPDX-License-Identifier: LGPL-2.1-or-later
/** Removing connectors: says what is destroyed, and asks. */
import cockpit from "cockpit";
import { Button, Content, List, ListItem, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useRef, useState } from "react";
import { act, failedWords, failureWords, type Failure } from "../actions";
import { useAlerts } from "../alerts";
import { useDialogs } from "../dialogs";
import { Alert, Modal, variantWord } from "../patternfly";

export interface RemoveDialogProps {
    names: string[];
    /** Called after they were removed, or some of them. */
    removed: () => void;
    refresh: () => Promise<void>;
}

const TITLE = "remove-dialog-title";
const TEXT = "remove-dialog-text";
/** So many are named; more would hide what else is said. */
const NAMED = 10;

export function RemoveDialog({ names, removed, refresh }: RemoveDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const tell = useAlerts();
    const isGone = useRef(false);
    const [left, setLeft] = useState(names);
    const [count, setCount] = useState<number>();
    const [failures, setFailures] = useState<Failure[]>([]);

    const leave = () => {
        isGone.current = true;
        dialogs.close();
    };
    const remove = async () => {
        let tried = 0;
        const advance = (done: number) => {
            tried = done;
            setCount(done);
        };
        setFailures([]);
        setCount(0);
        // Who cancels keeps what was not begun.
        const met = await act("remove", left, advance, () => !isGone.current);
        const failed = met.map(({ name }) => name);
        const gone = left.slice(0, tried).filter((name) => !failed.includes(name));
        if (met.length === 0) dialogs.close();
        else if (isGone.current) tell("danger", failedWords("remove"), failureWords(met));
        if (gone.length && (met.length === 0 || isGone.current)) tell("success", removedWords(gone));
        setCount(undefined);
        setFailures(met);
        setLeft(failed);
        if (gone.length) removed();
        await refresh();
    };

    const isBusy = count !== undefined;
    return (
        <Modal
            isOpen
            variant="small"
            position="top"
            className="getmail-remove"
            aria-labelledby={TITLE}
            aria-describedby={TEXT}
            elementToFocus="#remove-dialog-cancel"
            onClose={leave}
        >
            <ModalHeader
                title={title(left)}
                titleIconVariant="warning"
                titleScreenReaderText={variantWord("warning")}
                labelId={TITLE}
            />
            <ModalBody id={TEXT}>
                {left.length > 1 && <Names names={left} />}
                <Destroyed count={left.length} />
                {failures.length > 0 && (
                    <Alert isInline isLiveRegion variant="danger" title={failedWords("remove")} component="p">
                        <span dir="auto" className="getmail-told">
                            {failureWords(failures)}
                        </span>
                    </Alert>
                )}
            </ModalBody>
            <ModalFooter>
                <Button variant="danger" isLoading={isBusy} isDisabled={isBusy} onClick={remove}>
                    {_("Remove")}
                </Button>
                <Button id="remove-dialog-cancel" variant="link" onClick={leave}>
                    {_("Cancel")}
                </Button>
                {isBusy && left.length > 1 && (
                    <span role="status">{cockpit.format(_("$0 of $1"), count, left.length)}</span>
                )}
            </ModalFooter>
        </Modal>
    );
}

function title(names: string[]): string {
    const _ = cockpit.gettext;
    if (names.length === 1) return cockpit.format(_("Remove $0?"), names[0] ?? "");
    const count = names.length;
    return cockpit.format(cockpit.ngettext("Remove $0 connector?", "Remove $0 connectors?", count), count);
}

function removedWords(names: string[]): string {
    const _ = cockpit.gettext;
    if (names.length === 1) return cockpit.format(_("Removed $0"), names[0] ?? "");
    const count = names.length;
    return cockpit.format(cockpit.ngettext("Removed $0 connector", "Removed $0 connectors", count), count);
}

function Names({ names }: { names: string[] }) {
    const more = names.length - NAMED;
    // One more takes no more room than to say so.
    const shown = more > 1 ? names.slice(0, NAMED) : names;
    return (
        <List className="getmail-names">
            {shown.map((name) => (
                <ListItem key={name}>
                    <span dir="auto" className="getmail-told">
                        {name}
                    </span>
                </ListItem>
            ))}
            {more > 1 && (
                <ListItem>{cockpit.format(cockpit.ngettext("$0 more", "$0 more", more), more)}</ListItem>
            )}
        </List>
    );
}

function Destroyed({ count }: { count: number }) {
    const _ = cockpit.gettext;
    return (
        <Content>
            <p>
                {cockpit.ngettext(
                    "This deletes the connector’s settings, its password, its history and the record of what it has fetched. A run under way is stopped.",
                    "This deletes the connectors’ settings, their passwords, their history and the record of what they have fetched. Runs under way are stopped.",
                    count,
                )}
            </p>
            <p>{_("Mail that was delivered to this machine stays, and so does the mail at the provider.")}</p>
            <p>
                {_("Without that record, a new connector for the same mailbox fetches everything that is there once more.")}
            </p>
        </Content>
    );
}
