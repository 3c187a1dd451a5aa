// SPDX-License-Identifier: LGPL-2.1-or-later
/** Boot: the theme, the language, the page. */
import cockpit from "cockpit";
import { createRoot } from "react-dom/client";
import * as api from "./api";
import { App } from "./app";
import { language } from "./format";
import { followTheme } from "./theme";

const early = api.list();
// Whoever waits for it is told.
early.catch(() => undefined);
followTheme();
document.documentElement.lang = language();
document.documentElement.dir = cockpit.language_direction ?? "ltr";
document.title = cockpit.gettext("Mail connectors");
const place = document.getElementById("app");
if (place) createRoot(place).render(<App early={early} />);
