/** Files as people hand them over: chosen or dropped, alone or in folders. */

/** Files of one drop or choice: a folder of a million is a slip of the hand. */
const MAX_FILES = 10_000;
const MAX_DEPTH = 32;

/** A file, and its path below the place it shall go to. */
export interface Named {
  file: File;
  path: string;
}

/** What was chosen in a file field. */
export function chosen(files: Iterable<File> | null): Named[] {
  return [...(files ?? [])]
    .slice(0, MAX_FILES)
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** What was dropped, with all that lies in dropped folders. Called while the drop is handled. */
export async function dropped(data: DataTransfer): Promise<Named[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) {
    return chosen(data.files);
  }
  const found: Named[] = [];
  for (const entry of entries) {
    if (entry !== null) {
      await collect(entry, entry.name, found, 0);
    }
  }
  return found;
}

async function collect(entry: FileSystemEntry, path: string, found: Named[], depth: number): Promise<void> {
  if (found.length >= MAX_FILES || depth > MAX_DEPTH) {
    return;
  }
  if (entry.isFile) {
    const file = await new Promise<File | null>((resolve) =>
      (entry as FileSystemFileEntry).file(resolve, () => resolve(null)),
    );
    if (file !== null) {
      found.push({ file, path });
    }
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const next = () =>
    new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
  // A reader gives a hundred or so at a time, and nothing at the end.
  for (let children = await next(); children.length > 0; children = await next()) {
    for (const child of children) {
      await collect(child, `${path}/${child.name}`, found, depth + 1);
    }
  }
}
