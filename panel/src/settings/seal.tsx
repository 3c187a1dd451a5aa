// SPDX-License-Identifier: LGPL-2.1-or-later
/** Encrypting all stored passwords for this machine, or no more: says what that means, and asks. */
import cockpit from "cockpit";
import { Button, Content, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useRef, useState } from "react";
import { useAlerts } from "../alerts";
import { useDialogs } from "../dialogs";
import { formatNumber } from "../format";
import { Alert, Modal, variantWord } from "../patternfly";
import { convert, doneWords, failedWords, reasonWords, type Conversion, type Failed } from "./convert";

export interface SealDialogProps {
    action: Conversion;
    /** How many there are of what is changed. */
    count: number;
    /** Whether new ones are stored likewise. */
    isKept: boolean;
    /** Ask anew how many there are. */
    again: () => Promise<void>;
}

const TITLE = "seal-dialog-title";
const TEXT = "seal-dialog-text";

export function SealDialog({ action, count, isKept, again }: SealDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const tell = useAlerts();
    const isGone = useRef(false);
    const [done, setDone] = useState<number>();
    const [failed, setFailed] = useState<Failed>();
    const isSeal = action === "seal";
    const isBusy = done !== undefined;

    const leave = () => {
        isGone.current = true;
        dialogs.close();
    };
    const go = async () => {
        setDone(0);
        setFailed(undefined);
        // Who cancels keeps what was not begun.
        const { secrets, ...rest } = await convert(action, setDone, () => !isGone.current);
        setDone(undefined);
        if (secrets) tell("success", doneWords(action, secrets));
        const isWhole = rest.problem === undefined && rest.refused.size === 0;
        if (isWhole) dialogs.close();
        else if (isGone.current) tell("danger", failedWords(action), reasonWords(rest).join(" "));
        else setFailed(rest);
        await again();
    };
    return (
        <Modal
            isOpen
            variant="small"
            position="top"
            className="getmail-seal"
            aria-labelledby={TITLE}
            aria-describedby={TEXT}
            elementToFocus="#seal-dialog-cancel"
            onClose={leave}
        >
            <ModalHeader
                title={isSeal ? _("Seal all stored passwords?") : _("Unseal all stored passwords?")}
                titleIconVariant="warning"
                titleScreenReaderText={variantWord("warning")}
                labelId={TITLE}
            />
            <ModalBody id={TEXT}>
                {isSeal ? <Sealing count={count} isKept={isKept} /> : <Unsealing count={count} isKept={isKept} />}
                {failed && (
                    <Alert isInline isLiveRegion variant="danger" title={failedWords(action)} component="p">
                        {reasonWords(failed).map((sentence) => (
                            <p key={sentence} dir="auto" className="getmail-told">
                                {sentence}
                            </p>
                        ))}
                    </Alert>
                )}
            </ModalBody>
            <ModalFooter>
                <Button
                    variant={isSeal ? "primary" : "danger"}
                    isLoading={isBusy}
                    isDisabled={isBusy}
                    onClick={() => void go()}
                >
                    {isSeal ? _("Seal all") : _("Unseal all")}
                </Button>
                <Button id="seal-dialog-cancel" variant="link" onClick={leave}>
                    {_("Cancel")}
                </Button>
                {isBusy && (
                    <span role="status">
                        {cockpit.format(_("$0 of $1"), formatNumber(done), formatNumber(count))}
                    </span>
                )}
            </ModalFooter>
        </Modal>
    );
}

interface WhatProps {
    count: number;
    isKept: boolean;
}

function Sealing({ count, isKept }: WhatProps) {
    const _ = cockpit.gettext;
    return (
        <Content>
            <p>
                {cockpit.format(
                    cockpit.ngettext(
                        "$0 password or token will be encrypted with a key that only this machine has. Mail is fetched as before.",
                        "$0 passwords and tokens will be encrypted with a key that only this machine has. Mail is fetched as before.",
                        count,
                    ),
                    formatNumber(count),
                )}
            </p>
            <p>
                {_("From then on a copy of the database cannot be used on another machine, also not by you. If this machine or its key is lost, each password has to be entered anew.")}
            </p>
            {!isKept && (
                <p>{_("New passwords will still be stored in clear, until ENCRYPT_SECRETS=yes is set.")}</p>
            )}
        </Content>
    );
}

function Unsealing({ count, isKept }: WhatProps) {
    const _ = cockpit.gettext;
    return (
        <Content>
            <p>
                {cockpit.format(
                    cockpit.ngettext(
                        "$0 password or token will stand in the database in clear again.",
                        "$0 passwords and tokens will stand in the database in clear again.",
                        count,
                    ),
                    formatNumber(count),
                )}
            </p>
            <p>
                {_("Whoever gets a copy of the database, from a backup for example, can read them. In exchange the copy can be used on another machine.")}
            </p>
            {!isKept && (
                <p>{_("New passwords will still be stored sealed, until ENCRYPT_SECRETS=no is set.")}</p>
            )}
        </Content>
    );
}
