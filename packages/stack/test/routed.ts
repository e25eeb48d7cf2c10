import type { Route } from './manifests.ts'

type Match = Route['rules'][number]['matches'][number]

function applies({ method, path: { type, value } }: Match, to: { method: string; path: string }): boolean {
  if (method !== undefined && method !== to.method) return false
  if (type === 'Exact') return to.path === value
  if (type === 'PathPrefix') return value === '/' || to.path === value || to.path.startsWith(`${value}/`)
  return new RegExp(`^(?:${value})$`).test(to.path)
}

/**
 * The services that a route leads to, by the precedence of the Gateway API: an exact path, then the longest, then a method, then
 * the first. Where regular expressions stand is an implementation's to say.
 * @returns the service where they go before prefixes, and where they come after
 */
export function routed(
  route: Route | undefined,
  method: string,
  path: string,
): [string | undefined, string | undefined] {
  const found = (route?.rules ?? []).flatMap(({ matches, backendRefs: [backend] }) =>
    matches
      .filter((match) => applies(match, { method, path }))
      .map((match) => ({ ...match, service: backend.name })),
  )
  const first = (kinds: Match['path']['type'][]) =>
    found.toSorted(
      (a, b) =>
        kinds.indexOf(a.path.type) - kinds.indexOf(b.path.type) ||
        b.path.value.length - a.path.value.length ||
        Number(b.method !== undefined) - Number(a.method !== undefined),
    )[0]?.service
  return [
    first(['Exact', 'RegularExpression', 'PathPrefix']),
    first(['Exact', 'PathPrefix', 'RegularExpression']),
  ]
}
