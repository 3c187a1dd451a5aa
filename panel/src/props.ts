// SPDX-License-Identifier: LGPL-2.1-or-later
/** What the stored text of a prop means, also in old databases: as runs take it. */

const NUMBER = /^\d{1,9}$/;
const USUAL_MINUTES = 30;

/** Return the minutes from run to run. */
export function minutesOf(time: string | undefined): number {
    return time !== undefined && NUMBER.test(time) ? Number(time) : USUAL_MINUTES;
}

/** Return after how many days mail is deleted at the provider; null is never. */
export function deletionDaysOf(deletion: string | undefined): number | null {
    return deletion !== undefined && NUMBER.test(deletion) ? Number(deletion) : null;
}

/** Return a fingerprint as people compare it and programs show it: AB:CD… */
export function formatFingerprint(digits: string): string {
    return (digits.replaceAll(":", "").toUpperCase().match(/../g) ?? []).join(":");
}
