// SPDX-License-Identifier: LGPL-2.1-or-later
// Make of the sources what Cockpit serves: dist/, all of it, nothing else from anywhere.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync, copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { translations } from "./translations.js";

const LIMIT = 700 * 1024;
const here = fileURLToPath(new URL(".", import.meta.url));
const finished = join(here, "dist");
const dist = join(here, "dist.new");

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

/**
 * PatternFly's index pulls in the styles of all its components, five times what is needed: they are left out here,
 * and those of the components that are in the script make the style sheet afterwards.
 */
const componentStyles = {
    name: "component-styles",
    setup(build) {
        build.onResolve({ filter: /\.css$/ }, ({ importer }) =>
            importer.includes("react-styles") ? { path: importer, namespace: "left-out" } : undefined,
        );
        build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "" }));
    },
};

const common = {
    absWorkingDir: here,
    outdir: dist,
    bundle: true,
    minify: true,
    assetNames: "[name]-[hash]",
    target: ["chrome90", "firefox90", "safari15"],
    logLevel: "warning",
};

const script = {
    ...common,
    entryPoints: ["src/index.tsx"],
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    legalComments: "linked",
    metafile: true,
    plugins: [cockpit, componentStyles],
};

/** Return the style sheet for a script: PatternFly's base, its components', ours. */
function sheet(metafile) {
    const { inputs } = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === "src/index.tsx");
    const components = Object.keys(inputs)
        .filter((path) => /react-styles\/css\/.*\.m?js$/.test(path) && inputs[path].bytesInOutput > 0)
        .map((path) => path.replace(/\.m?js$/, ".css"))
        .sort();
    const contents = ["@patternfly/react-core/dist/styles/base.css", ...components.map((path) => `./${path}`), "./src/styles.css"];
    return {
        ...common,
        stdin: { contents: contents.map((path) => `@import "${path}";`).join("\n"), resolveDir: here, loader: "css" },
        outdir: undefined,
        outfile: join(dist, "index.css"),
        loader: { ".woff2": "file" },
        plugins: [styles],
    };
}

function copy() {
    for (const name of ["index.html", "manifest.json"]) copyFileSync(join(here, name), join(dist, name));
    for (const [name, code] of Object.entries(translations(join(here, "../po")))) writeFileSync(join(dist, name), code);
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
const { metafile } = await esbuild.build(script);
await esbuild.build(sheet(metafile));
weigh();
// A build that fails leaves the last one.
rmSync(finished, { recursive: true, force: true });
renameSync(dist, finished);
