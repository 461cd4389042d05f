// What is shown on the way to the provider and back. It is short, so nothing but a word appears, and that not at once.

export function Passing({ words }: { words: string }) {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <p role="status" aria-busy="true" className="passing flex items-center gap-3 text-muted">
        <span className="size-4 animate-spin rounded-full border-2 border-line-strong border-t-accent" />
        {words}
      </p>
    </main>
  );
}
