// SPDX-License-Identifier: LGPL-2.1-or-later
/** How many run, fail, are disabled, and what came today; the first three show which. */
import cockpit from "cockpit";
import { Card, CardBody } from "@patternfly/react-core";
import { EnvelopeIcon, ExclamationCircleIcon, InProgressIcon, PauseCircleIcon } from "@patternfly/react-icons";
import type { ReactElement } from "react";
import type { Shown, Summary } from "../connectors";
import { formatNumber } from "../format";
import { statusWord } from "../words";
import type { Change } from "./view";

export interface SummaryCardsProps {
    summary: Summary;
    shown: Shown | undefined;
    change: Change;
}

export function SummaryCards({ summary, shown, change }: SummaryCardsProps) {
    const _ = cockpit.gettext;
    const choice = (which: Shown) => ({
        isOn: shown === which,
        toggle: () => change({ shown: shown === which ? undefined : which }),
    });
    return (
        <div className="getmail-summary" role="group" aria-label={_("Summary")}>
            <SummaryCard
                icon={<InProgressIcon className={summary.running ? "getmail-turning" : ""} />}
                look="running"
                value={summary.running}
                word={_("Running")}
                choice={choice("running")}
            />
            <SummaryCard
                icon={<ExclamationCircleIcon />}
                look="failing"
                value={summary.failing}
                word={_("Failing")}
                choice={choice("failing")}
            />
            <SummaryCard
                icon={<PauseCircleIcon />}
                look="paused"
                value={summary.paused}
                word={statusWord("DISABLED")}
                choice={choice("DISABLED")}
            />
            <SummaryCard icon={<EnvelopeIcon />} look="today" value={summary.today} word={_("Fetched today")} />
        </div>
    );
}

interface SummaryCardProps {
    icon: ReactElement;
    look: keyof Summary;
    value: number;
    word: string;
    choice?: { isOn: boolean; toggle: () => void };
}

function SummaryCard({ icon, look, value, word, choice }: SummaryCardProps) {
    const content = (
        <>
            <span className={`getmail-summary-icon ${value ? `getmail-${look}` : ""}`}>{icon}</span>
            <span className="getmail-summary-value">{formatNumber(value)}</span> <span>{word}</span>
        </>
    );
    return (
        <Card isCompact>
            <CardBody>
                {choice ? (
                    <button type="button" aria-pressed={choice.isOn} onClick={choice.toggle}>
                        {content}
                    </button>
                ) : (
                    <div>{content}</div>
                )}
            </CardBody>
        </Card>
    );
}
