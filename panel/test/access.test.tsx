// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { act, cleanup, render, renderHook, screen } from "@testing-library/react";
import cockpit from "cockpit";
import { afterEach, expect, test, vi } from "vitest";
import { LimitedAccess, useAccess } from "../src/access";

afterEach(cleanup);

class Permission extends EventTarget {
    allowed: boolean | null = null;
    readonly close = vi.fn();

    become(allowed: boolean) {
        this.allowed = allowed;
        this.dispatchEvent(new Event("changed"));
    }
}

function ask() {
    const permission = new Permission();
    vi.mocked(cockpit.permission).mockReturnValueOnce(permission);
    return { permission, ...renderHook(useAccess) };
}

test("access is unknown until Cockpit knows it", () => {
    const { permission, result } = ask();
    expect(result.current).toBeNull();
    act(() => permission.become(true));
    expect(result.current).toBe(true);
});

test("access that is given up, or gained, is noticed", () => {
    const { permission, result } = ask();
    act(() => permission.become(false));
    expect(result.current).toBe(false);
    act(() => permission.become(true));
    act(() => permission.become(false));
    expect(result.current).toBe(false);
});

test("what is asked of Cockpit is ended with the page", () => {
    const { permission, result, unmount } = ask();
    unmount();
    expect(permission.close).toHaveBeenCalledOnce();
    permission.become(true);
    expect(result.current).toBeNull();
});

test("limited access is explained in Cockpit's words", () => {
    render(<LimitedAccess />);
    expect(screen.getByRole("heading", { name: "Administrative access required" })).toBeTruthy();
    expect(document.body.textContent).toContain("“Limited access”");
});
