/** Small pictures of sessions for the home page, taken now and then while they run. */
import type { Picture } from "../display/picture.ts";
import { noteRecent } from "../recent.ts";
import { encodeTarget } from "../route.ts";
import type { Session } from "../session.ts";

const FIRST_MS = 2000;
const PERIOD_MS = 30_000;
const [WIDTH, HEIGHT] = [320, 200];
const QUALITY = 0.7;

/** Take them from now on. */
export function takeSouvenirs(session: Session, picture: Picture): void {
  const take = () => {
    const { grant, target } = session;
    const canvas = session.live ? picture.flattened() : null;
    if (canvas !== null && grant !== null && target !== null) {
      const dataSource = target.dataSource || grant.dataSource;
      noteRecent(grant.owner, encodeTarget({ ...target, dataSource }), small(canvas), Date.now());
    }
  };
  let timer = 0;
  session.events.on("state", () => {
    window.clearInterval(timer);
    if (session.live) {
      window.setTimeout(take, FIRST_MS);
      timer = window.setInterval(take, PERIOD_MS);
    }
  });
  window.addEventListener("blur", take);
}

/** The picture's top left, as wide as it is, in a small size. */
function small(source: HTMLCanvasElement): string {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const scale = Math.max(WIDTH / source.width, HEIGHT / source.height);
  canvas.getContext("2d")?.drawImage(source, 0, 0, source.width * scale, source.height * scale);
  return canvas.toDataURL("image/webp", QUALITY);
}
