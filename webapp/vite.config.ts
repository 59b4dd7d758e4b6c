import { readdirSync, readFileSync } from "node:fs";
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

export default defineConfig({
  // Chunks find each other relative to themselves: the page works under any base path.
  base: "./",
  plugins: [namedFiles],
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
