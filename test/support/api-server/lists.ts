/** Pages of a list: all of them show the moment of the first. */
import type { Address } from "./address.ts";
import { ApiError } from "./objects.ts";
import type { ApiObject } from "./objects.ts";
import type { Selection } from "./selectors.ts";
import type { Storage } from "./storage.ts";

type Rest = { readonly version: number; readonly items: readonly ApiObject[] };

export function createLists(
  storage: Storage,
  present: (object: ApiObject) => ApiObject,
) {
  const unread = new Map<string, Rest>();
  let tokens = 0;

  function restOf(address: Address, selects: Selection, token: string): Rest {
    if (token === "") {
      const all = storage.list(address.resource, address.namespace);
      return { version: storage.version, items: all.filter(selects) };
    }
    const rest = unread.get(token);
    if (!rest || rest.version < storage.compactedTo)
      throw new ApiError(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result.",
      );
    return rest;
  }

  return (
    address: Address,
    selects: Selection,
    query: URLSearchParams,
  ): object => {
    const { version, items } = restOf(
      address,
      selects,
      query.get("continue") ?? "",
    );
    const limit = Number(query.get("limit") ?? 0) || Infinity;
    const page = items.slice(0, limit);
    const left = items.length - page.length;
    const token = left > 0 ? `page-${++tokens}` : "";
    if (left > 0) unread.set(token, { version, items: items.slice(limit) });
    const { apiVersion, kind } = address.resource;
    return {
      apiVersion,
      kind: `${kind}List`,
      metadata: {
        resourceVersion: String(version),
        ...(left > 0 ? { continue: token, remainingItemCount: left } : {}),
      },
      // Items of a list do not say what they are, as with a server's built-in kinds.
      items: page.map((object) => {
        const { apiVersion: _, kind: __, ...rest } = present(object);
        return rest;
      }),
    };
  };
}
