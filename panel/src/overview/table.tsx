// SPDX-License-Identifier: LGPL-2.1-or-later
/** A page of connectors, by the account that gets their mail. */
import cockpit from "cockpit";
import { SortByDirection, Table, Tbody, Th, Thead, Tr, type ThProps } from "@patternfly/react-table";
import { memo } from "react";
import type { Group, Order } from "../connectors";
import { formatNumber } from "../format";
import type { Handlers } from "./menu";
import { Row } from "./row";
import type { Change } from "./view";

const COLUMNS = 7;

export interface ConnectorTableProps {
    groups: Group[];
    /** How many connectors an account has in all, also on other pages. */
    totals: Map<string, number>;
    days: string[];
    selected: ReadonlySet<string>;
    order: Order;
    descending: boolean;
    handlers: Handlers;
    change: Change;
}

export const ConnectorTable = memo(function ConnectorTable({ groups, totals, ...rest }: ConnectorTableProps) {
    const _ = cockpit.gettext;
    const { days, selected, order, descending, handlers, change } = rest;
    const orders = Object.keys(orderWords()) as Order[];
    const sort = (by: Order): NonNullable<ThProps["sort"]> => ({
        columnIndex: orders.indexOf(by),
        sortBy: { index: orders.indexOf(order), direction: descending ? "desc" : "asc" },
        onSort: (_event, _index, direction) => change({ order: by, descending: direction === SortByDirection.desc }),
    });
    const words = orderWords();
    return (
        <Table aria-label={_("Connectors")} role="table" variant="compact" gridBreakPoint="" className="getmail-table">
            <Thead>
                <Tr>
                    <Th className="pf-v6-c-table__check" screenReaderText={_("Selection")} />
                    <Th className="getmail-column-title" sort={sort("name")}>
                        {words.name}
                    </Th>
                    <Th className="getmail-column-state" modifier="nowrap" sort={sort("status")}>
                        {words.status}
                    </Th>
                    <Th modifier="nowrap" sort={sort("last_run")}>
                        {words.last_run}
                    </Th>
                    <Th modifier="nowrap" sort={sort("next_run")}>
                        {words.next_run}
                    </Th>
                    <Th className="getmail-column-messages" modifier="nowrap" sort={sort("messages")}>
                        {words.messages}
                    </Th>
                    <Th screenReaderText={_("Actions")} />
                </Tr>
            </Thead>
            {groups.map(({ account, connectors }) => (
                <Tbody key={account}>
                    <Tr className="getmail-group">
                        <Th colSpan={COLUMNS} scope="rowgroup">
                            <bdi>{account}</bdi>
                            <span className="getmail-quiet">{countWords(totals.get(account) ?? connectors.length)}</span>
                        </Th>
                    </Tr>
                    {connectors.map((connector) => (
                        <Row
                            key={connector.name}
                            connector={connector}
                            days={days}
                            isSelected={selected.has(connector.name)}
                            handlers={handlers}
                        />
                    ))}
                </Tbody>
            ))}
        </Table>
    );
});

/** Return what the columns that give an order are called. */
export function orderWords(): Record<Order, string> {
    const _ = cockpit.gettext;
    return {
        name: _("Connector"),
        status: _("Status"),
        last_run: _("Last run"),
        next_run: _("Next run"),
        messages: _("Messages"),
    };
}

export function countWords(count: number): string {
    return cockpit.format(cockpit.ngettext("$0 connector", "$0 connectors", count), formatNumber(count));
}
