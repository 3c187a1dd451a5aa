// SPDX-License-Identifier: LGPL-2.1-or-later
/** Adding a connector, and editing one. */
import cockpit from "cockpit";
import { Modal, ModalHeader } from "@patternfly/react-core";
import type { Connector } from "../api";
import { useDialogs } from "../dialogs";

export interface ConnectorDialogProps {
    /** The one to edit; without it, one is added. */
    connector?: Connector;
    /** All there are. */
    connectors: Connector[];
    refresh: () => Promise<void>;
}

export function ConnectorDialog({ connector }: ConnectorDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    return (
        <Modal isOpen variant="medium" onClose={dialogs.close}>
            <ModalHeader title={connector ? _("Edit connector") : _("Add connector")} />
        </Modal>
    );
}
