// SPDX-License-Identifier: LGPL-2.1-or-later
/** Cockpit's library where there is no Cockpit: untranslated. */
import { vi } from "vitest";

vi.mock("cockpit", () => ({
    default: {
        gettext: (text: string) => text,
        ngettext: (one: string, many: string, count: number) => (count === 1 ? one : many),
        format: (text: string, ...values: (string | number)[]) =>
            text.replace(/\$(\d)/g, (_, index: string) => String(values[Number(index)])),
    },
}));
