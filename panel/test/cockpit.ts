// SPDX-License-Identifier: LGPL-2.1-or-later
/** Cockpit's library where there is no Cockpit: untranslated, and doing what a test tells it to. */
import { vi } from "vitest";

const events = new EventTarget();

export default {
    hidden: false,
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
    dispatchEvent: events.dispatchEvent.bind(events),
    gettext: (...texts: string[]) => texts.at(-1),
    ngettext: (one: string, many: string, count: number) => (count === 1 ? one : many),
    format: (text: string, ...values: (string | number)[]) =>
        text.replace(/\$(\d)/g, (_, index: string) => String(values[Number(index)])),
    spawn: vi.fn(),
    permission: vi.fn(),
};
