/** The Python of bench/torch.ts with what trainings read images with: Pillow, OpenCV and WebDataset, each the newest. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { pythonWithTorch } from "../torch.ts";

export function pythonWithImages(): string {
  const python = pythonWithTorch();
  if (spawnSync(python, ["-c", "import PIL, cv2, webdataset"]).status === 0)
    return python;
  const packages = ["pillow", "opencv-python-headless", "webdataset"];
  const pip = join(dirname(python), "pip");
  const { status } = spawnSync(pip, ["install", ...packages], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error(`pip install ${packages.join(" ")} failed`);
  return python;
}
