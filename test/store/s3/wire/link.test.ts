import { expect, test } from "vitest";
import { start, text } from "../../../support/s3-server/fixture.ts";

test("a link opens an object with no configuration, and a page says that it is one", async () => {
  const { store } = await start();
  await store.put("runs/r/report/report.html", text("<p>done</p>"));
  await store.put("runs/r/report/report.csv", text("a,b\n"));
  const page = await store.link("runs/r/report/report.html", 60);
  expect(new URL(page ?? "").searchParams.get("response-content-type")).toBe(
    "text/html; charset=utf-8",
  );
  expect(await (await fetch(page ?? "")).text()).toBe("<p>done</p>");
  const table = await store.link("runs/r/report/report.csv", 60);
  expect(table).not.toContain("response-content-type");
  expect(await (await fetch(table ?? "")).text()).toBe("a,b\n");
});
