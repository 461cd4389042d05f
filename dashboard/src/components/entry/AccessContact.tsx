// Who gives access, as the operators have set it: an e-mail address, an address of a page, or words.

import { usePageSettings } from "../../api/pageSettings";
import { useAllTexts } from "../../texts/useAllTexts";

/** What a message to them begins with. */
export interface Letter {
  subject: string;
  body: string;
}

/** `letter` is what an e-mail begins with, if it is one. */
export function AccessContact({ letter }: { letter?: Letter }) {
  const { entry } = useAllTexts();
  const contact = usePageSettings().data?.accessContact ?? null;
  if (contact === null) return <p>{entry.contact.unknown}</p>;
  return (
    <p className="break-words">
      {entry.contact.before}
      <Contact contact={contact} letter={letter} />
      {entry.contact.after}
    </p>
  );
}

function Contact({ contact, letter }: { contact: string; letter: Letter | undefined }) {
  const address = addressOf(contact, letter);
  if (address === null) return <span className="font-medium text-ink">{contact}</span>;
  return (
    <a href={address} rel="noreferrer" className="font-medium text-accent underline underline-offset-2">
      {contact}
    </a>
  );
}

/** Where a contact leads: an e-mail, or a page. Null for words. */
export function addressOf(contact: string, letter?: Letter): string | null {
  if (/^https:\/\/[^\s]+$/i.test(contact)) return contact;
  if (!/^[^\s@:/?#]+@[^\s@:/?#]+$/.test(contact)) return null;
  if (letter === undefined) return `mailto:${contact}`;
  const parameters = [
    ["subject", letter.subject],
    ["body", letter.body],
  ].map(([name, text]) => `${name}=${encodeURIComponent(text ?? "")}`);
  return `mailto:${contact}?${parameters.join("&")}`;
}
