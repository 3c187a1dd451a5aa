// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from "vitest";
import { followTheme } from "../src/theme";

const DARK = "pf-v6-theme-dark";
const root = document.documentElement;
const system = Object.assign(new EventTarget(), { matches: false });

beforeEach(() => {
    localStorage.clear();
    system.matches = false;
    window.matchMedia = vi.fn((query) => {
        expect(query).toBe("(prefers-color-scheme: dark)");
        return system as unknown as MediaQueryList;
    });
    root.className = "its-own";
});

test.each([
    [null, false, false],
    [null, true, true],
    ["auto", true, true],
    ["auto", false, false],
    ["light", true, false],
    ["dark", false, true],
])("chosen %s, system dark %s: dark %s", (chosen, matches, dark) => {
    if (chosen) localStorage.setItem("shell:style", chosen);
    system.matches = matches;
    followTheme();
    expect(root.classList.contains(DARK)).toBe(dark);
    expect(root.classList.contains("its-own")).toBe(true);
});

test("what is chosen in another frame is followed", () => {
    followTheme();
    localStorage.setItem("shell:style", "dark");
    window.dispatchEvent(new StorageEvent("storage", { key: "other" }));
    expect(root.classList.contains(DARK)).toBe(false);
    window.dispatchEvent(new StorageEvent("storage", { key: "shell:style" }));
    expect(root.classList.contains(DARK)).toBe(true);
});

test("an emptied storage is followed", () => {
    localStorage.setItem("shell:style", "dark");
    followTheme();
    localStorage.clear();
    window.dispatchEvent(new StorageEvent("storage", { key: null }));
    expect(root.classList.contains(DARK)).toBe(false);
});

test("what the shell tells is followed", () => {
    followTheme();
    window.dispatchEvent(new CustomEvent("cockpit-style", { detail: { style: "dark" } }));
    expect(root.classList.contains(DARK)).toBe(true);
    window.dispatchEvent(new CustomEvent("cockpit-style", { detail: { style: "auto" } }));
    expect(root.classList.contains(DARK)).toBe(false);
});

test("the system is followed, unless a person chose", () => {
    followTheme();
    system.matches = true;
    system.dispatchEvent(new Event("change"));
    expect(root.classList.contains(DARK)).toBe(true);
    localStorage.setItem("shell:style", "light");
    system.dispatchEvent(new Event("change"));
    expect(root.classList.contains(DARK)).toBe(false);
});
