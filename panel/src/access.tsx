// SPDX-License-Identifier: LGPL-2.1-or-later
/** Whether the person may see and change anything here, and what is said if not. */
import cockpit from "cockpit";
import { EmptyState, EmptyStateBody } from "@patternfly/react-core";
import { LockIcon } from "@patternfly/react-icons";
import { useEffect, useState } from "react";

/** Return whether there is administrative access; null while that is not known. */
export function useAccess(): boolean | null {
    const [allowed, setAllowed] = useState<boolean | null>(null);
    useEffect(() => {
        const permission = cockpit.permission({ admin: true });
        const changed = () => setAllowed(permission.allowed);
        permission.addEventListener("changed", changed);
        changed();
        return () => {
            permission.removeEventListener("changed", changed);
            permission.close();
        };
    }, []);
    return allowed;
}

export function LimitedAccess() {
    const _ = cockpit.gettext;
    return (
        <EmptyState headingLevel="h1" icon={LockIcon} titleText={_("Administrative access required")}>
            <EmptyStateBody>
                {_(
                    "Mail connectors hold passwords, so only an administrator sees and changes them. Press “Limited access” at the top of this page to turn on administrative access.",
                )}
            </EmptyStateBody>
        </EmptyState>
    );
}
