// SPDX-License-Identifier: LGPL-2.1-or-later
import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
    { ignores: ["dist/", "dist.new/", "node_modules/"] },
    js.configs.recommended,
    {
        files: ["src/**/*.{ts,tsx}", "test/**/*.{ts,tsx}"],
        extends: [
            ...ts.configs.strictTypeChecked,
            ...ts.configs.stylisticTypeChecked,
            a11y.flatConfigs.strict,
            hooks.configs.flat.recommended,
        ],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        rules: {
            "no-console": "error",
            // React's handlers take any function.
            "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
            "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
            "no-restricted-syntax": [
                "error",
                {
                    selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
                    message: "What a server says is shown as text.",
                },
                {
                    selector: "CallExpression[callee.name='_'] > :not(Literal).arguments",
                    message: "Only a literal can be found by who translates.",
                },
            ],
        },
    },
    { files: ["*.js"], languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } } },
);
