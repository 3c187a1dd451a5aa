// SPDX-License-Identifier: LGPL-2.1-or-later
/** Small things that more than one part of the page shows. */
import {
    DescriptionListDescription,
    DescriptionListGroup,
    DescriptionListTerm,
    Flex,
    Progress,
    ProgressMeasureLocation,
    Spinner,
} from "@patternfly/react-core";
import type { ReactNode } from "react";

interface RunningProps {
    label: string;
    percent: number | null | undefined;
    text: string;
}

export function Running({ label, percent, text }: RunningProps) {
    const title = <span dir="auto">{text}</span>;
    return percent === null || percent === undefined ? (
        <Flex spaceItems={{ default: "spaceItemsSm" }} alignItems={{ default: "alignItemsCenter" }}>
            <Spinner size="md" aria-label={label} />
            {title}
        </Flex>
    ) : (
        <Progress
            aria-label={label}
            value={percent}
            title={title}
            measureLocation={ProgressMeasureLocation.outside}
        />
    );
}

export function Fact({ term, children }: { term: string; children: ReactNode }) {
    return (
        <DescriptionListGroup>
            <DescriptionListTerm>{term}</DescriptionListTerm>
            <DescriptionListDescription>{children}</DescriptionListDescription>
        </DescriptionListGroup>
    );
}
