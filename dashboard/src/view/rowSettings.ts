// The settings of an organization that the page shows: what alerts are judged by, and how a run is linked to.

import {
  useMutation,
  type UseMutationResult,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from "@tanstack/react-query";
import { type Client, type Links, type OwnLinks, type OwnThresholds, Problem } from "business-metrics-client";
import type { Thresholds } from "../api/answers";
import { type Answer, ask, clientOf, type Question } from "../api/ask";
import { Refusal } from "../api/refusal";
import { useSession } from "../api/session";
import { useRights } from "./rights";

export type Setting<Body> = UseQueryResult<Answer<Body>, Refusal>;

export function useThresholds(): Setting<Thresholds> {
  return useSetting("thresholds", (client, signal) => client.get("/settings/thresholds", { signal }));
}

export function useLinks(): Setting<Links> {
  return useSetting("links", (client, signal) => client.get("/settings/links", { signal }));
}

/** The setting, where the token may read it. Numbers change all day, settings don't: it isn't asked for with them. */
function useSetting<Body>(name: string, question: Question<Body>): Setting<Body> {
  const { token, organization } = useSession();
  const { read } = useRights();
  return useQuery<Answer<Body>, Refusal>({
    queryKey: keyOf(organization, name),
    queryFn: ({ signal }) => ask(question, token ?? "", organization, signal),
    enabled: read,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    networkMode: "always",
    meta: { isSetting: true },
  });
}

/** What is to be set, and the tag of what it replaces: if that was changed meanwhile, nothing is. */
export interface Change<Document> {
  document: Document;
  etag: string | null;
}

/** Why a setting wasn't changed. */
export type Unchanged =
  /** Somebody else has changed it since it was read. */
  | { kind: "meanwhile" }
  /** The document can't be used; `pointer` (RFC 6901) says where. */
  | { kind: "document"; pointer: string; detail: string }
  | { kind: "refused"; refusal: Refusal };

export class SettingUnchanged extends Error {
  constructor(readonly why: Unchanged) {
    super(why.kind);
    this.name = "SettingUnchanged";
  }
}

export type Changing<Document, Body> = UseMutationResult<Answer<Body>, SettingUnchanged, Change<Document>>;

export function useThresholdsChange(): Changing<OwnThresholds, Thresholds> {
  return useSettingChange("thresholds", (client, { document, etag }) =>
    client.request("put", "/settings/thresholds", {
      body: document,
      header: { "If-Match": etag ?? undefined },
    }),
  );
}

export function useLinksChange(): Changing<OwnLinks, Links> {
  return useSettingChange("links", (client, { document, etag }) =>
    client.request("put", "/settings/links", { body: document, header: { "If-Match": etag ?? undefined } }),
  );
}

/** Changes the setting. Then the numbers, which may be judged by it, are asked for again. */
function useSettingChange<Document, Body>(
  name: string,
  put: (client: Client, change: Change<Document>) => Promise<Answer<Body>>,
): Changing<Document, Body> {
  const { token, organization } = useSession();
  const queries = useQueryClient();
  return useMutation<Answer<Body>, SettingUnchanged, Change<Document>>({
    mutationFn: async (change) => {
      try {
        return await put(clientOf(token ?? "", organization), change);
      } catch (error) {
        throw new SettingUnchanged(unchangedBy(error));
      }
    },
    networkMode: "always",
    // What is kept now is there by the time that the failure is told.
    onError: ({ why }) =>
      why.kind === "meanwhile"
        ? queries.invalidateQueries({ queryKey: keyOf(organization, name) })
        : undefined,
    onSuccess: (shown) => {
      queries.setQueryData(keyOf(organization, name), shown);
      void queries.invalidateQueries({ predicate: ({ meta }) => meta?.["isSetting"] !== true });
    },
  });
}

function keyOf(organization: string | null, name: string): readonly unknown[] {
  return [organization, "settings", name];
}

/** What a failed change means. */
export function unchangedBy(error: unknown): Unchanged {
  if (error instanceof Problem) {
    if (error.status === 412) return { kind: "meanwhile" };
    const { pointer, detail } = error.details ?? {};
    if (pointer !== undefined) return { kind: "document", pointer, detail: detail ?? error.message };
  }
  return { kind: "refused", refusal: Refusal.of(error) };
}
