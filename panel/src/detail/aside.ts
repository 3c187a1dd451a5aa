// SPDX-License-Identifier: LGPL-2.1-or-later
/** Messages set aside, told apart and worked through. */
import cockpit from "cockpit";
import type { SetAside } from "../api";
import { Problem } from "../helpers";

/** Return what tells a message from all others of its connector. */
export function identify({ folder, uid }: SetAside): string {
    return `${folder}\n${uid}`;
}

/** Retry or skip one after the other, as long as it is wanted; try all, then throw what the first failure was. */
export async function oneByOne(
    name: string,
    messages: SetAside[],
    action: (name: string, folder: string, uid: string) => Promise<number>,
    isWanted = () => true,
): Promise<void> {
    const problems: unknown[] = [];
    for (const { folder, uid } of messages) {
        if (!isWanted()) break;
        try {
            if (!(await action(name, folder, uid))) throw noLonger(uid);
        } catch (problem) {
            problems.push(problem);
        }
    }
    if (problems.length) throw problems[0];
}

function noLonger(uid: string): Problem {
    return new Problem("NotFound", cockpit.format(cockpit.gettext("Message $0 is no longer set aside."), uid));
}
