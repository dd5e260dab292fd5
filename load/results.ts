/** Results as files: figures as JSON, a report as Markdown, a chart as SVG, named after their scenario. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { svgChart } from './chart.ts';
import type { MachineFacts } from './machine.ts';
import { markdownReport, type Report } from './report.ts';

const FOLDER = path.join(import.meta.dirname, 'results');

/** @returns the paths of the files, from the working directory */
export function writeResults(report: Report, facts: MachineFacts, folder: string | null): readonly string[] {
  const target = folder ?? FOLDER;
  mkdirSync(target, { recursive: true });
  const { name, title, goals, versions, data } = report;
  const files: Readonly<Record<string, string>> = {
    [`${name}.json`]: `${JSON.stringify({ name, title, ...facts, versions: { ...facts.versions, ...versions }, goals, data }, null, 1)}\n`,
    [`${name}.md`]: markdownReport(report, facts, `${name}.svg`),
    [`${name}.svg`]: svgChart(report.chart),
    ...Object.fromEntries((report.pictures ?? []).map((picture) => [`${name}-${picture.name}.svg`, picture.svg])),
  };
  return Object.entries(files).map(([file, content]) => {
    const full = path.join(target, file);
    writeFileSync(full, content);
    return path.relative(process.cwd(), full);
  });
}
