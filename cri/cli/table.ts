// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** Rows under a heading, columns as wide as their widest cell, two spaces between them, none at the end of a line. */
export function formatTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()).join(
    "\n",
  );
}
