/** What proxyd's and the broker's notices are in the person's language. No DOM here. */
import type { Notice } from "../connection.ts";
import { type Key, language, t } from "../strings.ts";

const TEXTS = new Map<string, Key>([
  ["clipboard-cut", "notice.clipboardCut"],
  ["ended-away", "notice.endedAway"],
  ["gateway-asks", "notice.gatewayAsks"],
  ["recording-stopped", "notice.recordingStopped"],
  ["restarting", "notice.restarting"],
  ["resumed", "notice.resumed"],
  ["way-lost", "notice.wayLost"],
]);
/** Notices that somebody shall still see who looked away: there is something to do. */
const LASTING = new Set(["restarting"]);
const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;
/** Whoever was away for less than this knows it. */
const SHORT_S = 60;

/** The sentence for a notice; null for one that is not known. */
export function noticeText({ word, seconds }: Notice): string | null {
  const key = word === "resumed" && seconds >= SHORT_S ? "notice.resumedAfter" : TEXTS.get(word);
  return key === undefined ? null : t(key, { time: timeSpan(seconds) });
}

/** Whether a notice shall stay for a while. */
export function isLasting({ word }: Notice): boolean {
  return LASTING.has(word);
}

/** A span of time in the largest unit that is in it: "12 minutes". */
export function timeSpan(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS[3];
  const style = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 } as const;
  return new Intl.NumberFormat(language(), style).format(Math.floor(seconds / size));
}
