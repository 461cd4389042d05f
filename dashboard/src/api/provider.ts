// The OpenID provider, as the session uses it: the settings are asked for, and the code is loaded, when they are needed.

import type { QueryClient } from "@tanstack/react-query";
import { pageSettings, type SignInSettings } from "./pageSettings";
import { type Grant, type Granted, type Pending, SignInFailure } from "./signIn";

type Flow = typeof import("./signInFlow");

export class Provider {
  constructor(
    private readonly client: QueryClient,
    private readonly flow: () => Promise<Flow>,
  ) {}

  /** The address to go to, from the view to come back to. */
  begin(from: Pick<Pending, "view" | "automatic">): Promise<URL> {
    return this.using((flow, settings) => flow.begin(settings, from));
  }

  finish(pending: Pending | null, answer: URLSearchParams): Promise<Granted> {
    return this.using((flow, settings) => flow.finish(settings, pending, answer));
  }

  renew(refreshToken: string, before: Grant): Promise<Granted> {
    return this.using((flow, settings) => flow.renew(settings, refreshToken, before));
  }

  /** The address for signing out there; null if there is none, or the provider doesn't answer. */
  async endOf({ idToken }: Grant): Promise<URL | null> {
    try {
      return await this.using((flow, settings) => flow.endOf(settings, idToken));
    } catch {
      return null; // signed out here all the same
    }
  }

  /** Has the API answer, which sets the clock: the browser's may be days off. */
  async setClock(): Promise<void> {
    await this.settings().catch(() => null);
  }

  private async settings(): Promise<SignInSettings | null> {
    return (await this.client.query(pageSettings)).signIn;
  }

  /** @throws {SignInFailure} */
  private async using<Result>(
    act: (flow: Flow, settings: SignInSettings) => Promise<Result>,
  ): Promise<Result> {
    const settings = await unlessUnreachable(this.settings());
    if (settings === null) throw new SignInFailure("lost"); // the API had a provider before
    const flow = await unlessUnreachable(this.flow());
    return act(flow, settings);
  }
}

/** What the API serves, or that it doesn't. */
async function unlessUnreachable<Served>(served: Promise<Served>): Promise<Served> {
  try {
    return await served;
  } catch {
    throw new SignInFailure("unreachable");
  }
}
