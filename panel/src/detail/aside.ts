// SPDX-License-Identifier: LGPL-2.1-or-later
/** Messages set aside, told apart and worked through. */
import type { SetAside } from "../api";

/** Return what tells a message from all others of its connector. */
export function identify({ folder, uid }: SetAside): string {
    return `${folder}\n${uid}`;
}

/** Do it to one after the other, as long as it is wanted; try all, then throw what the first failure was. */
export async function oneByOne<Item>(
    items: Item[],
    action: (item: Item) => Promise<unknown>,
    isWanted = () => true,
): Promise<void> {
    const problems: unknown[] = [];
    for (const item of items) {
        if (!isWanted()) break;
        await action(item).catch((problem: unknown) => problems.push(problem));
    }
    if (problems.length) throw problems[0];
}
