// A part of a whole as a bar. Drawn as SVG, so that it is there on paper, too.

export interface Segment {
  /** From 0 to 1. */
  share: number;
  /** Its colour, as a class of the text colour. */
  ink: string;
}

/** The narrowest bar of what isn't nothing, as a share: otherwise it couldn't be seen. */
const LEAST = 0.004;
const WIDTH = 1_000;

interface ShareBarProps {
  segments: readonly Segment[];
  /** Of all segments; 1 is solid. */
  opacity?: number;
  className: string;
}

/** Stretches to its box. Numbers stand beside it, so it says nothing to a screen reader. */
export function ShareBar({ segments, opacity = 1, className }: ShareBarProps) {
  return (
    <svg
      viewBox={`0 0 ${WIDTH} 1`}
      preserveAspectRatio="none"
      className={className}
      aria-hidden="true"
      focusable="false"
    >
      {placed(segments).map(({ from, width, ink }) => (
        <rect
          key={ink}
          x={from * WIDTH}
          y={0}
          width={width * WIDTH}
          height={1}
          className={ink}
          fill="currentColor"
          fillOpacity={opacity}
        />
      ))}
    </svg>
  );
}

interface Placed {
  from: number;
  width: number;
  ink: string;
}

/** Where each segment begins and how wide it is: they stand in a row, and each that isn't nothing can be seen. */
export function placed(segments: readonly Segment[]): Placed[] {
  const seen = segments.filter(({ share }) => share > 0);
  const widths = seen.map(({ share }) => Math.max(LEAST, share));
  const sum = widths.reduce((total, width) => total + width, 0);
  const scale = sum > 1 ? 1 / sum : 1;
  let from = 0;
  return seen.map(({ ink }, index) => {
    const width = (widths[index] ?? 0) * scale;
    const start = from;
    from += width;
    return { from: start, width, ink };
  });
}
