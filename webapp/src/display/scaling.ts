/** How large the picture is shown: arithmetic on sizes, no DOM. */

/** Width and height; CSS pixels for windows, the instance's pixels for pictures. */
export interface Size {
  width: number;
  height: number;
}

/** How the person wants it: fitted to the window, or at a factor of device pixels. */
export type Zoom = "fit" | number;

export const MIN_ZOOM = 0.25;
export const MAX_ZOOM = 4;
const ZOOM_STEPS = [0.25, 0.33, 0.5, 0.67, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4];

/** Device pixels by which picture and window may differ and still be shown pixel for pixel. */
const SNAP = 2;
const MAX_SIDE = 8192;

/** CSS pixels for one pixel of the picture. */
export function scaleFor(zoom: Zoom, window: Size, picture: Size, density: number): number {
  if (zoom !== "fit") {
    return zoom / density;
  }
  if (picture.width === 0 || picture.height === 0 || window.width === 0 || window.height === 0) {
    return 1 / density;
  }
  const beside = (side: keyof Size) => Math.abs(window[side] * density - picture[side]);
  if (Math.max(beside("width"), beside("height")) <= SNAP) {
    return 1 / density;
  }
  return Math.min(window.width / picture.width, window.height / picture.height);
}

/** The size that the instance should have to fill the window, in device pixels. */
export function wantedSize(window: Size, density: number): Size {
  const side = (length: number) => Math.min(MAX_SIDE, Math.max(1, Math.floor(length * density)));
  return { width: side(window.width), height: side(window.height) };
}

/** The next usual factor above (`direction` 1) or below (-1). */
export function stepZoom(current: number, direction: 1 | -1): number {
  const steps = direction > 0 ? ZOOM_STEPS : ZOOM_STEPS.toReversed();
  const slack = 0.02 * direction;
  return (
    steps.find((step) => (step - current - slack) * direction > 0) ?? (direction > 0 ? MAX_ZOOM : MIN_ZOOM)
  );
}

/** A factor within bounds. */
export function boundZoom(zoom: number): number {
  return Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, zoom));
}
