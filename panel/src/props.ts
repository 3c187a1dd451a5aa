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

/** Whether a retriever is one of POP3, of which old databases hold more than today's. */
export function isPop3(retriever: string | undefined): boolean {
    return retriever?.includes("POP3") === true;
}

const MEGABYTE = 1_000_000;

/** Return a number of octets in megabytes, as it is typed; what is none, as it is. */
export function megabytesOf(octets: string | undefined): string {
    return octets && /^\d{1,12}$/.test(octets) ? String(Number(octets) / MEGABYTE) : (octets ?? "");
}

/** Return typed megabytes as a number of octets; what is none, as it is: helpers refuse it. */
export function octetsOf(megabytes: string): string {
    const text = megabytes.trim().replace(",", ".");
    return /^(\d+\.?\d*|\.\d+)$/.test(text) ? String(Math.round(Number(text) * MEGABYTE)) : text;
}

/** How a connector logs in: no prop says so, but those that are there. */
export type Way = "password" | "oauth2" | "file" | "command";

export function wayOf(props: Record<string, string>): Way {
    if (props.Provider) return "oauth2";
    if (props.PasswordFile) return "file";
    return props.PasswordCommand ? "command" : "password";
}

/** Whether a connector lives on what a person allows by signing in. */
export function takesSignIn({ Provider, Grant = "" }: Record<string, string>): boolean {
    return !!Provider && ["", "refresh"].includes(Grant);
}

/** Whether nobody has signed in yet for a connector that takes that. */
export function needsSignIn(props: Record<string, string>): boolean {
    return takesSignIn(props) && props.RefreshToken === undefined;
}
