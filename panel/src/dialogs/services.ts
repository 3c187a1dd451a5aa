// SPDX-License-Identifier: LGPL-2.1-or-later
/** Where people sign in for OAuth2: a provider's own service, or another one. */
import cockpit from "cockpit";
import type { Form } from "./form";
import { providerOf } from "./providers";

export const SERVICES = ["google", "microsoft", "custom"] as const;
export type Service = (typeof SERVICES)[number];

/** Personal accounts only, as Microsoft calls that. */
const CONSUMERS = "consumers";

type Login = Pick<Form, "Way" | "Provider" | "Tenant">;

/** Return what is filled in to sign in for the mail of a provider. */
export function serviceOf(id: string): Pick<Form, "Provider" | "Tenant"> {
    return { Provider: providerOf(id)?.service ?? "custom", Tenant: id === "outlook" ? CONSUMERS : "" };
}

/** Return how one logs in at a provider: by OAuth2 where nothing else is accepted. */
export function chooseLogin(id: string, { Way }: Login): Login {
    const isOnly = providerOf(id)?.manners?.includes("oauth2") === true;
    return { ...serviceOf(id), Way: isOnly ? "oauth2" : Way === "oauth2" ? "password" : Way };
}

/** Return the fields of another service: what belongs to the one before is emptied. */
export function chooseService(Provider: string): Partial<Form> {
    return { Provider, Tenant: "", TokenUrl: "", AuthorizationUrl: "", DeviceUrl: "", RedirectUrl: "", Scope: "" };
}

export function serviceWord(service: string): string {
    const _ = cockpit.gettext;
    const words: Record<string, string> = { google: "Google", microsoft: "Microsoft", custom: _("Another service") };
    return words[service] ?? service;
}

/** Return where a client is registered. */
export function registrationOf(service: string): string | undefined {
    const pages: Record<string, string> = {
        google: "https://console.cloud.google.com/auth/clients",
        microsoft: "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade",
    };
    return pages[service];
}

/** Return what a client has to be. */
export function clientWords(service: string): string {
    const _ = cockpit.gettext;
    const words: Record<string, string> = {
        google: _("Of a client of the type “Desktop app” that you register at Google, with access to Gmail."),
        microsoft: _("Of an application that you register at Microsoft, with public client flows allowed and access to IMAP or POP."),
    };
    return words[service] ?? _("As the service gave it to this machine.");
}
