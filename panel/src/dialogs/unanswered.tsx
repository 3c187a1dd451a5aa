// SPDX-License-Identifier: LGPL-2.1-or-later
/** Why a server did not answer what was asked about the form. */
import { Problem } from "../helpers";
import { Alert } from "../patternfly";
import { causeHint, causeWords, problemWords } from "../words";

export function Unanswered({ title, problem }: { title: string; problem: unknown }) {
    const cause = problem instanceof Problem ? problem.details.cause : undefined;
    return (
        <Alert isInline variant="danger" title={causeWords(cause) || title} component="p">
            <p dir="auto" className="getmail-told">
                {problemWords(problem)}
            </p>
            <p>{causeHint(cause)}</p>
        </Alert>
    );
}
