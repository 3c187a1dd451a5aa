// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import cockpit, { type BasicError } from "cockpit";
import { beforeAll, expect, test, vi } from "vitest";
import type * as Helpers from "../src/helpers";

let helpers: typeof Helpers;

beforeAll(async () => {
    document.head.innerHTML = '<meta name="libexecdir" content="/usr/libexec/cockpit-getmail">';
    helpers = await import("../src/helpers");
});

const FAILED: BasicError = { problem: null, message: "read exited with code 1", exit_status: 1 };

/** Let the next process end so; return what it gets on its input. */
function ends(output: string | null, error?: BasicError) {
    const input = vi.fn();
    const process = {
        input: (data: string) => {
            input(data);
            return process;
        },
        close: () => undefined,
        then: (done: (output: string) => void, failed: (error: BasicError, output: string | null) => void) =>
            error ? failed(error, output) : done(output ?? ""),
    };
    vi.mocked(cockpit.spawn).mockReturnValueOnce(process);
    return input;
}

test("an answer is what was written", async () => {
    const input = ends('{"version": "1"}');
    await expect(helpers.call("read", { action: "info" })).resolves.toEqual({ version: "1" });
    expect(cockpit.spawn).toHaveBeenLastCalledWith(["/usr/libexec/cockpit-getmail/read"], {
        superuser: "require",
        err: "message",
    });
    expect(input).toHaveBeenCalledWith('{"action":"info"}');
});

test("an input, which may have a password, is no argument", async () => {
    ends("{}");
    await helpers.call("create", { Password: "secret-1" });
    expect(JSON.stringify(vi.mocked(cockpit.spawn).mock.lastCall)).not.toContain("secret-1");
});

test("faults come with what they are about", async () => {
    const faults = [{ parameter: "Server", error: "required" }];
    ends(JSON.stringify({ type: "ValidationError", message: "no", attributes: faults }), FAILED);
    await expect(helpers.call("create", {})).rejects.toMatchObject({
        constructor: helpers.Problem,
        type: "ValidationError",
        message: "no",
        faults,
        details: {},
    });
});

test("a problem that is told beats that the process failed", async () => {
    const attributes = { cause: "tls", untrusted: true, fingerprint: "ab" };
    ends(JSON.stringify({ type: "ConnectionImpossible", message: "no trust", attributes }), FAILED);
    await expect(helpers.call("read", {})).rejects.toMatchObject({
        type: "ConnectionImpossible",
        message: "no trust",
        details: attributes,
        faults: [],
    });
});

test.each([
    ["access-denied", "Administrative access is required."],
    ["not-found", "/usr/libexec/cockpit-getmail is missing: install cockpit-getmail again."],
    ["terminated", "the process died"],
    [null, "the process died"],
])("without an answer, %s is explained", async (problem, message) => {
    ends(problem ? null : "", { problem, message: "the process died" });
    await expect(helpers.call("read", {})).rejects.toMatchObject({ type: "NoAnswer", message, details: {}, faults: [] });
});

test("an answer that is not JSON is no answer", async () => {
    ends(`Traceback${"!".repeat(1000)}`);
    await expect(helpers.call("read", {})).rejects.toMatchObject({ type: "NoAnswer", message: /^Traceback!{191}$/ });
});

test.each([null, "", "null", "1", "[]", "{", '"text"', '{"type": "X"}', '{"type": 1, "message": "m"}'])(
    "%s tells of no problem",
    (output) => expect(helpers.parseProblem(output)).toBeUndefined(),
);

test("a problem needs no attributes", () => {
    const problem = helpers.parseProblem('{"type": "NotFound", "message": "gone", "attributes": null}');
    expect(problem).toMatchObject({ type: "NotFound", details: {}, faults: [] });
});
