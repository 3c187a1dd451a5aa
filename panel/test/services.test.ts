// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import { OTHER } from "../src/dialogs/providers";
import { SERVICES, chooseLogin, chooseService, clientWords, registrationOf, serviceOf, serviceWord } from "../src/dialogs/services";

const PASSWORD = { Way: "password", Provider: "", Tenant: "" } as const;

test("where passwords are refused one signs in, elsewhere nobody has to", () => {
    expect(chooseLogin("m365", PASSWORD)).toEqual({ Way: "oauth2", Provider: "microsoft", Tenant: "" });
    expect(chooseLogin("outlook", PASSWORD)).toEqual({ Way: "oauth2", Provider: "microsoft", Tenant: "consumers" });
    expect(chooseLogin("gmail", PASSWORD)).toEqual({ Way: "password", Provider: "google", Tenant: "" });
    expect(chooseLogin("gmx", chooseLogin("m365", PASSWORD)).Way).toBe("password");
    expect(chooseLogin("gmx", { ...PASSWORD, Way: "file" }).Way).toBe("file");
});

test("a server that nobody knows has a service of its own", () => {
    expect(serviceOf(OTHER)).toEqual({ Provider: "custom", Tenant: "" });
    expect(registrationOf("custom")).toBeUndefined();
});

test("another service has none of the addresses of the one before", () => {
    expect(chooseService("google")).toMatchObject({ Provider: "google", TokenUrl: "", Tenant: "", Scope: "" });
});

test("each service has words of its own", () => {
    for (const words of [serviceWord, clientWords])
        expect(new Set(SERVICES.map(words)).size).toBe(SERVICES.length);
});
