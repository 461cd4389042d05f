// The frame of a page without numbers: what this is on one side, what there is to do on the other.

import { BellRing, type LucideIcon, RefreshCw, ShieldCheck } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { useAllTexts } from "../../texts/useAllTexts";

interface GateProps {
  icon: LucideIcon;
  title: string;
  children: ReactNode;
  /** Below the rest, in small type. */
  foot?: ReactNode;
}

export function Gate({ icon: Icon, title, children, foot }: GateProps) {
  const { page } = useAllTexts();
  useEffect(() => {
    document.title = page.product;
  }, [page]);
  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(0,1fr)_minmax(28rem,36rem)]">
      <About />
      <main className="flex flex-col justify-center px-5 py-10 sm:px-12">
        <div className="mx-auto w-full max-w-sm">
          <p className="mb-10 flex items-center gap-2.5 font-semibold lg:hidden">
            <Mark className="size-7" />
            {page.product}
          </p>
          <span className="grid size-11 place-items-center rounded-xl border border-line bg-surface text-accent">
            <Icon className="size-5" />
          </span>
          <h1 className="mt-4 text-[1.375rem] leading-7 font-semibold tracking-tight text-balance">
            {title}
          </h1>
          {children}
          {foot !== undefined && (
            <div className="mt-8 space-y-3 border-t border-line pt-5 text-xs text-muted">{foot}</div>
          )}
        </div>
      </main>
    </div>
  );
}

function About() {
  const { entry, page } = useAllTexts();
  const facts = [
    { icon: ShieldCheck, words: entry.facts.exact },
    { icon: RefreshCw, words: entry.facts.fresh },
    { icon: BellRing, words: entry.facts.alerts },
  ];
  return (
    <section
      className="relative hidden flex-col justify-between overflow-hidden border-r border-line bg-surface p-12 lg:flex"
      aria-label={page.product}
    >
      <p className="flex items-center gap-2.5 font-semibold">
        <Mark className="size-8" />
        {page.product}
      </p>
      <div className="relative z-10 max-w-lg">
        <p className="text-[1.75rem] leading-9 font-semibold tracking-tight text-balance">{entry.about}</p>
        <ul className="mt-7 space-y-3 text-muted">
          {facts.map(({ icon: Icon, words }) => (
            <li key={words} className="flex items-center gap-3">
              <Icon className="text-accent" />
              {words}
            </li>
          ))}
        </ul>
      </div>
      <div className="h-24" />
      <Ornament />
    </section>
  );
}

function Mark({ className }: { className: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path
        d="M7 21.5 13 15l4.5 4L25 10.5"
        className="stroke-on-accent"
        fill="none"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

/** Rings, and no chart: an invented one would look like numbers. */
function Ornament() {
  return (
    <svg
      viewBox="0 0 400 400"
      className="absolute -right-28 -bottom-36 size-[32rem] text-accent"
      aria-hidden="true"
    >
      {[60, 100, 140, 180].map((radius) => (
        <circle
          key={radius}
          cx="200"
          cy="200"
          r={radius}
          fill="none"
          stroke="currentColor"
          strokeWidth="18"
          opacity={0.3 - radius / 700}
        />
      ))}
    </svg>
  );
}
