// A remark within a panel about what was done last; a screen reader says it when it appears.

export function Remark({ words }: { words: string | null }) {
  return (
    <p role="status" className="text-sm text-warning not-empty:pb-2 print:hidden">
      {words}
    </p>
  );
}
