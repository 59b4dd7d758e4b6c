// guacamole-lite as its manual starts it, on a free loopback port that it prints: gateway.cjs GUACD_PORT KEY
const http = require("node:http");
const GuacamoleLite = require("guacamole-lite");

const [guacdPort, key] = process.argv.slice(2);
const server = http.createServer();
new GuacamoleLite(
  { server },
  { host: "127.0.0.1", port: Number(guacdPort) },
  { crypt: { cypher: "AES-256-CBC", key }, log: { level: "ERRORS" } },
);
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
