// Saves the trend chart as a picture, with all that says what it shows. Loaded when it is wanted.
//
// It is drawn on a canvas from the chart's own marks. An image made of the SVG would need a laxer
// Content-Security-Policy.

import { fileNameOf, saveAs } from "../../api/download";
import { serverNow } from "../../api/serverClock";
import { legendOf, SAMPLE, sampleOf } from "../../view/chartOfLegend";
import type { Ink, Mark } from "../../view/chartOfMarks";
import { freshnessIn, freshnessOf } from "../../view/freshness";
import { drawingOf } from "./useDrawing";
import type { Trend } from "./useTrend";

/** In pixels; the file has as many for each as `SCALE` says. */
const WIDTH = 1_200;
const CHART_HEIGHT = 460;
const MARGIN = 32;
const SCALE = 2;
const TITLE = 24;
const TEXT = 14;
const LINE = 24;

/** The style sheet's names of the colours. */
const INKS: Readonly<Record<Ink | "ink", string>> = {
  ink: "--ink",
  series: "--accent",
  before: "--muted",
  grid: "--line",
  zero: "--line-strong",
  label: "--muted",
  surface: "--surface",
  info: "--info",
  warning: "--warning",
  critical: "--bad",
};
type Colours = Readonly<Record<Ink | "ink", string>>;

/** One piece of the legend, as wide as its words. */
interface LegendPlace {
  x: number;
  line: number;
}

export async function savePicture(trend: Trend, percentiles: boolean): Promise<void> {
  const { organizationId, kpi, range, zone } = trend;
  saveAs(await pictureOf(trend, percentiles), `${fileNameOf(organizationId, kpi.key, range, zone)}.png`);
}

async function pictureOf(trend: Trend, percentiles: boolean): Promise<Blob> {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser has no canvas");
  const colours = lightColours();
  const family = getComputedStyle(document.body).fontFamily;
  const font = (size: number, weight: number) => {
    context.font = `${weight} ${size}px ${family}`;
  };

  const drawing = drawingOf(trend, percentiles, {
    width: WIDTH - 2 * MARGIN,
    height: CHART_HEIGHT,
    unit: 1.15,
  });
  const { name, points, metric, range, comparison, uncovered, limits, speech } = trend;
  const { plot } = drawing;
  const legend = legendOf(speech, { name, points, metric, range, comparison, uncovered, limits, plot });
  const words = legend.map(({ label, value, note }) => [label, value, note].filter(Boolean).join("  "));
  font(TEXT, 400);
  const places = inLines(words.map((text) => SAMPLE.width + 8 + context.measureText(text).width));
  const legendTop = MARGIN + TITLE + 2 * LINE;
  const chartTop = legendTop + ((places.at(-1)?.line ?? 0) + 1) * LINE + 8;
  const height = chartTop + CHART_HEIGHT + LINE + MARGIN - 8;
  canvas.width = WIDTH * SCALE;
  canvas.height = height * SCALE;

  context.scale(SCALE, SCALE);
  context.fillStyle = colours.surface;
  context.fillRect(0, 0, WIDTH, height);
  context.textBaseline = "middle";
  const write = (text: string, x: number, y: number, ink: keyof Colours) => {
    context.fillStyle = colours[ink];
    context.fillText(shortened(context, text, WIDTH - MARGIN - x), x, y);
  };
  font(TITLE, 600);
  write(titleOf(trend), MARGIN, MARGIN + TITLE / 2, "ink");
  font(TEXT, 400);
  write(subtitleOf(trend), MARGIN, MARGIN + TITLE + LINE * 0.75, "label");
  legend.forEach((item, index) => {
    const { x, line } = places[index] ?? { x: 0, line: 0 };
    const [left, middle] = [MARGIN + x, legendTop + (line + 0.5) * LINE];
    context.save();
    context.translate(left, middle - SAMPLE.height / 2);
    for (const mark of sampleOf(item)) draw(context, mark, colours, 1);
    context.restore();
    write(words[index] ?? "", left + SAMPLE.width + 8, middle, "ink");
  });
  font(12 * 1.15, 400);
  context.save();
  context.translate(MARGIN, chartTop);
  for (const mark of drawing.marks) draw(context, mark, colours, 1.15);
  context.restore();
  font(TEXT - 1, 400);
  write(footerOf(trend), MARGIN, chartTop + CHART_HEIGHT + LINE / 2, "label");
  return blobOf(canvas);
}

