/**
 * The page as people open it: from a file, in a real browser. Screenshots go to $HUELINE_SCREENSHOTS if it is set.
 */
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReport } from "../../src/report/create-report.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { findBrowser } from "../support/browser.ts";
import { createCifarPictures } from "../support/cifar-pictures.ts";
import { createExampleInputs, exampleRun } from "../support/report-example.ts";
import {
  createHostileInputs,
  createMixedInputs,
} from "../support/report-variants.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

const executablePath = findBrowser();
const screenshots = process.env["HUELINE_SCREENSHOTS"];

const SCREENS = {
  light: { width: 1100, height: 900, colorScheme: "light" },
  dark: { width: 1100, height: 900, colorScheme: "dark" },
  tablet: { width: 768, height: 1024, colorScheme: "light" },
  phone: { width: 360, height: 740, colorScheme: "light" },
  "dark-phone": { width: 360, height: 740, colorScheme: "dark" },
} as const;
type Screen = keyof typeof SCREENS;

const REPORTS = ["tiny", "mixed", "hostile"] as const;
type Report = (typeof REPORTS)[number];

describe.skipIf(executablePath === null)(
  "report.html in Chromium (skipped where no browser is on PATH)",
  () => {
    let browser: Browser;
    let folder: string;
    let remove = (): Promise<void> => Promise.resolve();

    beforeAll(async () => {
      const temporary = await openTemporaryFolder();
      folder = temporary.folder;
      remove = () => temporary.remove();
      const pictures = [await createCifarPictures(16)];
      const inputs = {
        tiny: { ...createExampleInputs(), pictures },
        mixed: { ...createMixedInputs(), pictures: [] },
        hostile: createHostileInputs(),
      };
      for (const name of REPORTS)
        await writeFile(
          path.join(folder, `${name}.html`),
          renderHtml(createReport(inputs[name]), { run: exampleRun }),
        );
      browser = await chromium.launch({
        executablePath: executablePath ?? "",
        args: ["--no-sandbox"],
      });
    });

    afterAll(async () => {
      await browser.close();
      await remove();
    });

    /** Opens a report and returns what the browser said and asked for. */
    async function open<T>(
      report: Report,
      screen: Screen,
      look: (page: Page) => Promise<T>,
    ): Promise<{ seen: T; messages: string[]; requests: string[] }> {
      const { colorScheme, ...viewport } = SCREENS[screen];
      const context = await browser.newContext({ viewport, colorScheme });
      try {
        const page = await context.newPage();
        const messages: string[] = [];
        const requests: string[] = [];
        page.on("console", (message) => messages.push(message.text()));
        page.on("pageerror", (error) => messages.push(String(error)));
        page.on("dialog", (dialog) => messages.push(dialog.message()));
        page.on("request", (request) => requests.push(request.url()));
        const url = pathToFileURL(path.join(folder, `${report}.html`)).href;
        await page.goto(url);
        if (screenshots !== undefined)
          await page.screenshot({
            path: path.join(screenshots, `${report}-${screen}.png`),
            fullPage: true,
          });
        const seen = await look(page);
        const elsewhere = requests.filter(
          (asked) => asked !== url && !asked.startsWith("data:"),
        );
        return { seen, messages, requests: elsewhere };
      } finally {
        await context.close();
      }
    }

    const views: readonly (readonly [Report, Screen])[] = [
      ["tiny", "light"],
      ["tiny", "dark"],
      ["tiny", "tablet"],
      ["tiny", "phone"],
      ["mixed", "dark"],
      ["mixed", "dark-phone"],
      ["hostile", "light"],
      ["hostile", "phone"],
    ];

    it.each(views)(
      "'%s' on a %s screen is silent, asks for nothing, and does not scroll sideways",
      async (report, screen) => {
        const { seen, messages, requests } = await open(
          report,
          screen,
          (page) =>
            page.evaluate<{ content: number; broken: number }>(`({
              content: document.documentElement.scrollWidth,
              broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
            })`),
        );
        expect(messages).toEqual([]);
        expect(requests).toEqual([]);
        expect(seen.broken).toBe(0);
        expect(seen.content).toBeLessThanOrEqual(SCREENS[screen].width);
      },
    );

    it.each(["light", "dark"] as const)(
      "every text in '%s' has the contrast that WCAG 2 asks for (AA, 4.5 to 1)",
      async (screen) => {
        const { seen } = await open("mixed", screen, (page) =>
          page.evaluate<string[]>(FAINT_TEXTS),
        );
        expect(seen).toEqual([]);
      },
    );

    it("shows pictures of 32 pixels as squares of colour, each with a text for those who can not see it", async () => {
      const { seen } = await open("tiny", "light", (page) =>
        page.evaluate<{ rendering: string; alt: string; width: number }[]>(
          `[...document.images].map((image) => ({
              rendering: getComputedStyle(image).imageRendering, alt: image.alt, width: image.width,
            }))`,
        ),
      );
      expect(seen).toHaveLength(48);
      for (const { rendering, alt, width } of seen) {
        expect(rendering).toBe("pixelated");
        expect(alt).toMatch(/^test image \d+: (gray in|prediction|truth)$/);
        expect(width).toBeGreaterThan(48);
      }
    });

    it("puts the verdict into the first view of a phone", async () => {
      const { seen } = await open(
        "tiny",
        "phone",
        async (page) =>
          (await page.locator(".verdict").first().boundingBox())?.y ?? Infinity,
      );
      expect(seen).toBeLessThan(SCREENS.phone.height);
    });

    it("prints black on white with all details open, in the dark too", async () => {
      const { seen } = await open("tiny", "dark", async (page) => {
        await page.emulateMedia({ media: "print", colorScheme: "dark" });
        if (screenshots !== undefined)
          await page.pdf({ path: path.join(screenshots, "tiny.pdf") });
        return page.evaluate<{ ink: string; paper: string; hidden: number }>(`({
          ink: getComputedStyle(document.body).color,
          paper: getComputedStyle(document.body).backgroundColor,
          hidden: [...document.querySelectorAll("details table")]
            .filter((table) => !table.checkVisibility({ contentVisibilityAuto: true })).length,
        })`);
      });
      expect(seen).toEqual({
        ink: "rgb(28, 30, 34)",
        paper: "rgb(255, 255, 255)",
        hidden: 0,
      });
    });

    it("names every chart and table for readers who listen", async () => {
      const { seen } = await open("mixed", "light", (page) =>
        page.evaluate<{ charts: number; nameless: string[] }>(`({
            charts: document.querySelectorAll('svg[role="img"]').length,
            nameless: [
              ...[...document.querySelectorAll('svg[role="img"]')].filter((svg) =>
                svg.getAttribute("aria-labelledby").split(" ").some((id) => !document.getElementById(id)?.textContent.trim())),
              ...[...document.querySelectorAll("table")].filter((table) => !table.caption?.textContent.trim()),
              ...[...document.querySelectorAll("th")].filter((cell) => !cell.scope),
            ].map((element) => element.outerHTML.slice(0, 200)),
          })`),
      );
      expect(seen.charts).toBeGreaterThan(5);
      expect(seen.nameless).toEqual([]);
    });
  },
);

/** Run in the page: texts whose colour is too close to what lies behind them. */
const FAINT_TEXTS = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("title, desc, .hidden")) continue;
    const style = getComputedStyle(element);
    const colour = element.closest("svg") ? style.fill : style.color;
    const [a, b] = [luminance(channels(colour)), luminance(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(node.textContent.trim().slice(0, 40) + " " + colour);
  }
  return faint;
})()`;
