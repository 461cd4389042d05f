// The marks of the trend chart as SVG.

import { memo, useId } from "react";
import type { Ink, Mark } from "../../view/chartOfMarks";

/** Where the system forces colours, marks are told apart by their shapes. */
const INKS: Readonly<Record<Ink, string>> = {
  series: "text-accent forced-colors:text-[CanvasText]",
  before: "text-muted forced-colors:text-[CanvasText]",
  grid: "text-line forced-colors:text-[GrayText]",
  zero: "text-line-strong forced-colors:text-[CanvasText]",
  label: "text-muted forced-colors:text-[CanvasText]",
  surface: "text-surface forced-colors:text-[Canvas]",
  info: "text-info forced-colors:text-[CanvasText]",
  warning: "text-warning forced-colors:text-[CanvasText]",
  critical: "text-bad forced-colors:text-[CanvasText]",
};
const HATCHED: readonly Ink[] = ["series", "label"];

interface MarksProps {
  marks: readonly Mark[];
  unit: number;
}

/** Memoized: drawn again when the numbers change, not when the crosshair moves. */
export const Marks = memo(function Marks({ marks, unit }: MarksProps) {
  const id = useId().replaceAll(/\W/g, "");
  return (
    <g fontSize={12 * unit}>
      <defs>
        {HATCHED.map((ink) => (
          <Hatch key={ink} id={`${id}-${ink}`} ink={ink} unit={unit} />
        ))}
      </defs>
      {marks.map((mark, index) => (
        <MarkShape key={index} mark={mark} hatch={`url(#${id}-${mark.ink})`} unit={unit} />
      ))}
    </g>
  );
});

/** A pattern has its own colour, not that of what it fills. */
export function Hatch({ id, ink, unit }: { id: string; ink: Ink; unit: number }) {
  const size = 6 * unit;
  return (
    <pattern
      id={id}
      width={size}
      height={size}
      patternUnits="userSpaceOnUse"
      patternTransform="rotate(45)"
      className={INKS[ink]}
    >
      <rect width={size} height={size} fill="currentColor" fillOpacity={0.1} />
      <path d={`M${size / 2} 0V${size}`} stroke="currentColor" strokeWidth={2 * unit} />
    </pattern>
  );
}

function MarkShape({ mark, hatch, unit }: { mark: Mark; hatch: string; unit: number }) {
  const { ink, opacity, names } = mark;
  const common = { className: INKS[ink], opacity, ...names };
  switch (mark.kind) {
    case "rect": {
      const { x, y, width, height, look } = mark;
      const place = { x, y, width, height };
      if (look === "solid") return <rect {...common} {...place} fill="currentColor" />;
      // The series' own bar has an edge, so that its height reads.
      const edge = ink === "series" ? { stroke: "currentColor", strokeWidth: 1.25 * unit } : {};
      return <rect {...common} {...place} {...edge} fill={hatch} />;
    }
    case "path":
      return mark.look === "fill" ? (
        <path {...common} d={mark.d} fill="currentColor" />
      ) : (
        <path
          {...common}
          d={mark.d}
          fill="none"
          stroke="currentColor"
          strokeWidth={mark.width}
          strokeDasharray={mark.dash?.join(" ")}
          strokeLinejoin="round"
        />
      );
    case "line":
      return (
        <line
          {...common}
          x1={mark.x1}
          y1={mark.y1}
          x2={mark.x2}
          y2={mark.y2}
          stroke="currentColor"
          strokeWidth={mark.width}
          strokeDasharray={mark.dash?.join(" ")}
        />
      );
    case "dot":
      return (
        <circle
          {...common}
          cx={mark.x}
          cy={mark.y}
          r={mark.radius}
          fill={mark.hollow ? "var(--surface)" : "currentColor"}
          stroke={mark.hollow ? "currentColor" : "none"}
          strokeWidth={2 * unit}
        />
      );
    case "text":
      return (
        <text
          {...common}
          x={mark.x}
          y={mark.y}
          textAnchor={mark.anchor}
          dominantBaseline="central"
          fill="currentColor"
          {...(mark.halo === true && {
            paintOrder: "stroke",
            stroke: "var(--surface)",
            strokeWidth: 3 * unit,
            strokeLinejoin: "round" as const,
          })}
        >
          {mark.text}
        </text>
      );
  }
}
