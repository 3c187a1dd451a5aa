// SPDX-License-Identifier: LGPL-2.1-or-later
/** How far a sign-in is. Nothing here asks or shows. */
import type { Authorization, Progress } from "../api";

/** From being asked for to its end; `begin`: how to sign in is not known yet. */
export type Stage = "begin" | "code" | "address" | "done" | "expired" | "failed";

export interface Consent {
    authorization: Authorization | undefined;
    progress: Progress | undefined;
}

/** Return how far it is; `now` is seconds since 1970. */
export function stageOf({ authorization, progress }: Consent, now: number): Stage {
    if (progress?.statusCode === "succeeded") return "done";
    if (!authorization) return progress && progress.statusCode !== "running" ? "failed" : "begin";
    if (progress && progress.statusCode !== "running") return authorization.expires <= now ? "expired" : "failed";
    // By this clock alone nothing expires: it may be ahead of the machine's.
    return authorization.code === undefined ? "address" : "code";
}

/** Return how long something lasts still, as a clock shows it: 14:05. */
export function formatCountdown(seconds: number): string {
    const left = Math.max(0, Math.ceil(seconds));
    const minutes = Math.floor(left / 60);
    const two = (value: number) => String(value).padStart(2, "0");
    if (minutes < 60) return `${minutes}:${two(left % 60)}`;
    return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(left % 60)}`;
}

/** Whether an address may be opened in a browser: a provider's answer is not trusted to be one. */
export function isWebAddress(address: string): boolean {
    try {
        return ["https:", "http:"].includes(new URL(address).protocol);
    } catch {
        return false;
    }
}
