// SPDX-License-Identifier: LGPL-2.1-or-later
/** Where the bars of a chart stand. */

export interface Bar {
    x: number;
    y: number;
    width: number;
    height: number;
}

/** What of its slot a bar leaves free. */
const GAP = 0.2;

/**
 * Return a bar a value, from left to right, standing at the bottom of a field of this size. The largest value is as
 * high as the field, or `most` is if it is larger; what is not zero is seen.
 */
export function bars(values: number[], width: number, height: number, most = 0): Bar[] {
    const largest = Math.max(most, ...values);
    const slot = width / Math.max(values.length, 1);
    return values.map((value, index) => {
        const tall = value > 0 ? Math.min(Math.max((value / largest) * height, 1), height) : 0;
        return { x: (index + GAP / 2) * slot, y: height - tall, width: (1 - GAP) * slot, height: tall };
    });
}
