import { kubeContract } from "../contract/kube.ts";
import { testNamespace } from "../support/fake-api-server.ts";
import { connectTo, openKube } from "../support/kube.ts";

kubeContract("the pretended API server", async () => {
  const { kube } = await openKube();
  return { kube, namespace: testNamespace };
});

// A real one, where there is one: whoever starts it says so.
const kubeconfig = process.env["HUELINE_TEST_KUBECONFIG"];
if (kubeconfig !== undefined)
  kubeContract("a real API server", async () => {
    const kube = await connectTo(kubeconfig);
    return { kube, namespace: kube.namespace };
  });
