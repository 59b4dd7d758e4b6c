import { defineConfig } from "vitest/config";

const here = (path: string) => new URL(path, import.meta.url).pathname;

export default defineConfig({
  // Chunks find each other relative to themselves: the page works under any base path.
  base: "./",
  build: {
    manifest: "manifest.json",
    rolldownOptions: { input: "src/main.ts" },
    target: "es2023",
  },
  server: { fs: { allow: [here("..")] } },
  test: {
    dir: "../tests/webapp",
    environment: "jsdom",
    restoreMocks: true,
    alias: {
      "guacamole-common-js": here("node_modules/guacamole-common-js/dist/esm/guacamole-common.js"),
    },
  },
});
