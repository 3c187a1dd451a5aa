// SPDX-License-Identifier: LGPL-2.1-or-later
export default {
    extends: "stylelint-config-standard",
    rules: {
        // PatternFly's own names.
        "selector-class-pattern": null,
        "custom-property-pattern": null,
    },
};
