// The overview of the organization, or the sign-in page if there is no token.

import { useSession } from "./api/session";
import { SignIn } from "./components/entry/SignIn";
import { Overview } from "./Overview";

export function App() {
  const { token } = useSession();
  return token === null ? <SignIn /> : <Overview key={token} />;
}
