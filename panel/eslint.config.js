// SPDX-License-Identifier: LGPL-2.1-or-later
import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

const UNTRANSLATED = "People read this: it has to be translated.";
/** Attributes of elements and of PatternFly's components that people read or hear. */
const READ = "/^(alt|label|placeholder|title|aria-(label|description|roledescription|valuetext)|.*(Text|AriaLabel|Label))$/";
/** An example of an address or a path is the same in each language. */
const WORDS = "[value=/[A-Za-z]/]:not([value=/^[a-z:]*[.\\x2f]\\S*$/])";
/** Where a text of one's own stands: by itself, or chosen by a condition. */
const OWN_TEXT = [
    "> Literal[value=/[A-Za-z]{2}/]",
    "> :matches(ConditionalExpression, LogicalExpression) > Literal[value=/[A-Za-z]{2}/]",
    "> TemplateLiteral > TemplateElement[value.raw=/[A-Za-z]{2}/]",
];

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
            "no-restricted-imports": [
                "error",
                {
                    name: "@patternfly/react-core",
                    importNames: ["Alert", "Modal"],
                    message: "These speak English; src/patternfly.tsx has them in the person's language.",
                },
            ],
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
                { selector: "JSXText[value=/[A-Za-z]/]", message: UNTRANSLATED },
                { selector: `JSXAttribute[name.name=${READ}] > Literal${WORDS}`, message: UNTRANSLATED },
                ...OWN_TEXT.flatMap((text) => [
                    {
                        selector: `:matches(JSXElement, JSXFragment) > JSXExpressionContainer ${text}`,
                        message: UNTRANSLATED,
                    },
                    {
                        selector: `JSXAttribute[name.name=${READ}] > JSXExpressionContainer ${text}`,
                        message: UNTRANSLATED,
                    },
                ]),
            ],
        },
    },
    // A function that a test has put there is no method, and nobody reads what it shows.
    { files: ["test/**"], rules: { "@typescript-eslint/unbound-method": "off", "no-restricted-syntax": "off" } },
    { files: ["*.js"], languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } } },
);
