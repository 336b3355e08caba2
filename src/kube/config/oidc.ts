/**
 * The `oidc` auth-provider of a kubeconfig, by the client library: a second to load, so it is loaded by those who have
 * one. Other auth-providers are gone from kubectl too (1.26); programs (`exec`) have taken their place.
 */
import { UserError } from "../../base/errors.ts";
import type { User } from "./kubeconfig.ts";

export type OidcTokens = {
  /** Null: the kubeconfig holds none. */
  read(): Promise<string | null>;
};

export function createOidcTokens(
  provider: NonNullable<User["auth-provider"]>,
): OidcTokens {
  if (provider.name !== "oidc")
    throw new UserError({
      code: "kube.credentials",
      message: `the kubeconfig's user has the auth-provider '${provider.name}', which kubectl has dropped too`,
      hint: "use the cloud's credential program instead, such as gke-gcloud-auth-plugin or kubelogin",
    });
  const load = async () => {
    const { OpenIDConnectAuth } =
      await import("@kubernetes/client-node/dist/oidc_auth.js");
    return new OpenIDConnectAuth();
  };
  let loading: ReturnType<typeof load> | null = null;
  return {
    async read() {
      loading ??= load();
      const auth = await loading;
      const request = { headers: {} as Record<string, string> };
      const user = { name: provider.name, authProvider: provider };
      await auth.applyAuthentication(user, request);
      return request.headers["Authorization"]?.replace("Bearer ", "") ?? null;
    },
  };
}
