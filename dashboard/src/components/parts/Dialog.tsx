// A dialog above the page. The browser's own element keeps the focus in it, gives it back, and closes it with Escape; no
// style element is written, which the Content-Security-Policy would forbid.

import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useState } from "react";
import { createPortal } from "react-dom";
import { useTexts } from "../../texts/TextsContext";

interface DialogProps {
  title: string;
  /** Called once it is closed, however that came about. */
  onClose: () => void;
  /** `close` gives the focus back; then the dialog is closed. */
  children: (close: () => void) => ReactNode;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const id = useId();
  const [dialog, setDialog] = useState<HTMLDialogElement | null>(null);
  const { common } = useTexts();
  useEffect(() => {
    if (dialog !== null && !dialog.open) dialog.showModal();
  }, [dialog]);
  const close = () => dialog?.close();
  // At the end of the body: whatever opened it may go away without it.
  return createPortal(
    <dialog
      ref={setDialog}
      aria-labelledby={id}
      onClose={onClose}
      className="m-auto max-h-[calc(100dvh-1.5rem)] w-[min(36rem,calc(100vw-1.5rem))] overflow-auto overscroll-contain rounded-xl bg-raised p-0 text-ink shadow-float backdrop:bg-canvas/70"
    >
      <div className="flex items-center justify-between gap-3 px-5 pt-4">
        <h2 id={id} className="text-lg font-semibold tracking-tight">
          {title}
        </h2>
        <button
          type="button"
          className="-mr-1.5 grid size-8 place-items-center rounded-lg text-muted hover:bg-sunken hover:text-ink pointer-coarse:size-10"
          onClick={close}
        >
          <X />
          <span className="sr-only">{common.close}</span>
        </button>
      </div>
      <div className="px-5 pt-2 pb-5">{children(close)}</div>
    </dialog>,
    document.body,
  );
}
