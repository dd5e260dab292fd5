/** JSON merge patch (RFC 7396). */

/** The value with the patch applied; neither is changed. */
export function mergePatch(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(value) ? { ...value } : {};
  for (const [name, part] of Object.entries(patch)) {
    if (part === null) delete merged[name];
    else
      Object.defineProperty(merged, name, {
        value: mergePatch(own(merged, name), part),
        enumerable: true,
        writable: true,
        configurable: true,
      });
  }
  return merged;
}

/** `__proto__` is a name like any other. */
function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
