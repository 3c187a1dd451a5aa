// SPDX-License-Identifier: LGPL-2.1-or-later
/** What stands where an answer is still to come, or did not come. */
import cockpit from "cockpit";
import { AlertActionLink, Bullseye, Spinner } from "@patternfly/react-core";
import { Problem } from "../helpers";
import { knownHint } from "../hints";
import { Alert } from "../patternfly";
import { causeHint, problemWords } from "../words";

export function Waiting({ text }: { text: string }) {
    return (
        <Bullseye className="getmail-waiting">
            <Spinner size="lg" aria-label={text} />
            <span aria-hidden="true">{text}</span>
        </Bullseye>
    );
}

export function Trouble({ title, problem, again }: { title: string; problem: unknown; again?: () => Promise<void> }) {
    const _ = cockpit.gettext;
    return (
        <Alert
            isInline
            variant="danger"
            title={title}
            component="h2"
            actionLinks={again && <AlertActionLink onClick={() => void again()}>{_("Try again")}</AlertActionLink>}
        >
            <p dir="auto" className="getmail-wrap">
                {problemWords(problem)}
            </p>
            <p dir="auto" className="getmail-wrap">
                {nextStep(problem)}
            </p>
        </Alert>
    );
}

/** Return what may be tried; "" where nobody knows. */
function nextStep(problem: unknown): string {
    if (!(problem instanceof Problem)) return "";
    const { cause, hint } = problem.details;
    return (knownHint(hint) ?? causeHint(cause)) || (hint ?? "");
}
