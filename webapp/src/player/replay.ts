/** What the player needs of a recording, whatever its format. */

/** A recording that can be shown at any of its moments. Times are milliseconds from its beginning. */
export interface Replay {
  /** Where it is drawn. */
  readonly element: HTMLElement;
  readonly duration: number;
  /** How much happened when: moments, and bytes that were drawn at each. */
  readonly activity: readonly Happening[];
  /** Show a moment; called again only when it has. */
  seek(moment: number): Promise<void>;
  /** Fit into a size of the window. */
  fit(width: number, height: number): void;
  /** It is played no more. */
  close(): void;
}

/** Something that was drawn. */
export type Happening = readonly [moment: number, bytes: number];

/** The recording cannot be played. */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}

/** How much happened in each of `count` equal parts, from 0 to 1; what little happens can be seen beside what is much. */
export function activityBars(activity: readonly Happening[], duration: number, count: number): number[] {
  const sums = new Array<number>(count).fill(0);
  for (const [moment, bytes] of activity) {
    const part = Math.min(count - 1, Math.max(0, Math.floor((moment / Math.max(1, duration)) * count)));
    sums[part] = (sums[part] as number) + bytes;
  }
  const most = Math.log1p(Math.max(...sums, 1));
  return sums.map((sum) => Math.log1p(sum) / most);
}

/** Silence of this many milliseconds separates what happened before from what happens after. */
const SILENCE_MS = 3000;

/** Where something begins after a silence: the next such moment after `from`, or the last before it. */
export function nextActivity(activity: readonly Happening[], from: number, direction: 1 | -1): number | null {
  const starts = activity
    .map(([moment]) => moment)
    .filter((moment, index, all) => index === 0 || moment - (all[index - 1] as number) > SILENCE_MS);
  const slack = 500;
  return direction > 0
    ? (starts.find((start) => start > from + slack) ?? null)
    : (starts.findLast((start) => start < from - slack) ?? null);
}
