// The dialog of the command menu: all commands with a search, or all keys.
//
// It is the browser's own modal dialog: that keeps the focus, gives it back, and needs no style element, which the
// Content-Security-Policy forbids.

import { useCallback, useLayoutEffect, useRef } from "react";
import { useAllTexts } from "../../texts/useAllTexts";
import type { Command } from "../../view/commands";
import { CommandList } from "./CommandList";
import { KeyList } from "./KeyList";

interface CommandDialogProps {
  shown: "commands" | "keys";
  onShowKeys: () => void;
  onClose: () => void;
}

export function CommandDialog({ shown, onShowKeys, onClose }: CommandDialogProps) {
  const { commands, commandList } = useAllTexts();
  const dialog = useRef<HTMLDialogElement>(null);
  // Before the effects of what is in it: nothing can be focused in a closed dialog.
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    if (!element.open) element.showModal();
    // Outside of what it contains there is only the backdrop.
    const leave = (event: MouseEvent) => event.target === element && element.close();
    element.addEventListener("click", leave);
    return () => element.removeEventListener("click", leave);
  }, []);
  const close = useCallback(() => dialog.current?.close(), []);
  const run = useCallback(
    ({ id, run: act }: Command) => {
      if (id === "keys") return onShowKeys();
      // First the focus goes back to where it was; the command may move it on.
      close();
      act();
    },
    [close, onShowKeys],
  );
  return (
    <dialog
      ref={dialog}
      aria-label={shown === "keys" ? commandList.keys : commands.title}
      className={`mx-auto mt-[max(0.75rem,10vh)] w-[calc(100vw-1.5rem)] ${shown === "keys" ? "max-w-3xl" : "max-w-2xl"} rounded-xl bg-raised text-ink shadow-float`}
      onClose={onClose}
    >
      {shown === "keys" ? <KeyList onClose={close} /> : <CommandList onRun={run} />}
    </dialog>
  );
}
