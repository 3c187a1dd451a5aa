// SPDX-License-Identifier: LGPL-2.1-or-later
// Make of the sources what Cockpit serves: dist/, all of it, nothing else from anywhere.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync, copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { translations } from "./translations.js";

const LIMIT = 700 * 1024;
const here = fileURLToPath(new URL(".", import.meta.url));
const dist = join(here, "dist");

/** Cockpit's own library is there before the page's. */
const cockpit = {
    name: "cockpit",
    setup(build) {
        build.onResolve({ filter: /^cockpit$/ }, () => ({ path: "cockpit", namespace: "cockpit" }));
        build.onLoad({ filter: /.*/, namespace: "cockpit" }, () => ({ contents: "module.exports = window.cockpit" }));
    },
};

/** Of PatternFly's fonts the upright ones: nothing here is in italics, icons are drawn, and no theme of glass is there. */
const styles = {
    name: "styles",
    setup(build) {
        build.onLoad({ filter: /react-core\/dist\/styles\/base\.css$/ }, ({ path }) => ({
            contents: readFileSync(path, "utf8")
                .replace(/@font-face\s*{[^}]*}/g, (rule) => (/RedHat(Text|Display|Mono)VF\.woff2/.test(rule) ? rule : ""))
                .replace(/url\("[^"]*\.svg"\)/g, "none"),
            loader: "css",
        }));
    },
};

const options = {
    absWorkingDir: here,
    entryPoints: ["src/index.tsx"],
    outdir: dist,
    bundle: true,
    minify: true,
    format: "esm",
    splitting: true,
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    target: ["chrome90", "firefox90", "safari15"],
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    loader: { ".woff2": "file" },
    legalComments: "linked",
    logLevel: "warning",
    plugins: [cockpit, styles],
};

function copy() {
    for (const name of ["index.html", "manifest.json"]) copyFileSync(join(here, name), join(dist, name));
    for (const [language, code] of Object.entries(translations(join(here, "../po"))))
        writeFileSync(join(dist, `po.${language}.js`), code);
}

function weigh() {
    const sizes = readdirSync(dist)
        .filter((name) => !name.endsWith(".LEGAL.txt"))
        .map((name) => [gzipSync(readFileSync(join(dist, name)), { level: 9 }).length, basename(name)]);
    const total = sizes.reduce((sum, [size]) => sum + size, 0);
    console.log(`dist: ${Math.round(total / 1024)} KiB compressed`);
    if (total > LIMIT) {
        for (const [size, name] of sizes.sort((a, b) => b[0] - a[0])) console.error(`${size}\t${name}`);
        throw new Error(`more than ${LIMIT / 1024} KiB`);
    }
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
copy();
if (process.argv.includes("--watch")) await (await esbuild.context(options)).watch();
else {
    await esbuild.build(options);
    weigh();
}
