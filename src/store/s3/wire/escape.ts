/** Text in a URL as RFC 3986 has it, and the signature wants it: more than `encodeURIComponent` leaves alone is escaped. */

export function escape(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A key's slashes stay. */
export function escapeKey(key: string): string {
  return key.split("/").map(escape).join("/");
}
