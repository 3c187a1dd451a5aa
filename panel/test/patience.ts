// SPDX-License-Identifier: LGPL-2.1-or-later
import { configure } from "@testing-library/react";

// A busy machine shows a whole page slowly.
configure({ asyncUtilTimeout: 30_000 });
