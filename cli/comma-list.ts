/** Several values in one: `shop, blog-*`. Spaces around them and empty ones count for nothing. */

/** @param text null: none */
export function partsOf(text: string | null): string[] {
  return (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
