// @vitest-environment jsdom
/** Tickets of every kind that a portal's backend mints. */
import { expect, test } from "vitest";
import { parametersOf } from "../../webapp/src/embedded.ts";

test.each([
  ["https://desk.example/guacamole/connect?jwt=a.b.c", { jwt: "a.b.c" }],
  ["https://desk.example/guacamole/#/client/abc?token=0A1B", { token: "0A1B" }],
  ["https://desk.example/guacamole/#/?key=k", { key: "k" }],
  ["eyJh.eyJp.c2ln_-", { jwt: "eyJh.eyJp.c2ln_-" }],
  ["timestamp=1&signature=a%2Bb", { timestamp: "1", signature: "a+b" }],
])("%s", (ticket, parameters) => {
  expect(Object.fromEntries(parametersOf(ticket))).toEqual(parameters);
});
