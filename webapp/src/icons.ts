/** Icons: one outline set; templates name theirs with `data-icon`. */
import {
  Activity,
  ArrowDown,
  ArrowUp,
  ClipboardList,
  Columns2,
  Copy,
  createElement,
  Download,
  Eraser,
  File,
  Film,
  Folder,
  FolderUp,
  House,
  type IconNode,
  Keyboard,
  KeyboardOff,
  Link,
  LogOut,
  Maximize,
  Minus,
  Monitor,
  MousePointer2,
  Pause,
  Play,
  Plus,
  RefreshCw,
  Settings,
  SkipBack,
  SkipForward,
  Terminal,
  Upload,
  User,
  Users,
  X,
} from "lucide";

const ICONS = {
  activity: Activity,
  "arrow-down": ArrowDown,
  "arrow-up": ArrowUp,
  clipboard: ClipboardList,
  columns: Columns2,
  copy: Copy,
  download: Download,
  eraser: Eraser,
  file: File,
  folder: Folder,
  "folder-up": FolderUp,
  house: House,
  keyboard: Keyboard,
  "keyboard-off": KeyboardOff,
  link: Link,
  "log-out": LogOut,
  maximize: Maximize,
  minus: Minus,
  monitor: Monitor,
  "mouse-pointer": MousePointer2,
  plus: Plus,
  "refresh-cw": RefreshCw,
  settings: Settings,
  terminal: Terminal,
  upload: Upload,
  user: User,
  users: Users,
  film: Film,
  pause: Pause,
  play: Play,
  "skip-back": SkipBack,
  "skip-forward": SkipForward,
  x: X,
} satisfies Record<string, IconNode>;

/** The name of an icon. */
export type IconName = keyof typeof ICONS;

/** An icon to put beside a label; it says nothing to screen readers. */
export function icon(name: IconName): SVGElement {
  return createElement(ICONS[name], { class: "fl-icon", "aria-hidden": "true", focusable: "false" });
}

/** Give every element below `root` that names an icon its icon. */
export function drawIcons(root: ParentNode): void {
  for (const target of root.querySelectorAll<HTMLElement>("[data-icon]")) {
    const name = target.dataset.icon as IconName;
    if (name in ICONS) {
      target.prepend(icon(name));
    }
  }
}
