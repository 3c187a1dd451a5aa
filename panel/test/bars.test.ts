// SPDX-License-Identifier: LGPL-2.1-or-later
import { expect, test } from "vitest";
import { bars } from "../src/bars";

test("bars fill the field and keep their order", () => {
    expect(bars([1, 2, 4], 30, 40)).toEqual([
        { x: 1, y: 30, width: 8, height: 10 },
        { x: 11, y: 20, width: 8, height: 20 },
        { x: 21, y: 0, width: 8, height: 40 },
    ]);
});

test("what is not zero is seen", () => {
    const [small, none] = bars([1, 0, 1_000_000], 30, 40);
    expect(small).toMatchObject({ y: 39, height: 1 });
    expect(none).toMatchObject({ y: 40, height: 0 });
});

test("a larger scale makes smaller bars", () => {
    expect(bars([5], 10, 40, 10)[0]).toMatchObject({ y: 20, height: 20 });
});

test("nothing, or zeros only, are no trouble", () => {
    expect(bars([], 10, 10)).toEqual([]);
    expect(bars([0, 0], 10, 10).map(({ height }) => height)).toEqual([0, 0]);
});
