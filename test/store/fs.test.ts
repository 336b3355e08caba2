import { createFileStore } from "../../src/store/fs.ts";
import { describeStore } from "../contract/store.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

describeStore("the file store", {
  async open() {
    const { folder, remove } = await openTemporaryFolder();
    const again = () => createFileStore({ directory: `${folder}/store` });
    return { store: again(), again, close: remove };
  },
});
