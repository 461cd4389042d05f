// What wasn't understood, of the address and of the system, and what is used instead. Each note can be dismissed.

import { Info } from "lucide-react";
import { useState } from "react";
import type { AllTexts } from "../../texts";
import { useAllTexts } from "../../texts/useAllTexts";
import type { Note } from "../../view/view";
import { usePlace } from "../../view/ViewContext";
import { Notice } from "../parts/Notice";

export function PageNotes() {
  const { notes, view } = usePlace();
  const texts = useAllTexts();
  const [dismissed, setDismissed] = useState<readonly string[]>([]);
  return notes
    .filter((note) => !dismissed.includes(nameOf(note)))
    .map((note) => (
      <div key={nameOf(note)} data-note={note.kind} className="print:hidden">
        <Notice tone="info" icon={Info} onDismiss={() => setDismissed((before) => [...before, nameOf(note)])}>
          {wordsOf(note, view.zone, texts)}
        </Notice>
      </div>
    ));
}

function nameOf(note: Note): string {
  return JSON.stringify(note);
}

function wordsOf(note: Note, zone: string, { notes }: AllTexts): string {
  switch (note.kind) {
    case "systemZone":
      return notes.systemZone(zone);
    case "systemLanguage":
      return notes.systemLanguage;
    case "parameter":
      return note.parameter === "timezone"
        ? notes.zone(note.given, zone)
        : notes.parameter(notes.parameters[note.parameter], note.given);
  }
}
