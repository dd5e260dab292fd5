/**
 * Names of tenants, apps and sets: `[a-z]([-a-z0-9]{0,38}[a-z0-9])?`, fit to be a DNS label. Docker allows more, so a
 * name taken over from a container or a compose file is bent into that shape.
 */

const NAME = /^[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?$/;

/** True when the text can name a tenant, an app or a set. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** The nearest name to any text (`My_App.1` becomes `my-app-1`), or null when nothing usable is left. */
export function nameFrom(text: string): string | null {
  const bent = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return isName(bent) ? bent : null;
}
