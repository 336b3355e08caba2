/**
 * What is known of the objects of a kind, kept up to date: listed once, watched from there, listed again when the server
 * has forgotten the version. Level-triggered: listeners are told names, never what happened to them.
 */
import type { KubeObject } from "./kube.ts";

export type Informer<T extends KubeObject> = {
  /** Null: there is none, as far as is known. */
  get(namespace: string, name: string): T | null;
  list(): readonly T[];
  /** Objects by the value of an index, such as the run they belong to: see `openInformer`'s `indexBy`. */
  byIndex(value: string): readonly T[];
  /** Called with each object that came, changed or went (its last state). Must not throw; must only note keys. */
  onChange(listener: (object: T) => void): void;
  /** Resolves when the first list is complete, or at `close`. */
  readonly synced: Promise<void>;
  /** Monotonic milliseconds since anything, bookmarks too, was heard from the server: for health. */
  silentMs(): number;
  close(): Promise<void>;
};
