// SPDX-License-Identifier: LGPL-2.1-or-later
/** Removing connectors: says what is destroyed, and asks. */
import cockpit from "cockpit";
import { Modal, ModalHeader } from "@patternfly/react-core";
import { useDialogs } from "../dialogs";

export interface RemoveDialogProps {
    names: string[];
    /** Called after they were removed, or some of them. */
    removed: () => void;
    refresh: () => Promise<void>;
}

export function RemoveDialog({ names }: RemoveDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    return (
        <Modal isOpen variant="small" onClose={dialogs.close}>
            <ModalHeader title={cockpit.format(_("Remove $0?"), names[0] ?? "")} />
        </Modal>
    );
}
