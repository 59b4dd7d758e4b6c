/** A line of a recorded terminal as text, in runs of one look each. */
import type { IBufferCell, IBufferLine } from "@xterm/headless";
import { make } from "../dom.ts";

/** The sixteen colours of the calm dark scheme; others are computed as xterm has them. */
const COLOURS = [
  "#1a1e26",
  "#e5616b",
  "#82c07d",
  "#dcb967",
  "#6ea8f0",
  "#c58be0",
  "#5cc0c9",
  "#c5cad3",
  "#6b7380",
  "#f0868e",
  "#a0d69b",
  "#ebcf8f",
  "#96c2fa",
  "#d8aaee",
  "#86d6dd",
  "#f2f4f7",
];
/** Of a screen on which nothing says otherwise. */
export const [TEXT, PAPER] = ["#dde1e8", "#1a1e26"];

interface Look {
  colour: string;
  paper: string;
  classes: string;
}

/** Draw a line of `columns` cells. */
export function drawLine(line: IBufferLine | undefined, columns: number): HTMLElement {
  const drawn = make("div");
  let run = make("span");
  let look = "";
  let cell: IBufferCell | undefined;
  for (let column = 0; line !== undefined && column < columns; column++) {
    cell = line.getCell(column, cell);
    if (cell === undefined || cell.getWidth() === 0) {
      continue;
    }
    const next = lookOf(cell);
    const key = `${next.colour} ${next.paper} ${next.classes}`;
    if (look !== key) {
      look = key;
      run = styled(next);
      drawn.append(run);
    }
    run.append(cell.getChars() || " ");
  }
  drawn.append("\n");
  return drawn;
}

function styled({ colour, paper, classes }: Look): HTMLElement {
  const span = make("span", classes === "" ? {} : { class: classes });
  if (colour !== TEXT) {
    span.style.color = colour;
  }
  if (paper !== PAPER) {
    span.style.backgroundColor = paper;
  }
  return span;
}

function lookOf(cell: IBufferCell): Look {
  const front = colourOf(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor(), TEXT);
  const back = colourOf(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor(), PAPER);
  const turned = cell.isInverse() !== 0;
  const classes = [
    cell.isBold() ? "fl-bold" : "",
    cell.isItalic() ? "fl-italic" : "",
    cell.isUnderline() ? "fl-underline" : "",
    cell.isDim() ? "fl-dim" : "",
  ];
  return {
    colour: cell.isInvisible() ? back : turned ? back : front,
    paper: turned ? front : back,
    classes: classes.filter((name) => name !== "").join(" "),
  };
}

function colourOf(usual: boolean, direct: boolean, value: number, otherwise: string): string {
  if (usual) {
    return otherwise;
  }
  if (direct) {
    return `#${value.toString(16).padStart(6, "0")}`;
  }
  return COLOURS[value] ?? indexed(value);
}

/** The colour cube and the greys of xterm's 256. */
function indexed(value: number): string {
  if (value >= 232) {
    const grey = 8 + 10 * (value - 232);
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  const cube = value - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}
