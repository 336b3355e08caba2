/**
 * Synsets of classes that are named by words: those of CIFAR-10. ImageNet's and Tiny-ImageNet's classes are named by their ids.
 * Other names are declared by the pipeline (`synsets` of a label map).
 */
export const classSynsets: Readonly<Record<string, string>> = {
  airplane: "n02691156",
  automobile: "n02958343",
  bird: "n01503061",
  cat: "n02121620",
  deer: "n02430045",
  dog: "n02084071",
  frog: "n01639765",
  horse: "n02374451",
  ship: "n04194289",
  truck: "n04490091",
};
