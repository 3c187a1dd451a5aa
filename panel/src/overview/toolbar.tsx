// SPDX-License-Identifier: LGPL-2.1-or-later
/** Above and below the table: what to look at, and what to do with what is selected. */
import cockpit from "cockpit";
import { Button, Pagination, Toolbar, ToolbarContent, ToolbarItem } from "@patternfly/react-core";
import type { Shown } from "../connectors";
import { formatNumber } from "../format";
import { BulkActions, BulkSelect, type BulkActionsProps, type BulkSelectProps } from "./bulk";
import { Search, SortChoice, StatusFilter } from "./filters";
import type { Change, View } from "./view";

export interface FilterBarProps {
    view: View;
    counts: Record<Shown, number>;
    total: number;
    change: Change;
}

export function FilterBar({ view, counts, total, change }: FilterBarProps) {
    const _ = cockpit.gettext;
    const { text, shown, order, descending } = view;
    return (
        <Toolbar inset={{ default: "insetNone" }}>
            <ToolbarContent>
                <ToolbarItem className="getmail-whole">
                    <Search text={text} change={change} />
                </ToolbarItem>
                <ToolbarItem>
                    <StatusFilter shown={shown} counts={counts} total={total} change={change} />
                </ToolbarItem>
                <ToolbarItem className="getmail-narrow">
                    <SortChoice order={order} descending={descending} change={change} />
                </ToolbarItem>
                {(text || shown) && (
                    <ToolbarItem>
                        <Button variant="link" onClick={() => change({ text: "", shown: undefined })}>
                            {_("Clear filters")}
                        </Button>
                    </ToolbarItem>
                )}
            </ToolbarContent>
        </Toolbar>
    );
}

export interface PagesProps {
    view: View;
    /** The page that there is. */
    page: number;
    total: number;
    change: Change;
    isBottom?: boolean;
}

const SIZES = [25, 50, 100];

export function Pages({ view, page, total, change, isBottom = false }: PagesProps) {
    const _ = cockpit.gettext;
    const range = [(page - 1) * view.size + 1, Math.min(page * view.size, total), total];
    const seen = cockpit.format(_("$0–$1 of $2"), ...range.map(formatNumber));
    return (
        <Pagination
            widgetId={isBottom ? "pages-bottom" : "pages-top"}
            variant={isBottom ? "bottom" : "top"}
            isCompact
            isStatic
            itemCount={total}
            page={page}
            perPage={view.size}
            perPageOptions={SIZES.map((value) => ({ title: formatNumber(value), value }))}
            onSetPage={(_event, to) => change({ page: to })}
            onPerPageSelect={(_event, size, to) => change({ size, page: to })}
            toggleTemplate={() => <>{seen}</>}
            titles={{
                items: "",
                itemsPerPage: _("Rows on a page"),
                perPageSuffix: _("on a page"),
                // What is seen has to be part of what it is called: people say it to their computers.
                optionsToggleAriaLabel: `${seen}, ${_("Rows on a page")}`,
                paginationAriaLabel: isBottom ? _("Pages, below the table") : _("Pages"),
                toFirstPageAriaLabel: _("First page"),
                toPreviousPageAriaLabel: _("Previous page"),
                toNextPageAriaLabel: _("Next page"),
                toLastPageAriaLabel: _("Last page"),
            }}
        />
    );
}

export type SelectionBarProps = BulkSelectProps & BulkActionsProps & PagesProps;

export function SelectionBar({ chosen, onPage, all, doing, handlers, ...pages }: SelectionBarProps) {
    return (
        <Toolbar inset={{ default: "insetNone" }}>
            <ToolbarContent>
                <ToolbarItem>
                    <BulkSelect chosen={chosen} onPage={onPage} all={all} handlers={handlers} />
                </ToolbarItem>
                {(doing ?? chosen.length > 0) && (
                    <ToolbarItem>
                        <BulkActions chosen={chosen} doing={doing} handlers={handlers} />
                    </ToolbarItem>
                )}
                <ToolbarItem variant="pagination" align={{ default: "alignEnd" }}>
                    <Pages {...pages} />
                </ToolbarItem>
            </ToolbarContent>
        </Toolbar>
    );
}
