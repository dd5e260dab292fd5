/** Amounts of what plans limit, as people write them. */

const UNITS = ['', 'Ki', 'Mi', 'Gi'] as const;
const STEP = 1024;

/** @param amount null: as much as there is */
export function amountText(resource: string, amount: number | null): string {
  if (amount === null) return 'no limit';
  return resource === 'memory' ? sizeText(amount) : String(amount);
}

/** In the largest unit that divides it. */
function sizeText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount > 0 && amount % STEP === 0 && unit < UNITS.length - 1) {
    amount /= STEP;
    unit++;
  }
  return `${amount}${UNITS[unit]}`;
}
