// buf, run on folders of .proto files, and what it compiles of them.

import { createFileRegistry, fromBinary, type FileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The contract's file, as imports name it. */
export const FILE = "business_metrics/v1/records.proto";

/** The contract's package. */
export const PACKAGE = "business_metrics.v1";

/** The messages that are values of a topic. */
export const VALUES = ["Event", "WorkflowTerminal", "MessageDelivery"] as const;

/** A path in the folder of this package, whichever folder it is run in. */
export function here(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** buf's exit code and all that it printed, as bytes and as text. */
export interface Ran {
  code: number | null;
  output: Buffer;
  text: string;
}

/** Runs buf in the folder of this package. */
export function buf(...args: string[]): Ran {
  const ran = spawnSync(here("node_modules/.bin/buf"), args, { cwd: here("."), maxBuffer: 64 * 1024 * 1024 });
  if (ran.error) {
    throw ran.error;
  }
  return { code: ran.status, output: ran.stdout, text: `${ran.stdout}${ran.stderr}` };
}

/** The files of a folder, compiled, with their comments. */
export function compiled(folder: string): FileRegistry {
  const built = buf("build", folder, "--output", "-");
  if (built.code !== 0) {
    throw new Error(`buf can't build ${folder}: ${built.text}`);
  }
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, built.output));
}
