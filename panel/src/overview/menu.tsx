// SPDX-License-Identifier: LGPL-2.1-or-later
/** What one may do with the connector of a row. */
import cockpit from "cockpit";
import { Divider, Dropdown, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";
import { EllipsisVIcon } from "@patternfly/react-icons";
import { useState } from "react";
import type { Connector } from "../api";
import type { Start } from "./acting";

/** What rows and toolbar do; they stay the same for as long as the page is shown. */
export interface Handlers {
    select: (names: string[], isOn: boolean) => void;
    start: Start;
    edit: (connector: Connector) => void;
    remove: (names: string[]) => void;
}

export function RowMenu({ connector, handlers }: { connector: Connector; handlers: Handlers }) {
    const _ = cockpit.gettext;
    const [isOpen, setIsOpen] = useState(false);
    const { name, running, status } = connector;
    const isDisabled = status === "DISABLED";
    return (
        <Dropdown
            isOpen={isOpen}
            onOpenChange={setIsOpen}
            onSelect={() => setIsOpen(false)}
            popperProps={{ position: "end" }}
            // A dialog gives the focus back to it.
            shouldFocusToggleOnSelect
            toggle={(ref) => (
                <MenuToggle
                    ref={ref}
                    variant="plain"
                    aria-label={cockpit.format(_("Actions of $0"), name)}
                    isExpanded={isOpen}
                    onClick={() => setIsOpen(!isOpen)}
                    icon={<EllipsisVIcon />}
                />
            )}
        >
            <DropdownList>
                {running && (
                    <DropdownItem onClick={() => void handlers.start("cancel", [name])}>{_("Stop")}</DropdownItem>
                )}
                {!running && !isDisabled && (
                    <DropdownItem onClick={() => void handlers.start("run", [name])}>{_("Run now")}</DropdownItem>
                )}
                <DropdownItem onClick={() => handlers.edit(connector)}>{_("Edit")}</DropdownItem>
                <DropdownItem onClick={() => void handlers.start(isDisabled ? "enable" : "disable", [name])}>
                    {isDisabled ? _("Enable") : _("Disable")}
                </DropdownItem>
                <Divider component="li" />
                <DropdownItem isDanger onClick={() => handlers.remove([name])}>
                    {_("Remove")}
                </DropdownItem>
            </DropdownList>
        </Dropdown>
    );
}
