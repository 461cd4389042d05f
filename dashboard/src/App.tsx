// The page, or the way in.

import { useSession } from "./api/session";
import { SignIn } from "./components/SignIn";
import { Overview } from "./Overview";

export function App() {
  const { token } = useSession();
  return token === null ? <SignIn /> : <Overview key={token} />;
}
