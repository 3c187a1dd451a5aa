// SPDX-License-Identifier: LGPL-2.1-or-later
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
    resolve: { alias: { cockpit: fileURLToPath(new URL("test/cockpit.ts", import.meta.url)) } },
    // A busy machine shows a whole page slowly.
    test: { include: ["test/**/*.test.{ts,tsx}"], testTimeout: 60_000 },
});
