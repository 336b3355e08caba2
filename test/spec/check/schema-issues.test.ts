/** The hints of mistakes in what may be written in several ways: a name, or a map. */
import { expect, test } from "vitest";
import { parsePipeline } from "../../../src/spec/parse.ts";

const withModel = (model: string) => `name: study
stages:
  photos: { kind: shard, with: { source: "package:x", format: cifar10 } }
  scratch: { kind: initialize, inputs: { data: photos }, with: { model: ${model} } }
`;

const issuesOf = (text: string) => {
  const parsed = parsePipeline(text);
  return parsed.ok ? [] : parsed.issues;
};

test.each([
  ["resnet-50", "expected 'conv6' or", "did you mean 'resnet50'?"],
  ["vgg-16", "or a map, found the text 'vgg-16'", "did you mean 'vgg16'?"],
  ["{ network: resnet-152 }", "'resnet-152'", "did you mean 'resnet152'?"],
  ["{ network: vgg16, widht: 2 }", "widht", "did you mean 'width'?"],
  ["{ network: vgg16, input: grey }", "'grey'", "did you mean 'gray'?"],
])("%s is answered with what was meant", (model, message, hint) => {
  expect(issuesOf(withModel(model))).toMatchObject([
    { message: expect.stringContaining(message) as string, hint },
  ]);
});

test("a number is no name: what may be written is named, and nothing suggested", () => {
  const [issue] = issuesOf(withModel("3"));
  expect(issue?.message).toMatch(/^expected conv6 or .* or a map, found 3$/);
  expect(issue).not.toHaveProperty("hint");
});
