// The overview of the organization, once somebody is signed in.

import { useSession } from "./api/session";
import { Entry } from "./components/entry/Entry";
import { Overview } from "./Overview";

export function App() {
  const { identity } = useSession();
  return (
    <Entry>
      <Overview key={identity} />
    </Entry>
  );
}
