// SPDX-License-Identifier: LGPL-2.1-or-later
/** A question before what cannot be taken back; it tells what went wrong, also to who has left it. */
import cockpit from "cockpit";
import { Button, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { type ReactNode, useRef, useState } from "react";
import { useAlerts } from "../alerts";
import { useDialogs } from "../dialogs";
import { Modal, variantWord } from "../patternfly";
import { problemWords } from "../words";
import { Trouble } from "./states";

interface ConfirmDialogProps {
    /** What the elements of this dialog are named by. */
    id: string;
    name: string;
    title: string;
    /** What the button says. */
    word: string;
    /** What is said if it fails. */
    failed: string;
    /** Does it; `isLeft` tells whether the dialog was left meanwhile. */
    act: (isLeft: () => boolean) => Promise<void>;
    /** Called after it, however it ended. */
    settled: () => Promise<void>;
    children: ReactNode;
}

export function ConfirmDialog({ id, name, title, word, failed, act, settled, children }: ConfirmDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const tell = useAlerts();
    const isGone = useRef(false);
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<unknown>();
    const leave = () => {
        isGone.current = true;
        dialogs.close();
    };
    const confirm = async () => {
        setBusy(true);
        setProblem(undefined);
        try {
            await act(() => isGone.current);
            dialogs.close();
        } catch (met) {
            if (isGone.current) tell("danger", failed, problemWords(met));
            setProblem(met);
            setBusy(false);
        }
        await settled();
    };
    return (
        <Modal isOpen variant="small" onClose={leave} aria-labelledby={`${id}-title`} aria-describedby={`${id}-text`}>
            <ModalHeader
                description={<span dir="auto">{name}</span>}
                labelId={`${id}-title`}
                titleIconVariant="warning"
                titleScreenReaderText={variantWord("warning")}
                title={title}
            />
            <ModalBody id={`${id}-text`}>
                {problem !== undefined && <Trouble title={failed} problem={problem} />}
                {children}
            </ModalBody>
            <ModalFooter>
                <Button variant="danger" isLoading={busy} isDisabled={busy} onClick={() => void confirm()}>
                    {word}
                </Button>
                <Button variant="link" onClick={leave}>
                    {_("Cancel")}
                </Button>
            </ModalFooter>
        </Modal>
    );
}
