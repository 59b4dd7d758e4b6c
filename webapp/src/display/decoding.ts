/**
 * An image that cannot be decoded would block guacamole-common-js for good: it waits for the bitmap before it draws
 * anything else. It gets an empty one instead, and the picture goes on without those pixels.
 */
export function surviveBrokenImages(): void {
  const decode = window.createImageBitmap.bind(window);
  window.createImageBitmap = async (...args: unknown[]) => {
    try {
      return await (decode as (...args: unknown[]) => Promise<ImageBitmap>)(...args);
    } catch {
      return decode(new ImageData(1, 1));
    }
  };
}
