/** Who this program is to the API server, and whom it believes: asked before each request, since files and tokens rotate. */

export type TlsMaterial = {
  /** PEM. Absent: the certificate authorities that Node knows. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** The name in the server's certificate where it is not the address. */
  readonly serverName?: string;
  /** The server's certificate is not looked at. */
  readonly isInsecure?: boolean;
};

export type Identity = {
  /** Of a request: authorization and impersonation. A list is a header for each value. */
  headers(): Promise<Readonly<Record<string, string | string[]>>>;
  /** The same object as long as nothing changed. */
  tls(): Promise<TlsMaterial>;
  /** The server says 401: whatever was remembered is got anew. False: there is nothing to get anew. */
  renew(): boolean;
};
