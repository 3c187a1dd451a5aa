// SPDX-License-Identifier: LGPL-2.1-or-later
/** One connector of the overview. */
import cockpit from "cockpit";
import { Button, Checkbox } from "@patternfly/react-core";
import { Td, Tr } from "@patternfly/react-table";
import { memo } from "react";
import type { Connector } from "../api";
import { daily, isSame, titleOf } from "../connectors";
import { formatNumber } from "../format";
import { formatRoute, go } from "../route";
import { retrieverWord } from "../words";
import { DaysChart } from "./days";
import { RowMenu, type Handlers } from "./menu";
import { State } from "./state";
import { When } from "./when";

export interface RowProps {
    connector: Connector;
    /** The days of the chart. */
    days: string[];
    isSelected: boolean;
    handlers: Handlers;
}

/** Each answer is new, but what most connectors have to tell is not. */
export const Row = memo(
    ShownRow,
    (before, after) =>
        before.isSelected === after.isSelected &&
        before.days === after.days &&
        before.handlers === after.handlers &&
        isSame(before.connector, after.connector),
);

function ShownRow({ connector, days, isSelected, handlers }: RowProps) {
    const _ = cockpit.gettext;
    const { name, props } = connector;
    return (
        <Tr data-connector={name} isRowSelected={isSelected}>
            <Td className="pf-v6-c-table__check">
                <Checkbox
                    id={`select-${name}`}
                    aria-label={cockpit.format(_("Select $0"), name)}
                    isChecked={isSelected}
                    onChange={(_event, isOn) => handlers.select([name], isOn)}
                />
            </Td>
            <Td dataLabel={_("Connector")} modifier="breakWord">
                <Title connector={connector} />
            </Td>
            <Td dataLabel={_("Server")} modifier="breakWord">
                <div dir="auto">{props.Server}</div>
                <div className="getmail-quiet">{retrieverWord(props.Retriever)}</div>
            </Td>
            <Td dataLabel={_("Status")}>
                <State connector={connector} />
            </Td>
            <Td dataLabel={_("Last run")}>
                <When at={connector.last_run} never={_("Never")} />
            </Td>
            <Td dataLabel={_("Next run")}>
                <When at={connector.next_run} never={_("Not planned")} isNext />
            </Td>
            <Td dataLabel={_("Messages")}>
                <div className="getmail-messages">
                    <span>{formatNumber(connector.messages)}</span>
                    <DaysChart days={daily(connector.days, days)} />
                </div>
            </Td>
            <Td isActionCell>
                <RowMenu connector={connector} handlers={handlers} />
            </Td>
        </Tr>
    );
}

/** The user is told apart where the title does not begin with it, as a name does. */
function Title({ connector }: { connector: Connector }) {
    const { name, props } = connector;
    const title = titleOf(connector);
    const user = props.Username ?? "";
    return (
        <>
            <Button
                variant="link"
                isInline
                component="a"
                href={`#/${formatRoute({ name, tab: "status" }).map(encodeURIComponent).join("/")}`}
                onClick={(event) => {
                    event.preventDefault();
                    go({ name });
                }}
            >
                <bdi>{title}</bdi>
            </Button>
            {!title.startsWith(user) && (
                <div className="getmail-quiet" dir="auto">
                    {user}
                </div>
            )}
        </>
    );
}
