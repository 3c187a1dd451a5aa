// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import type { Authorization, Progress } from "../src/api";
import { formatCountdown, isWebAddress, stageOf } from "../src/dialogs/consent";

const NOW = 1_000_000;
const withCode: Authorization = { token: "1", address: "https://id.example/device", code: "ABCD-EFGH", expires: NOW + 60 };
const withAddress: Authorization = { token: "1", address: "https://id.example/auth", expires: NOW + 60 };

function progress(statusCode: Progress["statusCode"]): Progress {
    const nothing = { percentProgress: null, statusText: null, logOutput: null, result: null, error: null };
    return { token: "1", statusVersion: 1, statusCode, ...nothing };
}

test("a sign-in goes from the question to its end", () => {
    expect(stageOf({ authorization: undefined, progress: undefined }, NOW)).toBe("begin");
    expect(stageOf({ authorization: withCode, progress: undefined }, NOW)).toBe("code");
    expect(stageOf({ authorization: withAddress, progress: progress("running") }, NOW)).toBe("address");
    expect(stageOf({ authorization: withCode, progress: progress("succeeded") }, NOW)).toBe("done");
});

test("who is too late is told so, once the machine says so too", () => {
    const late = NOW + 61;
    expect(stageOf({ authorization: withCode, progress: progress("running") }, late)).toBe("code");
    expect(stageOf({ authorization: withCode, progress: progress("failed") }, late)).toBe("expired");
    expect(stageOf({ authorization: withCode, progress: progress("succeeded") }, late)).toBe("done");
});

test("what the provider refused is a failure", () => {
    expect(stageOf({ authorization: withCode, progress: progress("failed") }, NOW)).toBe("failed");
    expect(stageOf({ authorization: withAddress, progress: progress("cancelled") }, NOW)).toBe("failed");
});

test.each([
    [905, "15:05"],
    [59.2, "1:00"],
    [9, "0:09"],
    [0, "0:00"],
    [-3, "0:00"],
    [3661, "1:01:01"],
])("%d seconds are %s", (seconds, text) => expect(formatCountdown(seconds)).toBe(text));

test("only an address of the web is opened", () => {
    expect(isWebAddress("https://id.example/device?a=b")).toBe(true);
    expect(isWebAddress("http://127.0.0.1:8080/")).toBe(true);
    for (const address of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "id.example", ""])
        expect(isWebAddress(address)).toBe(false);
});
