// SPDX-License-Identifier: LGPL-2.1-or-later
/** What is said instead of a table, and of what no row can tell. */
import cockpit from "cockpit";
import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from "@patternfly/react-core";
import { EnvelopeIcon, SearchIcon } from "@patternfly/react-icons";
import type { Broken } from "../api";
import { formatNumber } from "../format";
import { Alert } from "../patternfly";
import type { Change } from "./view";

export function NoConnectors({ add }: { add: () => void }) {
    const _ = cockpit.gettext;
    return (
        <EmptyState headingLevel="h2" icon={EnvelopeIcon} titleText={_("No connectors yet")}>
            <EmptyStateBody>
                {_("A connector fetches the mail of an account at another server into an account of this machine.")}
            </EmptyStateBody>
            <EmptyStateFooter>
                <EmptyStateActions>
                    <Button onClick={add}>{_("Add connector")}</Button>
                </EmptyStateActions>
            </EmptyStateFooter>
        </EmptyState>
    );
}

export function NothingMatches({ change }: { change: Change }) {
    const _ = cockpit.gettext;
    return (
        <EmptyState headingLevel="h2" icon={SearchIcon} variant="sm" titleText={_("No connector matches")}>
            <EmptyStateBody>{_("Search for something else, or look at all of them.")}</EmptyStateBody>
            <EmptyStateFooter>
                <EmptyStateActions>
                    <Button variant="link" onClick={() => change({ text: "", shown: undefined })}>
                        {_("Clear filters")}
                    </Button>
                </EmptyStateActions>
            </EmptyStateFooter>
        </EmptyState>
    );
}

/** So many broken lines are told one by one. */
const TOLD = 5;

export function BrokenLines({ broken }: { broken: Broken[] }) {
    const _ = cockpit.gettext;
    const more = broken.length - TOLD;
    return (
        <Alert
            isInline
            component="h2"
            variant="warning"
            title={cockpit.format(
                cockpit.ngettext(
                    "$0 line of the database cannot be read",
                    "$0 lines of the database cannot be read",
                    broken.length,
                ),
                formatNumber(broken.length),
            )}
        >
            <p>{_("They are kept as they are, but no mail is fetched for them.")}</p>
            <ul>
                {broken.slice(0, TOLD).map(({ line, reason }) => (
                    <li key={line}>
                        {cockpit.format(_("Line $0:"), formatNumber(line))} <bdi>{reason}</bdi>
                    </li>
                ))}
                {more > 0 && (
                    <li>{cockpit.format(cockpit.ngettext("$0 more.", "$0 more.", more), formatNumber(more))}</li>
                )}
            </ul>
        </Alert>
    );
}
