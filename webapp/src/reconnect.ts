/** When to try again: soon at first, then at a steady pace, and not everybody at the same instant. */

const DELAYS_S = [1, 2, 4, 8, 15];
const SPREAD = 0.25;

/**
 * Milliseconds to wait before an attempt.
 *
 * @param attempt how many failed since the last success, from 0.
 * @param chance between 0 and 1; shifts the wait by up to a quarter either way.
 */
export function waitMs(attempt: number, chance: number): number {
  const seconds = DELAYS_S[Math.min(attempt, DELAYS_S.length - 1)] as number;
  return seconds * 1000 * (1 + SPREAD * (2 * chance - 1));
}
