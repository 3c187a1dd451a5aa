// SPDX-License-Identifier: LGPL-2.1-or-later
/** Selecting many connectors, and doing something to all of them. */
import cockpit from "cockpit";
import {
    Button,
    Dropdown,
    DropdownItem,
    DropdownList,
    MenuToggle,
    MenuToggleCheckbox,
    Progress,
} from "@patternfly/react-core";
import { useMemo, useState } from "react";
import { doingWords } from "../actions";
import { formatNumber } from "../format";
import type { Doing } from "./acting";
import type { Handlers } from "./menu";

export interface BulkSelectProps {
    /** Of what is selected, what is shown on any page. */
    chosen: string[];
    onPage: string[];
    all: string[];
    handlers: Handlers;
}

export function BulkSelect({ chosen, onPage, all, handlers }: BulkSelectProps) {
    const _ = cockpit.gettext;
    const [isOpen, setIsOpen] = useState(false);
    const only = (names: string[]) => {
        handlers.select(chosen, false);
        handlers.select(names, true);
    };
    const some = chosen.length > 0;
    const isWhole = useMemo(() => {
        const names = new Set(chosen);
        return onPage.every((name) => names.has(name));
    }, [chosen, onPage]);
    return (
        <Dropdown
            isOpen={isOpen}
            onOpenChange={setIsOpen}
            onSelect={() => setIsOpen(false)}
            toggle={(ref) => (
                <MenuToggle
                    ref={ref}
                    aria-label={_("What to select")}
                    isExpanded={isOpen}
                    onClick={() => setIsOpen(!isOpen)}
                    splitButtonItems={[
                        <MenuToggleCheckbox
                            key="all"
                            id="page-selection"
                            aria-label={_("Select all on this page")}
                            isChecked={isWhole || (some ? null : false)}
                            onChange={() => (some ? only([]) : only(onPage))}
                        >
                            {some ? cockpit.format(_("$0 selected"), formatNumber(chosen.length)) : null}
                        </MenuToggleCheckbox>,
                    ]}
                />
            )}
        >
            <DropdownList>
                <DropdownItem isDisabled={!some} onClick={() => only([])}>
                    {_("Select none")}
                </DropdownItem>
                <DropdownItem onClick={() => only(onPage)}>
                    {cockpit.format(_("Select this page ($0)"), formatNumber(onPage.length))}
                </DropdownItem>
                <DropdownItem onClick={() => only(all)}>
                    {cockpit.format(_("Select all ($0)"), formatNumber(all.length))}
                </DropdownItem>
            </DropdownList>
        </Dropdown>
    );
}

export interface BulkActionsProps {
    chosen: string[];
    doing: Doing | undefined;
    handlers: Handlers;
}

export function BulkActions({ chosen, doing, handlers }: BulkActionsProps) {
    const _ = cockpit.gettext;
    // Who pressed one of them goes on from there: it does not go away meanwhile.
    const button = { variant: "secondary", isAriaDisabled: doing !== undefined } as const;
    return (
        <div className="getmail-bulk">
            <Button {...button} onClick={() => void handlers.start("run", chosen)}>
                {_("Run")}
            </Button>
            <Button {...button} onClick={() => void handlers.start("enable", chosen)}>
                {_("Enable")}
            </Button>
            <Button {...button} onClick={() => void handlers.start("disable", chosen)}>
                {_("Disable")}
            </Button>
            <Button {...button} isDanger onClick={() => handlers.remove(chosen)}>
                {_("Remove")}
            </Button>
            {doing && <DoingNow doing={doing} />}
        </div>
    );
}

function DoingNow({ doing: { action, done, total } }: { doing: Doing }) {
    return (
        <Progress
            className="getmail-doing"
            title={doingWords(action, done, total)}
            measureLocation="none"
            size="sm"
            value={(100 * done) / total}
        />
    );
}