function titleOf({ name, workflow, speech }: Trend): string {
  if (workflow === null) return name;
  return `${name} ${speech.texts.trend.ofWorkflow(workflow.workflowName ?? workflow.workflowId)}`;
}

function subtitleOf({ organization, range, zone, speech }: Trend): string {
  return [organization, speech.formats.range(range), zone].join("  ·  ");
}

export function footerOf(
  { completeThrough, empty, range, speech }: Pick<Trend, "completeThrough" | "empty" | "range" | "speech">,
  now = serverNow(),
): string {
  const { texts, formats } = speech;
  const [words, through] = freshnessIn(texts, freshnessOf(completeThrough, range, now.getTime()));
  const told = through === undefined ? words : `${words} ${formats.exactly(through)}`;
  return empty === null ? told : `${told}  ·  ${empty}`;
}

/** Pieces one after the other, in as many lines as they need. */
function inLines(widths: readonly number[]): LegendPlace[] {
  const between = 28;
  const places: LegendPlace[] = [];
  let [x, line] = [0, 0];
  for (const width of widths) {
    if (x > 0 && x + width > WIDTH - 2 * MARGIN) [x, line] = [0, line + 1];
    places.push({ x, line });
    x += width + between;
  }
  return places;
}

/** The text, cut with an ellipsis if it is wider. */
function shortened(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let length = text.length - 1;
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
  return `${text.slice(0, length)}…`;
}

/** The colours that the style sheet has for light, whatever the page shows: pictures go into documents. */
function lightColours(): Colours {
  const probe = document.createElement("span");
  probe.style.colorScheme = "light";
  document.body.append(probe);
  const colour = (variable: string) => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const colours = Object.fromEntries(Object.entries(INKS).map(([ink, variable]) => [ink, colour(variable)]));
  probe.remove();
  return colours as Colours;
}

function draw(context: CanvasRenderingContext2D, mark: Mark, colours: Colours, unit: number): void {
  const colour = colours[mark.ink];
  context.save();
  context.globalAlpha = mark.opacity ?? 1;
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineJoin = "round";
  switch (mark.kind) {
    case "rect":
      if (mark.look === "solid") context.fillRect(mark.x, mark.y, mark.width, mark.height);
      else hatch(context, mark, unit);
      break;
    case "path": {
      const path = new Path2D(mark.d);
      if (mark.look === "fill") {
        context.fill(path);
      } else {
        context.lineWidth = mark.width;
        context.setLineDash([...(mark.dash ?? [])]);
        context.stroke(path);
      }
      break;
    }
    case "line":
      context.lineWidth = mark.width;
      context.setLineDash([...(mark.dash ?? [])]);
      context.beginPath();
      context.moveTo(mark.x1, mark.y1);
      context.lineTo(mark.x2, mark.y2);
      context.stroke();
      break;
    case "dot":
      context.beginPath();
      context.arc(mark.x, mark.y, mark.radius, 0, 2 * Math.PI);
      if (mark.hollow) context.fillStyle = colours.surface;
      context.fill();
      context.lineWidth = 2 * unit;
      if (mark.hollow) context.stroke();
      break;
    case "text":
      context.textAlign = mark.anchor === "middle" ? "center" : mark.anchor;
      context.textBaseline = "middle";
      if (mark.halo === true) {
        context.strokeStyle = colours.surface;
        context.lineWidth = 3 * unit;
        context.strokeText(mark.text, mark.x, mark.y);
      }
      context.fillText(mark.text, mark.x, mark.y);
      break;
  }
  context.restore();
}

/** Diagonal lines, as the page's pattern has them. */
function hatch(context: CanvasRenderingContext2D, mark: Mark & { kind: "rect" }, unit: number): void {
  const { x, y, width, height, ink } = mark;
  if (height === 0) return;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  const alpha = context.globalAlpha;
  context.globalAlpha = alpha * 0.1;
  context.fillRect(x, y, width, height);
  context.globalAlpha = alpha;
  context.lineWidth = 2 * unit;
  context.beginPath();
  // A line every 6 units, measured across it.
  for (let at = x - height; at < x + width; at += 6 * unit * Math.SQRT2) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
  if (ink !== "series") return;
  context.lineWidth = 1.25 * unit;
  context.strokeRect(x, y, width, height);
}

function blobOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error("the picture can’t be written"));
      else resolve(blob);
    }, "image/png");
  });
}
