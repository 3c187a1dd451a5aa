// SPDX-License-Identifier: LGPL-2.1-or-later
/** Times, sizes and numbers as the person's language writes them. */
import cockpit from "cockpit";

/** Return the language as browsers name it: pt_BR is pt-BR. */
export function language(): string {
    return (cockpit.language ?? "en").replace("_", "-");
}

export function formatNumber(value: number): string {
    return new Intl.NumberFormat(language()).format(value);
}

/** Return a number for an axis, where there is little room. */
export function formatShortNumber(value: number): string {
    const notation = value < 10_000 ? "standard" : "compact";
    return new Intl.NumberFormat(language(), { notation }).format(value);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function formatBytes(value: number): string {
    const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), UNITS.length - 1);
    const unit = UNITS[power] ?? "byte";
    const text = new Intl.NumberFormat(language(), {
        style: "unit",
        unit,
        unitDisplay: power ? "short" : "long",
        maximumFractionDigits: power ? 1 : 0,
    }).format(value / 1000 ** power);
    // "6 kB" would become "kB 6" among words of the other direction.
    return cockpit.language_direction === "rtl" ? isolate(text) : text;
}

/** Return a date and time in full; `seconds` since 1970. */
export function formatTime(seconds: number): string {
    return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "medium" }).format(seconds * 1000);
}

/** Return the time of a day alone, each as long as any other. */
export function formatClock(seconds: number): string {
    return new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(
        seconds * 1000,
    );
}

export function formatDay(day: string): string {
    return new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(new Date(`${day}T12:00:00`));
}

/** Return a day as short as it can be told apart within a year. */
export function formatShortDay(day: string): string {
    return new Intl.DateTimeFormat(language(), { day: "numeric", month: "short" }).format(new Date(`${day}T12:00:00`));
}

const LENGTHS = [
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
] as const;

/** Return how long something took, by its two largest units: "1 hr, 5 min". */
export function formatDuration(seconds: number): string {
    let left = Math.max(0, Math.round(seconds));
    const parts: string[] = [];
    for (const [unit, length] of LENGTHS) {
        const count = Math.floor(left / length);
        left %= length;
        if (parts.length < 2 && (count || (unit === "second" && !parts.length)))
            parts.push(new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "short" }).format(count));
    }
    return new Intl.ListFormat(language(), { style: "narrow", type: "unit" }).format(parts);
}

/** Return text that keeps its own direction within a sentence of another. */
export function isolate(text: string): string {
    return `\u2068${text}\u2069`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
];

/** Return how far a time is from now: "5 minutes ago", "in 2 hours". */
export function formatRelative(seconds: number, now: number): string {
    const distance = Math.round(seconds - now);
    const [unit, length] = STEPS.find(([, step]) => Math.abs(distance) >= step) ?? ["second", 1];
    const text = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
    return text.format(Math.trunc(distance / length), unit);
}

/** Return the day of a time where the person is, YYYY-MM-DD; `seconds` since 1970. */
export function localDay(seconds: number): string {
    const date = new Date(seconds * 1000);
    const two = (value: number) => String(value).padStart(2, "0");
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Return the last `count` days up to that of `now`, the oldest first. */
export function lastDays(count: number, now: number): string[] {
    const date = new Date(now * 1000);
    return Array.from({ length: count }, (_, index) =>
        // At noon, so that a day of 23 hours is not left out.
        localDay(new Date(date.getFullYear(), date.getMonth(), date.getDate() - count + 1 + index, 12).getTime() / 1000),
    );
}
