// SPDX-License-Identifier: LGPL-2.1-or-later
/** One connector of the overview. */
import cockpit from "cockpit";
import { Button, Checkbox } from "@patternfly/react-core";
import { Td, Tr } from "@patternfly/react-table";
import { Fragment, memo } from "react";
import type { Connector } from "../api";
import { daily, isSame, recent, titleOf } from "../connectors";
import { formatNumber } from "../format";
import { Name } from "../name";
import { formatRoute, go } from "../route";
import { When } from "../when";
import { retrieverWord } from "../words";
import { DaysChart } from "./days";
import { RowMenu, type Handlers } from "./menu";
import { State } from "./state";

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
    const { name } = connector;
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
            <Td>
                <Title connector={connector} />
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
                    <span>{formatNumber(recent(connector))}</span>
                    <DaysChart days={daily(connector.days, days)} />
                </div>
            </Td>
            <Td isActionCell>
                <RowMenu connector={connector} handlers={handlers} />
            </Td>
        </Tr>
    );
}

/** User and server are told where the title does not tell them already, as a name does. */
function Title({ connector }: { connector: Connector }) {
    const { name, props } = connector;
    const { Username: user = "", Server: server = "" } = props;
    const place = titleOf(connector) === `${user}@${server}` ? [] : [user, server];
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
                <Name connector={connector} />
            </Button>
            <div className="getmail-quiet">
                {[...place, retrieverWord(props.Retriever)].map((part, index) => (
                    <Fragment key={index}>
                        {index > 0 && " · "}
                        <bdi>{part}</bdi>
                    </Fragment>
                ))}
            </div>
        </>
    );
}
