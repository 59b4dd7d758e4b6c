/** Facts as an operator reads them: moments, durations, and the day as a line. No DOM here. */
import type { Row } from "./api.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Points of the line: one for five minutes. */
const POINTS = 288;
const HEIGHT = 40;

/** `14:02`, with the date where it is not today. */
export function moment(when: number, now: number): string {
  const date = new Date(when);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return date.toDateString() === new Date(now).toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

/** `40 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 86_400),
  ];
  if (hours === 0) {
    return `${minutes} min`;
  }
  return days === 0 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`;
}

/** Whether every word that was typed is part of some fact of the row. */
export function matches(row: Row, typed: string): boolean {
  const facts = Object.values(row).join(" ").toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => facts.includes(word));
}

/** How many sessions were open at each point of the last 24 hours. */
export function sessionsOverTheDay(rows: Row[], running: ReadonlySet<string>, now: number): number[] {
  const counts = new Array<number>(POINTS).fill(0);
  const at = (when: number) => Math.floor(((when - (now - DAY)) / DAY) * POINTS);
  for (const row of rows) {
    // A record without an end whose session does not run any more: its broker died, and nobody knows when.
    const end = row.end ?? (running.has(row.identifier) ? now : row.start);
    for (let point = Math.max(0, at(row.start)); point <= Math.min(POINTS - 1, at(end)); point += 1) {
      counts[point] = (counts[point] ?? 0) + 1;
    }
  }
  return counts;
}

/** The counts as the points of a polyline, `0,40 1,20 …`. */
export function line(counts: number[]): string {
  const most = Math.max(1, ...counts);
  return counts
    .map((count, x) => `${x},${(HEIGHT - 1 - (count / most) * (HEIGHT - 2)).toFixed(1)}`)
    .join(" ");
}
