/** What guacamole-common-js 1.5 needs around it to live in a page that stays open for days. */
import Guacamole from "guacamole-common-js";

/**
 * An image that cannot be decoded would block the library for good: it waits for the bitmap before it draws anything
 * else. It gets an empty one instead, and the picture goes on without those pixels.
 */
export function surviveBrokenImages(): void {
  const decode = window.createImageBitmap.bind(window) as (...args: unknown[]) => Promise<ImageBitmap>;
  window.createImageBitmap = (...args: unknown[]) => decode(...args).catch(() => decode(new ImageData(1, 1)));
}

/**
 * Make a client whose listeners on the window can be taken off again: through them every lost connection would keep
 * its whole picture in memory.
 */
export function makeClient(tunnel: Guacamole.Tunnel): { client: Guacamole.Client; detach: () => void } {
  const added: Parameters<typeof window.addEventListener>[] = [];
  const add = window.addEventListener;
  window.addEventListener = (...args: Parameters<typeof add>) => {
    added.push(args);
    add.apply(window, args);
  };
  try {
    const client = new Guacamole.Client(tunnel);
    const detach = () => {
      for (const args of added) {
        window.removeEventListener(...args);
      }
    };
    return { client, detach };
  } finally {
    window.addEventListener = add;
  }
}
