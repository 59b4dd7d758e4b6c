/** Gateways before instances: where the person is signed in, and signing out there. */
import { type Grant, request } from "./api.ts";
import { isRecord } from "./json.ts";

/** A login at a gateway, which every session behind it uses. */
export interface GatewayLogin {
  id: string;
  gateway: string;
  sessions: number;
  since: Date;
}

/** The person's logins; none where the broker does not tell. */
export async function listGateways(grant: Grant): Promise<GatewayLogin[]> {
  const headers = { "Guacamole-Token": grant.token };
  const answer = await request("api/session/gateways", { headers }).catch(() => null);
  return (Array.isArray(answer) ? answer : []).filter(isRecord).map((row) => ({
    id: String(row.id),
    gateway: String(row.gateway),
    sessions: Number(row.sessions) || 0,
    since: new Date(Number(row.since) || 0),
  }));
}

/**
 * Sign out at a gateway: sessions behind it lose their way.
 *
 * @throws ApiError
 */
export async function leaveGateway(grant: Grant, id: string): Promise<void> {
  const headers = { "Guacamole-Token": grant.token };
  await request(`api/session/gateways/${encodeURIComponent(id)}`, { method: "DELETE", headers });
}
