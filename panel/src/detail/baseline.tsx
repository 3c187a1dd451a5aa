// SPDX-License-Identifier: LGPL-2.1-or-later
/** Taking all that is at the provider as fetched: says what that means, and asks. */
import cockpit from "cockpit";
import { Button, Content, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useRef, useState } from "react";
import { useAlerts } from "../alerts";
import * as api from "../api";
import { useDialogs } from "../dialogs";
import { Modal, variantWord } from "../patternfly";
import { problemWords } from "../words";
import { Trouble } from "./states";

interface BaselineDialogProps {
    name: string;
    /** Told the token of what was started: it goes on as a run does. */
    started: (token: string | undefined) => void;
    refresh: () => Promise<void>;
}

export function BaselineDialog({ name, started, refresh }: BaselineDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const tell = useAlerts();
    const isGone = useRef(false);
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<unknown>();
    const failed = _("Nothing was marked");
    const leave = () => {
        isGone.current = true;
        dialogs.close();
    };
    const mark = async () => {
        setBusy(true);
        setProblem(undefined);
        try {
            const { token } = await api.baseline(name);
            started(token);
            dialogs.close();
            await refresh();
        } catch (met) {
            if (isGone.current) tell("danger", failed, problemWords(met));
            setProblem(met);
            setBusy(false);
        }
    };
    return (
        <Modal isOpen variant="small" onClose={leave} aria-labelledby="baseline-title" aria-describedby="baseline-text">
            <ModalHeader
                description={<span dir="auto">{name}</span>}
                labelId="baseline-title"
                titleIconVariant="warning"
                titleScreenReaderText={variantWord("warning")}
                title={_("Mark everything there now as fetched?")}
            />
            <ModalBody id="baseline-text">
                {problem !== undefined && <Trouble title={failed} problem={problem} />}
                <Content>
                    <p>
                        {_("Every message that is at the provider now, and was not fetched yet, counts as fetched without being downloaded. It does not come to this machine, now or later. Runs fetch only what arrives from now on.")}
                    </p>
                    <p>{_("Nothing changes at the provider. This cannot be undone here.")}</p>
                </Content>
            </ModalBody>
            <ModalFooter>
                <Button variant="danger" isLoading={busy} isDisabled={busy} onClick={() => void mark()}>
                    {_("Mark as fetched")}
                </Button>
                <Button variant="link" onClick={leave}>
                    {_("Cancel")}
                </Button>
            </ModalFooter>
        </Modal>
    );
}
