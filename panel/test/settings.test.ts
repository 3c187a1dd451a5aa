// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from "vitest";
import * as api from "../src/api";
import { Problem } from "../src/helpers";
import { convert, doneWords, reasonWords } from "../src/settings/convert";
import { describeServer } from "../src/settings/words";

vi.mock("../src/api");
beforeEach(() => vi.resetAllMocks());

const SETTINGS = {
    DESTINATION: "lmtp:unix:/run/lmtp",
    RECIPIENT_DELIMITER: "+",
    SPAM_REJECT: "drop",
    FILTER_TIMEOUT: 90,
    HISTORY_DAYS: 1,
    ALLOW_COMMANDS: true,
    ALLOW_TUNNEL: false,
    REMOTE_TIMEOUT: 60,
    CALLBACK_ALLOW_PRIVATE: false,
    ENCRYPT_SECRETS: true,
    SOMETHING_NEW: "x y",
};

function told(settings: api.Settings): Record<string, string> {
    const all = describeServer(settings).flatMap((part) => part.settings);
    return Object.fromEntries(all.map(({ name, text }) => [name, text.replace(/[\u2068\u2069]/g, "")]));
}

test("settings are told in plain words", () => {
    expect(told(SETTINGS)).toEqual({
        DESTINATION: "LMTP through the socket /run/lmtp",
        RECIPIENT_DELIMITER: "Part of the address, after +",
        SPAM_REJECT: "Dropped: not delivered",
        FILTER_TIMEOUT: "1 min 30 sec",
        HISTORY_DAYS: "1 day",
        ALLOW_COMMANDS: "Allowed",
        ALLOW_TUNNEL: "Not allowed",
        REMOTE_TIMEOUT: "1 min",
        CALLBACK_ALLOW_PRIVATE: "Not allowed",
        SOMETHING_NEW: "x y",
    });
});

test("what is not set has words as well", () => {
    const words = told({ RECIPIENT_DELIMITER: "", LMTP_CA_FILE: "", LMTP_TLS: "auto", SPAM_REJECT: "junk" });
    expect(Object.values(words).every(Boolean)).toBe(true);
});

test("all are converted, some at a time", async () => {
    vi.mocked(api.seal)
        .mockResolvedValueOnce({ secrets: 20, after: "m" })
        .mockResolvedValueOnce({ secrets: 3 });
    const done: number[] = [];
    const { secrets, problem } = await convert("seal", (count) => done.push(count), () => true);
    expect([secrets, problem, done]).toEqual([23, undefined, [20, 23]]);
    expect(vi.mocked(api.seal).mock.calls).toEqual([[undefined], ["m"]]);
});

test("what was not begun is left when it is no longer wanted", async () => {
    vi.mocked(api.unseal).mockResolvedValue({ secrets: 20, after: "m" });
    const wanted = [true, false];
    await convert("unseal", () => undefined, () => wanted.shift() ?? false);
    expect(api.unseal).toHaveBeenCalledTimes(2);
});

test("what does not open is named, and what went wrong too", async () => {
    const fail = (names: string, message: string) => names.split(" ").map((name) => ({ name, message }));
    const failed = [...fail("a b c d", "It does not open."), ...fail("x y", "It is broken.")];
    vi.mocked(api.unseal).mockResolvedValueOnce({ secrets: 1, after: "m", failed });
    vi.mocked(api.unseal).mockResolvedValueOnce({ secrets: 0, after: "n", failed: fail("n o p q", "It does not open.") });
    vi.mocked(api.unseal).mockRejectedValueOnce(new Problem("Conflict", "It is locked."));
    const met = await convert("unseal", () => undefined, () => true);
    expect(met.secrets).toBe(1);
    expect(reasonWords(met)).toEqual(["a, b, c, d, n and 3 more: It does not open.", "x, y: It is broken.", "It is locked."]);
});

test("what was done is counted", () => {
    expect(doneWords("seal", 1)).toBe("1 password or token was sealed");
    expect(doneWords("unseal", 20)).toBe("20 passwords and tokens were unsealed");
});
