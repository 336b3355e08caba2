/**
 * What is downloaded for each platform and variant, by package name, with the SHA-256 that it must have.
 *
 * The table is a pin: another file under the same name and version is refused. TensorFlow's library is the same for
 * every Python, so one interpreter tag is fixed. CUDA's versions are those that TensorFlow's own metadata names
 * (extra `and-cuda`). A platform that is not in the table is not supported.
 */
import { TENSORFLOW_VERSION } from "../../src/engine/location.ts";
import type { EnginePlatform, EngineVariant } from "../../src/engine/stamp.ts";

export type Wheel = {
  readonly name: string;
  readonly version: string;
  readonly sizeBytes: number;
  readonly sha256: string;
};

const cpu: Readonly<Record<EnginePlatform, Wheel>> = {
  "linux-x64": {
    name: "tensorflow-cpu",
    version: TENSORFLOW_VERSION,
    sizeBytes: 230_236_181,
    sha256: "810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298",
  },
  // No separate CPU package is published for this platform: this one holds no CUDA code there.
  "linux-arm64": {
    name: "tensorflow",
    version: TENSORFLOW_VERSION,
    sizeBytes: 231_937_898,
    sha256: "8a6485edd2148f70d011dbd1d8dc2c775e91774a5a159466e83d0d1f21580944",
  },
};

const cudaOnX64: readonly Wheel[] = [
  {
    name: "tensorflow",
    version: TENSORFLOW_VERSION,
    sizeBytes: 615_510_377,
    sha256: "c9f87e5d2a680a4595f5dc30daf6bbaec9d4129b46d7ef1b2af63c46ac7d2828",
  },
  {
    name: "nvidia-cublas-cu12",
    version: "12.5.3.2",
    sizeBytes: 363_313_169,
    sha256: "ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b",
  },
  {
    name: "nvidia-cuda-cupti-cu12",
    version: "12.5.82",
    sizeBytes: 13_811_507,
    sha256: "bde77a5feb66752ec61db2adfe47f56b941842825b4c7e2068aff27c9d107953",
  },
  {
    name: "nvidia-cuda-nvcc-cu12",
    version: "12.5.82",
    sizeBytes: 22_468_537,
    sha256: "b03e545b8e8c3ce7ebcd7fc44063180ff52ff01d064ece2127ed90a04ef12cd0",
  },
  {
    name: "nvidia-cuda-nvrtc-cu12",
    version: "12.5.82",
    sizeBytes: 24_873_108,
    sha256: "3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd",
  },
  {
    name: "nvidia-cuda-runtime-cu12",
    version: "12.5.82",
    sizeBytes: 895_707,
    sha256: "3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115",
  },
  {
    name: "nvidia-cudnn-cu12",
    version: "9.3.0.75",
    sizeBytes: 577_163_502,
    sha256: "9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d",
  },
  {
    name: "nvidia-cufft-cu12",
    version: "11.2.3.61",
    sizeBytes: 192_524_114,
    sha256: "9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8",
  },
  {
    name: "nvidia-curand-cu12",
    version: "10.3.6.82",
    sizeBytes: 56_309_107,
    sha256: "2823fb27de4e44dbb22394a6adf53aa6e1b013aca0f8c22867d1cfae58405536",
  },
  {
    name: "nvidia-cusolver-cu12",
    version: "11.6.3.83",
    sizeBytes: 130_341_232,
    sha256: "93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b",
  },
  {
    name: "nvidia-cusparse-cu12",
    version: "12.5.1.3",
    sizeBytes: 217_558_979,
    sha256: "016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752",
  },
  {
    name: "nvidia-nccl-cu12",
    version: "2.21.5",
    sizeBytes: 188_654_414,
    sha256: "8579076d30a8c24988834445f8d633c697d42397e92ffc3f63fa26766d25e0a0",
  },
  {
    name: "nvidia-nvjitlink-cu12",
    version: "12.5.82",
    sizeBytes: 21_298_879,
    sha256: "f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212",
  },
];

/** The wheels of an engine; null where no CUDA build is published for the platform. */
export function wheelsOf(
  platform: EnginePlatform,
  variant: EngineVariant,
): readonly Wheel[] | null {
  if (variant === "cpu") return [cpu[platform]];
  return platform === "linux-x64" ? cudaOnX64 : null;
}

/** Free space that a build needs at its peak: the wheel, its unpacked libraries and the stripped copy. */
export const freeBytesNeeded: Readonly<Record<EngineVariant, number>> = {
  cpu: 1_300_000_000,
  cuda: 6_000_000_000,
};
