import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string) => new URL(path, import.meta.url).pathname;

/** Files that keep their names: the broker reads them, templates name them, extensions may replace them. */
const namedFiles: Plugin = {
  name: "named-files",
  generateBundle() {
    const catalogues = readdirSync(here("translations")).map((name) => `translations/${name}`);
    for (const fileName of [...catalogues, "images/logo.svg"]) {
      this.emitFile({ type: "asset", fileName, source: readFileSync(here(fileName)) });
    }
  },
};

/** Beside each text lies a packed one: the broker sends it to browsers that take it. */
const packedFiles: Plugin = {
  name: "packed-files",
  writeBundle({ dir }, bundle) {
    for (const name of Object.keys(bundle).filter((name) => /\.(css|js|json|svg)$/.test(name))) {
      const text = readFileSync(`${dir}/${name}`);
      writeFileSync(`${dir}/${name}.br`, brotliCompressSync(text));
      writeFileSync(`${dir}/${name}.gz`, gzipSync(text, { level: 9 }));
    }
  },
};

export default defineConfig({
  // Chunks find each other relative to themselves: the page works under any base path.
  base: "./",
  plugins: [namedFiles, packedFiles],
  build: {
    manifest: "manifest.json",
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      input: ["src/main.ts", "src/operator.ts", "src/embed.ts"],
      // Portals' pages name the last one.
      output: {
        entryFileNames: ({ name }) => (name === "embed" ? "embed.js" : "assets/[name]-[hash].js"),
      },
    },
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
  },
  server: { fs: { allow: [here("..")] } },
  test: {
    dir: "../tests/webapp",
    restoreMocks: true,
    alias: {
      "guacamole-common-js": here("node_modules/guacamole-common-js/dist/esm/guacamole-common.js"),
    },
  },
});
