// SPDX-License-Identifier: LGPL-2.1-or-later
/** The one door to the helpers. */
import cockpit, { type BasicError } from "cockpit";

export type Verb = "read" | "validate" | "create" | "update" | "delete" | "execute";

/** One thing wrong with an input (../schemas/problem.json). */
export interface Fault {
    parameter: string;
    error: string;
}

/** What a problem's attributes may hold beside faults. */
export interface Details {
    cause?: string;
    status?: string;
    hint?: string;
    untrusted?: true;
    fingerprint?: string;
    subject?: string;
    issuer?: string;
    token?: string;
}

/** What a helper answers when it did not do what was asked, and `NoAnswer` when there was no answer of its own. */
export class Problem extends Error {
    constructor(
        readonly type: string,
        message: string,
        readonly details: Details = {},
        readonly faults: Fault[] = [],
    ) {
        super(message);
    }
}

const folder = document.querySelector<HTMLMetaElement>("meta[name=libexecdir]")?.content ?? "";

/** Return what a helper answers. Rejects with a Problem. */
export function call<Answer>(verb: Verb, input: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
        cockpit
            .spawn([`${folder}/${verb}`], { superuser: "require", err: "message" })
            .input(JSON.stringify(input))
            .then(
                (output) => {
                    try {
                        resolve(JSON.parse(output) as Answer);
                    } catch {
                        reject(new Problem("NoAnswer", output.slice(0, 200)));
                    }
                },
                (error: unknown, output) => reject(parseProblem(output) ?? explain(error as BasicError)),
            );
    });
}

/** Return the Problem that a helper's answer tells of; undefined if it is no such answer. */
export function parseProblem(output: string | null): Problem | undefined {
    let answer: unknown;
    try {
        answer = JSON.parse(output ?? "");
    } catch {
        return undefined;
    }
    const { type, message, attributes } = (answer ?? {}) as Record<string, unknown>;
    if (typeof type !== "string" || typeof message !== "string") return undefined;
    if (Array.isArray(attributes)) return new Problem(type, message, {}, attributes as Fault[]);
    return new Problem(type, message, attributes ?? {});
}

function explain(error: BasicError): Problem {
    const _ = cockpit.gettext;
    if (error.problem === "access-denied") return new Problem("NoAnswer", _("Administrative access is required."));
    if (error.problem === "not-found")
        return new Problem("NoAnswer", cockpit.format(_("$0 is missing: install cockpit-getmail again."), folder));
    return new Problem("NoAnswer", error.message);
}
