// SPDX-License-Identifier: LGPL-2.1-or-later
/** Leaving messages on the server for good: says so, and asks. */
import cockpit from "cockpit";
import { Button, List, ListItem, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useRef, useState } from "react";
import { useAlerts } from "../alerts";
import * as api from "../api";
import type { SetAside } from "../api";
import { useDialogs } from "../dialogs";
import { formatNumber } from "../format";
import { Modal, variantWord } from "../patternfly";
import { problemWords } from "../words";
import { identify, oneByOne } from "./aside";
import { Trouble } from "./states";

/** So many are named; more would hide what else is said. */
const NAMED = 10;

interface SkipDialogProps {
    name: string;
    messages: SetAside[];
    /** Called after they were skipped, or some of them. */
    changed: () => Promise<void>;
}

export function SkipDialog({ name, messages, changed }: SkipDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const tell = useAlerts();
    const isGone = useRef(false);
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<unknown>();
    const count = messages.length;
    const failed = _("Not all were skipped");
    const leave = () => {
        isGone.current = true;
        dialogs.close();
    };
    const skip = async () => {
        setBusy(true);
        setProblem(undefined);
        try {
            // Each by itself: what is set aside meanwhile was not looked at by anybody.
            await oneByOne(name, messages, api.skip, () => !isGone.current);
            dialogs.close();
        } catch (met) {
            if (isGone.current) tell("danger", failed, problemWords(met));
            setProblem(met);
            setBusy(false);
        }
        await changed();
    };
    return (
        <Modal isOpen variant="small" onClose={leave} aria-labelledby="skip-title" aria-describedby="skip-text">
            <ModalHeader
                description={<span dir="auto">{name}</span>}
                labelId="skip-title"
                titleIconVariant="warning"
                titleScreenReaderText={variantWord("warning")}
                title={cockpit.format(
                    cockpit.ngettext("Skip $0 message?", "Skip $0 messages?", count),
                    formatNumber(count),
                )}
            />
            <ModalBody id="skip-text">
                {problem !== undefined && <Trouble title={failed} problem={problem} />}
                <List className="getmail-names">
                    {messages.slice(0, NAMED).map((message) => (
                        <ListItem key={identify(message)}>
                            <bdi className="getmail-told">{message.folder}</bdi>, <bdi dir="ltr">{message.uid}</bdi>
                        </ListItem>
                    ))}
                    {count > NAMED && (
                        <ListItem>
                            {cockpit.format(
                                cockpit.ngettext("$0 more", "$0 more", count - NAMED),
                                formatNumber(count - NAMED),
                            )}
                        </ListItem>
                    )}
                </List>
                <p>
                    {cockpit.ngettext(
                        "It stays on the server and is never fetched, nor told of again. This cannot be undone here.",
                        "They stay on the server and are never fetched, nor told of again. This cannot be undone here.",
                        count,
                    )}
                </p>
            </ModalBody>
            <ModalFooter>
                <Button variant="danger" isLoading={busy} isDisabled={busy} onClick={() => void skip()}>
                    {_("Skip")}
                </Button>
                <Button variant="link" onClick={leave}>
                    {_("Cancel")}
                </Button>
            </ModalFooter>
        </Modal>
    );
}
