// SPDX-License-Identifier: LGPL-2.1-or-later
import { defineConfig } from "vitest/config";

export default defineConfig({
    test: { include: ["test/**/*.test.{ts,tsx}"], setupFiles: ["test/cockpit.ts"] },
});
