// All keys and what they do, and the switch that turns single keys off.

import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { useAllTexts } from "../../texts/useAllTexts";
import { useRegisteredCommands } from "../../view/commands";
import { keyNames } from "../../view/keyNames";
import { useSingleKeys } from "../../view/singleKeys";
import { grouped } from "./find";
import { menuKeys } from "./menuKeys";

export function KeyList({ onClose }: { onClose: () => void }) {
  const { commands: titles, commandList: words, common } = useAllTexts();
  const [on, turn] = useSingleKeys();
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  const withKeys = useRegisteredCommands().filter(({ keys }) => keys !== undefined);
  return (
    <div className="flex max-h-[80vh] flex-col">
      <div className="flex items-center justify-between border-b border-line py-2 pr-2 pl-4">
        <h2 className="text-base font-semibold">{words.keys}</h2>
        <button
          ref={button}
          type="button"
          className="grid size-8 place-items-center rounded-lg text-muted hover:bg-sunken pointer-coarse:size-10"
          onClick={onClose}
        >
          <X />
          <span className="sr-only">{common.close}</span>
        </button>
      </div>
      <div className="overflow-y-auto overscroll-contain p-4">
        <label className="flex items-center gap-2.5 text-sm">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={on}
            onChange={(event) => turn(event.target.checked)}
          />
          {words.singleKeys}
        </label>
        <div className="mt-3 gap-10 sm:columns-2">
          <Group name={titles.title}>
            <Row label={words.find} keys={menuKeys(titles.ctrl)} />
          </Group>
          {grouped(withKeys).map(([group, commands]) => (
            <Group key={group} name={words.groups[group]}>
              {commands.map(({ id, label, keys = "" }) => (
                <Row key={id} label={label} keys={keyNames(keys)} />
              ))}
            </Group>
          ))}
        </div>
      </div>
    </div>
  );
}

function Group({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <section aria-label={name} className="mb-4 break-inside-avoid">
      <h3 className="mb-1 text-xs font-medium text-muted">{name}</h3>
      <dl>{children}</dl>
    </section>
  );
}

function Row({ label, keys }: { label: string; keys: readonly string[] }) {
  return (
    <div className="flex items-baseline justify-between gap-4 py-1 text-sm">
      <dt className="min-w-0">{label}</dt>
      <dd className="flex shrink-0 gap-1">
        {keys.map((key) => (
          <kbd
            key={key}
            className="rounded border border-line-strong px-1.5 font-sans text-xs leading-5 text-muted"
          >
            {key}
          </kbd>
        ))}
      </dd>
    </div>
  );
}
